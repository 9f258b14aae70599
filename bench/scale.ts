import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createClient } from 'redis'
import { createWriteKeys } from '../src/index.ts'
import { createRedisLimiter } from '../src/redis/index.ts'
import { createSqlStore } from '../src/stores/sql/index.ts'
import { sized } from './length.ts'
import { report } from './report.ts'
import { basicCredential } from './sample.ts'

/** What one process asks of PostgreSQL and Redis, at rest and at work: what a fleet asks is that many times as much. */
const seconds = sized({ full: 60, short: 20, smoke: 1 })
const usedKeys = 100
const requestsPerSecond = 1_000

const address = process.env.WRITEKEY_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const name = `writekey_bench_${randomInt(1e9)}`
const admin = new pg.Client({ connectionString: address })
await admin.connect()
await admin.query(`create database ${name}`)
try {
  await measure(Object.assign(new URL(address), { pathname: `/${name}` }).href)
} finally {
  await admin.query(`drop database ${name} with (force)`)
  await admin.end()
}

async function measure(url: string): Promise<void> {
  const database = countingPool(url)
  const redis = await countingRedis()
  const store = createSqlStore({ pool: database.pool })
  await store.migrate()
  const keys = createWriteKeys({
    store,
    limiter: createRedisLimiter({ client: redis.client }),
    activity: false,
  })
  const requests: { headers: { authorization: string } }[] = []
  for (let count = 0; count < usedKeys; count++) {
    const { key } = await keys.create({ name: `Key ${count}`, sourceType: 'server', rateLimitEps: 1_000 })
    requests.push({ headers: { authorization: basicCredential(key) } })
  }
  const send = async (at: number) => {
    const request = { method: 'POST', path: '/v1/track', body: { event: 'Order Paid' }, ip: '203.0.113.7' }
    const verdict = await keys.verify({ ...request, ...requests[at % usedKeys] } as never)
    if (!verdict.ok) throw new Error(`refused: ${verdict.reason}`)
  }
  for (let at = 0; at < usedKeys; at++) await send(at)
  // What was counted above is stored first, and chunks of the limiter have gone back.
  await keys.flush()
  await sleep(sized({ full: 5_000, short: 5_000, smoke: 0 }))

  const tell = (state: string, events: number) => {
    const per = (count: number) => count / seconds
    const { statements, bytes, kinds } = database.take()
    const { commands, sent } = redis.take()
    const note = [...kinds].map(([kind, count]) => `${kind} ${per(count).toFixed(2)}`).join(', ')
    report({ name: `PostgreSQL, statements per second, ${state}`, value: per(statements), unit: '/s', note })
    report({
      name: `PostgreSQL, bytes per second both ways, ${state}`,
      value: Math.round(per(bytes)),
      unit: 'B/s',
    })
    const each = events === 0 ? '' : `${((commands * 1_000) / events).toFixed(1)} per 1,000 events, `
    report({
      name: `Redis, commands per second, ${state}`,
      value: per(commands),
      unit: '/s',
      note: `${each}${Math.round(per(sent))} bytes of commands per second`,
    })
  }

  database.take()
  redis.take()
  await sleep(seconds * 1_000)
  tell('at rest', 0)

  const began = performance.now()
  let sent = 0
  while (performance.now() - began < seconds * 1_000) {
    const due = Math.floor(((performance.now() - began) / 1_000) * requestsPerSecond)
    while (sent < due) await send(sent++)
    await sleep(5)
  }
  tell(`${requestsPerSecond.toLocaleString('en')} events per second of ${usedKeys} keys`, sent)

  const { position } = await store.poll({ since: null })
  await tellMost('PostgreSQL, polls per second at most, 10 connections', () =>
    store.poll({ since: position }),
  )
  await keys.close()
  await redis.close()
  await database.pool.end()
}

/** How often something can be asked when 64 ask all the time. */
async function tellMost(name: string, ask: () => unknown): Promise<void> {
  const began = performance.now()
  const lastsMs = (seconds * 1_000) / 6
  let count = 0
  const askOn = async () => {
    while (performance.now() - began < lastsMs) {
      await ask()
      count++
    }
  }
  await Promise.all(Array.from({ length: 64 }, askOn))
  report({ name, value: Math.round((count * 1_000) / (performance.now() - began)), unit: '/s' })
}

/** Counts what goes over the connections of a pool. */
function countingPool(connectionString: string) {
  const kinds = new Map<string, number>()
  const sockets = new Set<{ bytesRead: number; bytesWritten: number }>()
  let statements = 0
  let bytesBefore = 0
  const pool = new pg.Pool({ connectionString })
  // The database is dropped while the last connections end.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    const { query } = client
    sockets.add((client as unknown as { connection: { stream: never } }).connection.stream)
    client.query = ((...args: unknown[]) => {
      const text = typeof args[0] === 'string' ? args[0] : (args[0] as { text?: string }).text
      statements++
      const kind = kindOf(text ?? '')
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      return query.apply(client, args as never)
    }) as never
  })
  const bytes = () => [...sockets].reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0)
  return {
    pool,
    /** Since the last call. */
    take() {
      const taken = { statements, kinds: new Map(kinds), bytes: bytes() - bytesBefore }
      bytesBefore += taken.bytes
      statements = 0
      kinds.clear()
      return taken
    },
  }
}

/** The verb, and the table that is written to or read first. */
function kindOf(text: string): string {
  const verb = /^\W*(\w+)/.exec(text)?.[1]?.toLowerCase() ?? ''
  const table = /writekey_(\w+)/.exec(text)?.[1]
  return table === undefined ? verb : `${verb} ${table}`
}

async function countingRedis() {
  const client = await createClient({
    url: process.env.WRITEKEY_TEST_REDIS ?? 'redis://127.0.0.1:6379',
  }).connect()
  let commands = 0
  let sent = 0
  return {
    client: {
      sendCommand(args: readonly string[]) {
        commands++
        for (const part of args) sent += part.length
        return client.sendCommand([...args])
      },
    },
    take() {
      const taken = { commands, sent }
      commands = 0
      sent = 0
      return taken
    },
    close: () => client.close(),
  }
}
