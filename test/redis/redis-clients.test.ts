import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { Redis as Valkey, Cluster as ValkeyCluster } from 'iovalkey'
import { createClient, createClientPool, createCluster } from 'redis'
import { createClient as createClient5, createCluster as createCluster5 } from 'redis5'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createWriteKeys, type RateLimiter } from '../../src/index.ts'
import { createRedisLimiter, type RedisClient, type RedisLimiterOptions } from '../../src/redis/index.ts'
import { ConfigError } from '../../src/runtime/config-error.ts'
import { describeWithService } from '../services.ts'
import { createOwnRedis, type OwnRedis } from './own-redis.ts'

const rate = { eps: 100, burst: 100 }
const modes = ['leased', 'strict'] as const

let ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.reverse()) await end()
  ends = []
})

function limit(options: RedisLimiterOptions): RateLimiter {
  const limiter = createRedisLimiter({ prefix: `test:${randomUUID()}:`, timeoutMs: 2_000, ...options })
  ends.push(() => limiter.close())
  return limiter
}

/** Two limiters, each with a client of its own, share one burst. */
async function expectShared(open: () => Promise<RedisClient>): Promise<void> {
  for (const mode of modes) {
    const options = { mode, prefix: `test:${randomUUID()}:` }
    const changes: unknown[] = []
    const limiters = [
      limit({ client: await open(), ...options }),
      limit({ client: await open(), ...options }),
    ]
    for (const limiter of limiters) limiter.observe?.((change) => changes.push(change))
    const startedAt = performance.now()
    let admitted = 0
    for (let i = 0; i < 200; i++) {
      const answer = await (limiters[i % 2] as RateLimiter).consume('wk_a}{b', 1, rate)
      if (answer.allowed) admitted++
    }
    const refilled = ((performance.now() - startedAt) * rate.eps) / 1000
    expect(changes).toEqual([])
    expect(admitted).toBeGreaterThanOrEqual(80)
    expect(admitted).toBeLessThanOrEqual(rate.burst + refilled + (mode === 'leased' ? 20 : 0))
  }
}

/** Remembers to end a client once the test is over. */
function ending<Client>(client: Client, end: (client: Client) => unknown): Client {
  ;(client as { on?(event: 'error', listener: () => void): void }).on?.('error', () => {})
  ends.push(() => end(client))
  return client
}

