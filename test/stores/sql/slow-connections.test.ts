import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { it, type TestContext } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore, type SqlStore } from '../../../src/stores/sql/index.ts'
import { describeWithService } from '../../services.ts'
import { type TestDatabase, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

/** The database behind a proxy that hands on what it says to a new connection only after some time. */
async function greetingLate({ url }: TestDatabase, onFinished: TestContext['onTestFinished']) {
  const target = new URL(url)
  const open = new Set<Socket>()
  const state = { greetingMs: 0, most: 0, cut: () => open.forEach((socket) => void socket.destroy()) }
  const server = createServer((near) => {
    open.add(near)
    state.most = Math.max(state.most, open.size)
    const far = connect(Number(target.port), target.hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {}).on('close', () => other.destroy())
    }
    near.on('close', () => open.delete(near)).pipe(far)
    if (Number.isFinite(state.greetingMs)) setTimeout(() => far.pipe(near), state.greetingMs)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onFinished(() => {
    state.cut()
    server.close()
  })
  const near = new URL(url)
  near.port = String((server.address() as AddressInfo).port)
  return Object.assign(state, { url: near.href })
}

/** How long until a question is answered, in milliseconds. */
async function timeToAnswer(store: SqlStore): Promise<number> {
  const began = performance.now()
  for (;;) {
    const [{ status }] = await Promise.allSettled([store.poll({ since: null })])
    const ms = performance.now() - began
    if (status === 'fulfilled' || ms > 10_000) return ms
  }
}

function slowConnections(database: TestDatabase): void {
  it.concurrent('serve the next question, when the one that asked for them was given up', async (test) => {
    const proxy = await greetingLate(database, test.onTestFinished)
    const store = createSqlStore({ url: proxy.url })
    test.onTestFinished(() => store.close())
    await store.poll({ since: null })
    proxy.greetingMs = 1_500
    proxy.cut()
    test.expect(await timeToAnswer(store)).toBeLessThan(4_000)
  })

  it.concurrent('let a process begin that knows no others', async (test) => {
    const proxy = await greetingLate(database, test.onTestFinished)
    proxy.greetingMs = 1_200
    const keys = createWriteKeys({ store: createSqlStore({ url: proxy.url }), logger: false })
    test.onTestFinished(() => keys.close())
    await keys.ready()
  })

  it.concurrent('that hang are few, and keep nobody from a database that is back', async (test) => {
    const proxy = await greetingLate(database, test.onTestFinished)
    const store = createSqlStore({ url: proxy.url, notifications: false })
    test.onTestFinished(() => store.close())
    await store.poll({ since: null })
    proxy.greetingMs = Number.POSITIVE_INFINITY
    proxy.cut()
    proxy.most = 0
    const until = performance.now() + 4_500
    while (performance.now() < until)
      await Promise.allSettled(Array.from({ length: 10 }, () => store.poll({ since: null })))
    // Those of questions, and of what is left of changes.
    test.expect(proxy.most).toBeLessThanOrEqual(5)
    proxy.greetingMs = 0
    test.expect(await timeToAnswer(store)).toBeLessThan(2_000)
  })
}

describeWithService('postgres', 'slow connections to PostgreSQL', (address) => {
  slowConnections(usePostgresDatabase(address))
})
describeWithService('mysql', 'slow connections to MariaDB', (address) => {
  slowConnections(useMysqlDatabase(address))
})
