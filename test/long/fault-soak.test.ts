import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type AuditPage, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { createOwnRedis, type OwnRedis } from '../redis/own-redis.ts'
import { describeWithService } from '../services.ts'
import { usePostgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'
import type { FaultWorkerOptions } from './processes/fault-worker.ts'
import { sharedNow } from './processes/messages.ts'
import { startProxy } from './processes/proxy.ts'
import { buildProgram, type Program, type Running } from './processes/spawn.ts'

const durationMs = length(600_000, 40_000)
const leaseMs = 500
const flushMs = 200
/**
 * What a process that was killed had handled for longer is stored: the interval, and the write itself on a busy machine. It is
 * killed only when the database has been well for that long.
 */
const storedAfterMs = 3_000
const sendersPerWorker = 3

let program: Program
beforeAll(async () => {
  program = await buildProgram('fault-worker')
})
afterAll(() => program?.remove())

/** A worker with a key of its own, so that what is counted for the key is what this worker handled. */
interface Place {
  readonly keyId: string
  readonly secret: string
  readonly log: string
  worker: Running
  port: number
  /** When it was killed by SIGKILL. */
  readonly killedAt: number[]
}

describeWithService('postgres', 'a fleet through random faults', (address) => {
  const database = usePostgresDatabase(address)

  it('handles and counts every event, once, answers 200 or 503, and keeps every change in the audit log', async () => {
    const redis: OwnRedis = await createOwnRedis()
    await redis.start()
    const target = new URL(database.url)
    const sql = await startProxy(target.hostname, Number(target.port || 5432))
    const cache = await startProxy('127.0.0.1', redis.port)
    const proxied = new URL(target)
    proxied.port = String(sql.port)
    const logs = mkdtempSync(join(tmpdir(), 'writekey-faults-'))
    const manager = createWriteKeys({
      store: createSqlStore({ url: proxied.href }),
      cache: { leaseMs },
      logger: { error() {}, warn() {} },
    })
    const places: Place[] = []
    onTestFinished(async () => {
      for (const { worker } of places) await worker.kill()
      await manager.close()
      await Promise.all([sql.close(), cache.close(), redis.kill()])
      rmSync(logs, { recursive: true, force: true })
    })
    const start = async (place: Pick<Place, 'log'>) => {
      const options: FaultWorkerOptions = {
        url: proxied.href,
        redisPort: cache.port,
        leaseMs,
        flushMs,
        log: place.log,
      }
      const worker = await program.start(options)
      return { worker, port: await worker.ask<number>({ type: 'port' }) }
    }
    for (const name of ['frozen', 'ended', 'killed']) {
      const { writeKey, key } = await manager.create({ name, sourceType: 'server', rateLimitEps: 100_000 })
      const log = join(logs, name)
      places.push({ keyId: writeKey.id, secret: key, log, killedAt: [], ...(await start({ log })) })
    }
    const [frozen, ended, killed] = places as [Place, Place, Place]

    const outage = async (begin: () => void, end: () => void) => {
      begin()
      await sleep(500 + Math.random() * 1_500)
      end()
      // Until connections are there again, and what was held back is stored.
      await sleep(storedAfterMs)
    }
    const faults: Record<string, () => Promise<void>> = {
      'database silent': () =>
        outage(
          () => sql.blackhole(true),
          () => sql.blackhole(false),
        ),
      'database refused': () =>
        outage(
          () => sql.cut(true),
          () => sql.cut(false),
        ),
      'database slow': () =>
        outage(
          () => sql.delay(30),
          () => sql.delay(0),
        ),
      'connections ended': () => terminate(database.url),
      'Redis silent': () =>
        outage(
          () => cache.blackhole(true),
          () => cache.blackhole(false),
        ),
      'Redis refused': () =>
        outage(
          () => cache.cut(true),
          () => cache.cut(false),
        ),
      'Redis slow': () =>
        outage(
          () => cache.delay(60),
          () => cache.delay(0),
        ),
      SIGSTOP: () =>
        outage(
          () => void frozen.worker.child.kill('SIGSTOP'),
          () => void frozen.worker.child.kill('SIGCONT'),
        ),
      async SIGTERM() {
        const gone = once(ended.worker.child, 'exit')
        ended.worker.child.kill('SIGTERM')
        const [code] = await gone
        expect(code).toBe(0)
        Object.assign(ended, await start(ended))
      },
      async SIGKILL() {
        await sleep(storedAfterMs)
        killed.killedAt.push(sharedNow())
        await killed.worker.kill()
        Object.assign(killed, await start(killed))
      },
    }

    const endsAt = performance.now() + durationMs
    const isOver = () => performance.now() > endsAt
    const statuses: Record<string, number> = {}
    const acknowledged = new Map(places.map(({ keyId }) => [keyId, new Set<string>()]))
    const sending = places.flatMap((place, at) =>
      Array.from({ length: sendersPerWorker }, (_, sender) =>
        sendAll(place, `${at}-${sender}`, isOver, statuses, acknowledged.get(place.keyId) as Set<string>),
      ),
    )
    const changing = changeNames(manager, frozen.keyId, isOver)
    const struck: string[] = []
    while (!isOver()) {
      const round = shuffled(Object.keys(faults))
      for (const name of round) {
        if (isOver()) break
        struck.push(name)
        await (faults[name] as () => Promise<void>)()
      }
    }
    await Promise.all(sending)
    const changed = await changing
    for (const { worker } of places) {
      const gone = once(worker.child, 'exit')
      worker.child.kill('SIGTERM')
      await gone
    }

    let lost = 0
    for (const place of places) {
      const handled = readHandled(place.log).filter(({ keyId }) => keyId === place.keyId)
      const names = handled.flatMap(({ events }) => events)
      const told = acknowledged.get(place.keyId) as Set<string>
      expect([...told].filter((name) => !names.includes(name))).toEqual([])
      const counted = (await manager.usage(place.keyId)).acceptedTotal
      const unsure = handled.filter(({ at }) =>
        place.killedAt.some((killedAt) => at <= killedAt && at > killedAt - storedAfterMs),
      ).length
      lost += names.length - counted
      expect(counted).toBeLessThanOrEqual(names.length)
      // Exact, but for what a killed process had not stored.
      expect(counted).toBeGreaterThanOrEqual(names.length - unsure)
    }
    const audited = await auditedNames(manager, frozen.keyId)
    for (const name of changed) expect(audited.filter((other) => other === name)).toEqual([name])
    console.log(
      `${struck.length} faults (${[...new Set(struck)].join(', ')}): answers ${JSON.stringify(statuses)}; ` +
        `${changed.length} changes, each audited once; ${lost} events not counted, of ${killed.killedAt.length} killed processes`,
    )
    expect(Object.keys(statuses).filter((status) => !['200', '503', 'no answer'].includes(status))).toEqual(
      [],
    )
    expect(statuses[200]).toBeGreaterThan(100)
    expect(changed.length).toBeGreaterThan(0)
  })
})

/** One event after the other, each until it is acknowledged. */
async function sendAll(
  place: Place,
  sender: string,
  isOver: () => boolean,
  statuses: Record<string, number>,
  acknowledged: Set<string>,
): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  for (let number = 0; !isOver(); number++) {
    const event = `${sender}-${number}`
    for (;;) {
      const status = await send(agent, place, event)
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status === '200') break
      await sleep(50)
    }
    acknowledged.add(event)
    await sleep(10)
  }
  agent.destroy()
}

