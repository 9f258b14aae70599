import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { createOwnRedis, type OwnRedis } from '../../redis/own-redis.ts'
import type { FaultWorkerOptions } from '../processes/fault-worker.ts'
import { startProxy } from '../processes/proxy.ts'
import type { Program, Running } from '../processes/spawn.ts'

const leaseMs = 500
const flushMs = 200
/**
 * What a process that was killed had handled for longer is stored, if the database was well: the interval, and the write itself
 * on a busy machine.
 */
export const storedAfterMs = 3_000

/** A worker with a key of its own, so that what is counted for the key is what this worker handled. */
export interface Place {
  readonly keyId: string
  readonly secret: string
  readonly log: string
  worker: Running
  port: number
  /** When it ended without storing what it had counted, and since when nothing is sure to be stored. */
  readonly unsure: { since: number; until: number }[]
}

export type FaultFleet = Awaited<ReturnType<typeof startFaultFleet>>

/** Three workers on PostgreSQL and Redis, through proxies that break when they are told. */
export async function startFaultFleet(program: Program, databaseUrl: string) {
  const redis: OwnRedis = await createOwnRedis()
  await redis.start()
  const target = new URL(databaseUrl)
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
    places.push({ keyId: writeKey.id, secret: key, log, unsure: [], ...(await start({ log })) })
  }
  const [frozen, ended, killed] = places as [Place, Place, Place]
  return { databaseUrl, sql, cache, manager, places, frozen, ended, killed, start }
}
