import { expect, it } from 'vitest'
import { createWriteKeys, type WriteKeyEvent, type WriteKeys } from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { garbageCollector } from '../garbage-collector.ts'
import { describeWithService } from '../services.ts'
import { useMysqlDatabase, usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import { newAddress } from './new-address.ts'
import { startProxy, type TcpProxy } from './processes/proxy.ts'

const collectGarbage = garbageCollector()
const outageMs = length(20_000, 2_500)
const leaseMs = length(2_000, 1_000)
const requestsPerSecond = 1_000

interface Answer {
  key: 'cached' | 'unknown'
  startedAt: number
  tookMs: number
  status: number
}

function outageCampaign(url: () => string, defaultPort: number): void {
  it.each([
    ['refuses connections', (proxy: TcpProxy, on: boolean) => proxy.cut(on)],
    ['swallows everything', (proxy: TcpProxy, on: boolean) => proxy.blackhole(on)],
  ])(
    'serves hits until the lease ends and then 503, and is back within 2 s, when the database %s',
    async (name, strike) => {
      const target = new URL(url())
      const proxy = await startProxy(target.hostname, Number(target.port === '' ? defaultPort : target.port))
      target.hostname = '127.0.0.1'
      target.port = String(proxy.port)
      const unhandled: unknown[] = []
      const onUnhandled = (error: unknown) => unhandled.push(error)
      process.on('unhandledRejection', onUnhandled)
      const events = { storeErrors: 0 }
      const keys = createWriteKeys({
        store: createSqlStore({ url: target.href }),
        cache: { leaseMs },
        onEvent: (event: WriteKeyEvent) => {
          if (event.type === 'store_error') events.storeErrors++
        },
      })
      try {
        const { key } = await keys.create({ name: 'cached', sourceType: 'server' })
        expect((await ask(keys, key, 'cached')).status).toBe(200)

        strike(proxy, true)
        const outage = await load(keys, key, outageMs)
        const struckAt = outage.startedAt
        strike(proxy, false)
        const back = performance.now()
        let recoveredMs = Number.NaN
        const after = await load(keys, key, 3_000)
        for (const answer of after.answers) {
          if (answer.key === 'cached' && answer.status === 200) {
            recoveredMs = answer.startedAt + answer.tookMs - back
            break
          }
        }

        const statuses = new Set(outage.answers.map(({ key: which, status }) => `${which} ${status}`))
        const late = outage.answers.filter(
          (answer) =>
            answer.key === 'cached' && answer.status === 200 && answer.startedAt - struckAt > leaseMs + 20,
        )
        console.log(
          `${name}: ${outage.answers.length} requests, ${events.storeErrors} store errors, ` +
            `slowest ${Math.max(...outage.answers.map(({ tookMs }) => tookMs)).toFixed(0)} ms, ` +
            `back after ${recoveredMs.toFixed(0)} ms, heap ${outage.heapMb.map((mb) => mb.toFixed(0)).join(' ')} MB`,
        )
        expect(statuses.has('cached 200')).toBe(true)
        expect(
          [...statuses].every((status) =>
            ['cached 200', 'cached 503', 'unknown 503', 'unknown 429'].includes(status),
          ),
        ).toBe(true)
        expect(statuses.has('cached 503')).toBe(true)
        expect(late).toEqual([])
        expect(recoveredMs).toBeLessThan(2_000)
        expect(Math.max(...outage.heapMb.slice(2)) - (outage.heapMb[1] as number)).toBeLessThan(40)
        expect(unhandled).toEqual([])
      } finally {
        process.off('unhandledRejection', onUnhandled)
        await keys.close()
        await proxy.close()
      }
    },
  )
}

interface Load {
  startedAt: number
  answers: Answer[]
  /** After each quarter. */
  heapMb: number[]
}

/** A thousand requests a second for the cached key, and a few for ones that nobody has. */
async function load(keys: WriteKeys, secret: string, durationMs: number): Promise<Load> {
  const startedAt = performance.now()
  const answers: Answer[] = []
  const heapMb: number[] = []
  const pending = new Set<Promise<void>>()
  let sent = 0
  for (;;) {
    const elapsedMs = performance.now() - startedAt
    if (elapsedMs >= durationMs) break
    for (const due = Math.floor((elapsedMs / 1_000) * requestsPerSecond); sent < due; sent++) {
      const unknown = sent % 100 === 0
      const asked = ask(keys, unknown ? generateSecret('sk_live_') : secret, unknown ? 'unknown' : 'cached')
        .then((answer) => void answers.push(answer))
        .finally(() => pending.delete(asked))
      pending.add(asked)
    }
    if (elapsedMs >= (durationMs / 4) * (heapMb.length + 1)) {
      collectGarbage()
      heapMb.push(process.memoryUsage().heapUsed / 2 ** 20 - answers.length * 1e-4)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await Promise.all(pending)
  collectGarbage()
  heapMb.push(process.memoryUsage().heapUsed / 2 ** 20 - answers.length * 1e-4)
  answers.sort((a, b) => a.startedAt - b.startedAt)
  return { startedAt, answers, heapMb }
}

async function ask(keys: WriteKeys, secret: string, key: Answer['key']): Promise<Answer> {
  const startedAt = performance.now()
  const verdict = await keys.verify({
    method: 'GET',
    path: '/v1/track',
    headers: { authorization: `Basic ${btoa(`${secret}:`)}` },
    ip: newAddress(),
  })
  if (!verdict.ok && verdict.reply.status === 503) expect(verdict.reply.headers['retry-after']).toBeDefined()
  const status = verdict.ok ? 200 : verdict.reply.status
  return { key, startedAt, tookMs: performance.now() - startedAt, status }
}

describeWithService('postgres', 'PostgreSQL, gone and back', (address) => {
  const database = usePostgresDatabase(address)
  outageCampaign(() => database.url, 5432)
})

describeWithService('mysql', 'MariaDB, gone and back', (address) => {
  const database = useMysqlDatabase(address)
  outageCampaign(() => database.url, 3306)
})
