import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { it, type TestContext } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore, type SqlStore } from '../../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { auditEntry } from './audit-entry.ts'
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

/** Runs statements one by one over a connection of its own. */
type Session = (url: string) => Promise<{ run(statement: string): Promise<unknown>; end(): Promise<unknown> }>

function slowConnections(database: TestDatabase, openSession: Session): void {
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

  it.concurrent('are one more than there may be, however many changes wait for a lock', async (test) => {
    const tablePrefix = `s${randomBase62(6).toLowerCase()}_`
    const proxy = await greetingLate(database, test.onTestFinished)
    const store = createSqlStore({ url: proxy.url, notifications: false, tablePrefix })
    test.onTestFinished(() => store.close())
    const records = Array.from({ length: 4 }, () => createKeyRecord())
    for (const record of records) await store.insert(record, auditEntry())
    const other = await openSession(database.url)
    test.onTestFinished(async () => void (await other.end()))
    await other.run('begin')
    await other.run(`select * from ${tablePrefix}meta for update`)
    const changes = records.map((record) => store.replace({ ...record, version: 2 }, auditEntry()))
    await new Promise((resolve) => setTimeout(resolve, 5_500))
    await other.run('commit')
    test.expect(await Promise.all(changes)).not.toContain(undefined)
    // Those of changes, and one that asks whether the server is still there.
    test.expect(proxy.most).toBeLessThanOrEqual(5)
  })
}

describeWithService('postgres', 'slow connections to PostgreSQL', (address) => {
  slowConnections(usePostgresDatabase(address), async (url) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return { run: (statement) => client.query(statement), end: () => client.end() }
  })
})
describeWithService('mysql', 'slow connections to MariaDB', (address) => {
  slowConnections(useMysqlDatabase(address), async (url) => {
    const connection = await createConnection({ uri: url })
    return { run: (statement) => connection.query(statement), end: () => connection.end() }
  })
})