describeWithService('redis', 'the clients of the Redis limiter', (url) => {
  const single: Record<string, () => Promise<RedisClient>> = {
    'node-redis 6': async () => ending(createClient({ url }), (client) => client.destroy()).connect(),
    'a pool of node-redis 6': async () => {
      const pool = ending(createClientPool({ url }), (client) => client.destroy())
      await pool.connect()
      return pool
    },
    'node-redis 5': async () => ending(createClient5({ url }), (client) => client.destroy()).connect(),
    'ioredis 6': async () => readied(ending(new Redis(url), (client) => client.disconnect())),
    'ioredis 5': async () => readied(ending(new Redis5(url), (client) => client.disconnect())),
    iovalkey: async () => readied(ending(new Valkey(url), (client) => client.disconnect())),
    'an object with sendCommand': async () => {
      const client = ending(new Redis(url), (redis) => redis.disconnect())
      return { sendCommand: ([command, ...args]: [string, ...string[]]) => client.call(command, ...args) }
    },
  }
  it.each(Object.entries(single))('share a bucket over %s', async (_kind, open) => expectShared(open))

  describe('of a cluster', () => {
    let redis: OwnRedis
    beforeAll(async () => {
      redis = await createOwnRedis()
      await redis.start(
        ...['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
        ...['--cluster-config-file', join(tmpdir(), `writekey-${randomUUID()}.conf`)],
      )
      const client = await createClient({ url: redis.url }).connect()
      const told = async (...args: string[]) => JSON.stringify(await client.sendCommand(['CLUSTER', ...args]))
      // Slots that are handed out before the node knows its own address are announced without one.
      while (!(await told('NODES')).includes('127.0.0.1')) await sleep(20)
      await told('ADDSLOTSRANGE', '0', '16383')
      while (!(await told('INFO')).includes('cluster_state:ok')) await sleep(20)
      client.destroy()
    })
    afterAll(() => redis.kill())

    const nodes = () => [{ host: '127.0.0.1', port: redis.port }]
    const clusters: Record<string, () => Promise<RedisClient>> = {
      'node-redis 6': async () => {
        const cluster = ending(createCluster({ rootNodes: [{ url: redis.url }] }), (client) =>
          client.destroy(),
        )
        await cluster.connect()
        return cluster
      },
      'node-redis 5': async () => {
        const cluster = ending(createCluster5({ rootNodes: [{ url: redis.url }] }), (client) =>
          client.destroy(),
        )
        await cluster.connect()
        return cluster
      },
      'ioredis 6': async () => readied(ending(new Cluster(nodes()), (client) => client.disconnect())),
      'ioredis 5': async () => readied(ending(new Cluster5(nodes()), (client) => client.disconnect())),
      iovalkey: async () => readied(ending(new ValkeyCluster(nodes()), (client) => client.disconnect())),
    }
    it.each(Object.entries(clusters))('share a bucket over %s', async (_kind, open) => expectShared(open))
  })

  it('keep nobody waiting when they are not connected, nor fill their own queues', async () => {
    const idle = createClient({ url })
    const lost = ending(new Redis('redis://127.0.0.1:1', { maxRetriesPerRequest: null }), (client) =>
      client.disconnect(),
    )
    const silent = { sendCommand: () => new Promise(() => {}) }
    for (const [client, mostMs] of [
      [idle, 30],
      [lost, 30],
      [silent, 90],
    ] as const) {
      for (const mode of modes) {
        const waitedMs: number[] = []
        // What the machine was late with is not the limiter's doing: the shortest of a few.
        for (let attempt = 0; attempt < 5 && !waitedMs.some((ms) => ms < mostMs); attempt++) {
          const limiter = limit({ client, mode, processes: 2, timeoutMs: 50 })
          const startedAt = performance.now()
          const answers = await Promise.all(
            Array.from({ length: 200 }, async () => limiter.consume('wk_a', 1, { eps: 1, burst: 100 })),
          )
          waitedMs.push(performance.now() - startedAt)
          expect(answers.filter(({ allowed }) => allowed)).toHaveLength(50)
        }
        expect(Math.min(...waitedMs)).toBeLessThan(mostMs)
      }
    }
    expect((lost as unknown as { offlineQueue: { length: number } }).offlineQueue.length).toBe(0)
  })

  it('are left open, and without listeners of ours, when the limiter is closed', async () => {
    const client = await createClient({ url }).connect()
    ends.push(() => client.destroy())
    const before = client.listenerCount('error')
    const limiter = limit({ client })
    await limiter.consume('wk_a', 1, rate)
    await limiter.close()
    await limiter.close()
    expect(client.isReady).toBe(true)
    expect(client.listenerCount('error')).toBe(before)
  })

  it('are told apart from what is none, and options from misspelt ones', () => {
    const client = { sendCommand: () => {} }
    for (const wrong of [
      {},
      { client: {} },
      { client: null },
      { client, mode: 'exact' },
      { client, onOutage: 'open' },
      { client, processes: 0 },
      { client, timeoutMs: 0 },
      { client, prefix: 'a{b}' },
      { client, maxKeys: 1.5 },
      { client, clock: {} },
      { client, tiemoutMs: 5 },
    ]) {
      expect(() => createRedisLimiter(wrong as never)).toThrow(ConfigError)
    }
  })
})

describeWithService('redis', 'what the Redis limiter leaves in Redis', (url) => {
  const client = createClient({ url })
  beforeAll(async () => {
    await client.connect()
  })
  afterAll(() => client.close())

  async function keysOf(prefix: string): Promise<string[]> {
    const found: string[] = []
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 10_000 })) found.push(...keys)
    return found
  }

  it('ends no later than the bucket would be full again', async () => {
    for (const mode of modes) {
      const prefix = `test:${randomUUID()}:`
      const limiter = limit({ client, mode, prefix })
      for (let i = 0; i < 2_000; i += 100) {
        await Promise.all(
          Array.from({ length: 100 }, async (_, j) => limiter.consume(`wk_${i + j}`, 1, rate)),
        )
      }
      await limiter.consume('wk_slow', 10, { eps: 1, burst: 10 })
      expect(await client.pTTL(`${prefix}limit:{wk_slow}`)).toBeGreaterThan(9_000)
      expect(await client.pTTL(`${prefix}limit:{wk_slow}`)).toBeLessThanOrEqual(10_001)
      for (const key of await keysOf(prefix)) expect(await client.pTTL(key)).not.toBe(-1)
      await limiter.close()
      await sleep(20)
      expect(await keysOf(prefix)).toEqual([`${prefix}limit:{wk_slow}`])
    }
  })

  it('lives longer when the rate is lowered', async () => {
    const prefix = `test:${randomUUID()}:`
    const limiter = limit({ client, mode: 'strict', prefix })
    await limiter.consume('wk_a', 100, rate)
    expect(await limiter.consume('wk_a', 5, { eps: 1, burst: 10 })).toMatchObject({ allowed: false })
    expect(await client.pTTL(`${prefix}limit:{wk_a}`)).toBeGreaterThan(90_000)
  })

  it('has a place of its own for every id, with its id as hash tag', async () => {
    const prefix = `test:${randomUUID()}:`
    const limiter = limit({ client, mode: 'strict', prefix })
    for (const id of ['wk_a', 'wk_a}', '{wk_a}', 'wk a', '', 'é', '~', 'a'.repeat(10_000)]) {
      expect(await limiter.consume(id, 100, rate)).toMatchObject({ allowed: true })
    }
    const keys = (await keysOf(prefix)).filter((key) => key.includes('limit:'))
    expect(keys).toHaveLength(8)
    for (const key of keys) expect(key).toMatch(/limit:\{[~A-Za-z0-9_-]{1,80}\}$/)
  })

  it('is written over when it is no bucket', async () => {
    const prefix = `test:${randomUUID()}:`
    const limiter = limit({ client, mode: 'strict', prefix })
    await client.set(`${prefix}limit:{wk_a}`, 'junk')
    await client.lPush(`${prefix}limit:{wk_b}`, 'junk')
    for (const id of ['wk_a', 'wk_b']) {
      expect(await limiter.consume(id, 30, rate)).toMatchObject({ allowed: true, remaining: 70 })
      expect((await limiter.consume(id, 30, rate)).remaining).toBeLessThan(45)
    }
  })

  it('agrees among processes whose clocks are five minutes apart', async () => {
    for (const mode of modes) {
      const prefix = `test:${randomUUID()}:`
      const skewed = (ms: number) => ({
        now: () => Date.now() + ms,
        monotonic: () => performance.now() + ms,
      })
      const ahead = limit({ client, mode, prefix, clock: skewed(300_000) })
      const behind = limit({ client, mode, prefix, clock: skewed(0) })
      let admitted = 0
      for (let i = 0; i < 60; i++) {
        if ((await ahead.consume('wk_a', 1, { eps: 1, burst: 30 })).allowed) admitted++
        if ((await behind.consume('wk_a', 1, { eps: 1, burst: 30 })).allowed) admitted++
      }
      expect(admitted).toBeGreaterThanOrEqual(30)
      expect(admitted).toBeLessThanOrEqual(33)
    }
  })
})

describe('createWriteKeys with a Redis limiter', () => {
  it('tells of the loss of Redis once, and answers no request with an error', async () => {
    const events: string[] = []
    const client = createClient({ url: 'redis://127.0.0.1:1' })
    const keys = createWriteKeys({
      limiter: createRedisLimiter({ client, processes: 1 }),
      onEvent: (event) => events.push(event.type),
    })
    const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 5 })
    const verdicts = []
    for (let i = 0; i < 8; i++) {
      verdicts.push(
        await keys.verify({
          method: 'POST',
          path: '/v1/track',
          headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
          body: { type: 'track', event: 'Seen' },
        }),
      )
    }
    const outcomes = verdicts.map((verdict) => (verdict.ok ? 200 : verdict.reply.status))
    expect(outcomes).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
    expect(events.filter((type) => type.startsWith('limiter_'))).toEqual(['limiter_degraded'])
    await keys.close()
  })
})

async function readied<Client extends RedisClient & { ping(): Promise<unknown> }>(
  client: Client,
): Promise<Client> {
  if ('status' in client && client.status !== 'ready') {
    await new Promise((resolve) => (client as unknown as Redis).once('ready', () => resolve(undefined)))
  }
  return client
}
