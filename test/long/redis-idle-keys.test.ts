import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRedisLimiter } from '../../src/redis/index.ts'
import { createOwnRedis, type OwnRedis } from '../redis/own-redis.ts'
import { describeWithService } from '../services.ts'
import { length } from './length.ts'

const keyCount = length(100_000, 20_000)
const atOnce = 500
/** One event is owed for so long: longer than it takes to send them all. */
const drainMs = length(12_000, 4_000)

describeWithService('redis', 'a hundred thousand keys that fell silent', () => {
  let redis: OwnRedis
  beforeAll(async () => {
    redis = await createOwnRedis()
    await redis.start()
  })
  afterAll(() => redis?.kill())

  it('leave nothing in Redis once their buckets would be full again', async () => {
    const client = await createClient({ url: redis.url }).connect()
    const limiter = createRedisLimiter({ client, timeoutMs: 5_000 })
    const rate = { eps: 1_000 / drainMs, burst: 1 }
    const leased = { eps: 1_000, burst: 20_000 }
    const startedAt = performance.now()
    for (let count = 0; count < keyCount; count += atOnce) {
      await Promise.all(
        Array.from({ length: atOnce }, async (_, index) => limiter.consume(`wk_${count + index}`, 1, rate)),
      )
    }
    // Some that hold events ahead as well.
    for (let count = 0; count < 1_000; count++) {
      for (let event = 0; event < 5; event++) await limiter.consume(`wk_leased${count}`, 1, leased)
    }
    const sentMs = performance.now() - startedAt
    const keyspace = await client.info('keyspace')
    const [, keys, expiring] = /keys=(\d+),expires=(\d+)/.exec(keyspace) ?? []
    // On a busy machine the first ones have ended before the last ones are made.
    const [, ended] = /expired_keys:(\d+)/.exec(await client.info('stats')) ?? []
    expect(Number(keys) + Number(ended)).toBeGreaterThan(keyCount * 0.9)
    expect(expiring).toBe(keys)

    const silentAt = performance.now()
    await limiter.close()
    let left = await client.dbSize()
    while (left > 0 && performance.now() - silentAt < drainMs + 5_000) {
      await sleep(100)
      left = await client.dbSize()
    }
    console.log(
      `${keys} keys, all with a TTL, after ${(sentMs / 1_000).toFixed(1)} s; ${left} left ${((performance.now() - silentAt) / 1_000).toFixed(1)} s later, ` +
        `where one event is owed for ${drainMs / 1_000} s`,
    )
    expect(left).toBe(0)
    client.destroy()
  })
})