function send(agent: Agent, { port, secret }: Place, event: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${secret}:`)}`, 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const asked = request({ agent, port, host: '127.0.0.1', path: '/v1/track', method: 'POST', headers })
    asked.once('error', () => resolve('no answer'))
    asked.once('response', (response) => {
      response.resume()
      response.once('end', () => resolve(String(response.statusCode)))
      response.once('error', () => resolve('no answer'))
    })
    asked.end(JSON.stringify({ type: 'track', event }))
  })
}

/** @returns the names whose change was acknowledged. */
async function changeNames(manager: WriteKeys, keyId: string, isOver: () => boolean): Promise<string[]> {
  const changed: string[] = []
  for (let number = 0; !isOver(); number++) {
    const name = `Name ${number}`
    const isChanged = await manager.update(keyId, { name }).then(
      () => true,
      () => false,
    )
    if (isChanged) changed.push(name)
    await sleep(100)
  }
  return changed
}

async function auditedNames(manager: WriteKeys, keyId: string): Promise<unknown[]> {
  const names: unknown[] = []
  let cursor: string | null = null
  do {
    const page: AuditPage = await manager.audit({ keyId, limit: 100, ...(cursor !== null && { cursor }) })
    names.push(...page.data.filter(({ action }) => action === 'update').map(({ after }) => after?.name))
    cursor = page.nextCursor
  } while (cursor !== null)
  return names
}

function readHandled(log: string): { keyId: string; at: number; events: string[] }[] {
  if (!existsSync(log)) return []
  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => {
    const [keyId, at, ...events] = line.split(' ') as [string, string, ...string[]]
    return { keyId, at: Number(at), events }
  })
}

async function terminate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await client.end()
  await sleep(storedAfterMs)
}

function shuffled<T>(values: T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ value }) => value)
}
