import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { LimiterChange, RateLimiter, RateLimitResult } from '../../src/limits/rate-limiter.ts'
import { createRedisLimiter, type RedisLimiterOptions } from '../../src/redis/index.ts'
import { describeWithService } from '../services.ts'
import { createOwnRedis, type OwnRedis } from './own-redis.ts'

const rate = { eps: 200, burst: 200 }
/** Of which next to nothing drains while a test runs. */
const slowRate = { eps: 5, burst: 200 }
const modes = ['leased', 'strict'] as const

describeWithService('redis', 'the Redis limiter in an outage', () => {
  let redis: OwnRedis
  let client: ReturnType<typeof createClient>
  let limiters: RateLimiter[] = []
  let changes: LimiterChange['state'][] = []

  beforeAll(async () => {
    redis = await createOwnRedis()
  })
  beforeEach(async () => {
    changes = []
    await redis.start()
    client = createClient({ url: redis.url, socket: { reconnectStrategy: 50 } })
    client.on('error', () => {})
    await client.connect()
    await client.flushAll()
  })
  afterEach(async () => {
    redis.thaw()
    await Promise.all(limiters.map((limiter) => limiter.close()))
    limiters = []
    client.destroy()
  })
  afterAll(() => redis.kill())

  function limit(options: Partial<RedisLimiterOptions> = {}): RateLimiter {
    const limiter = createRedisLimiter({ client, processes: 4, ...options })
    limiter.observe?.((change) => changes.push(change.state))
    limiters.push(limiter)
    return limiter
  }

  async function recovery(): Promise<number> {
    const startedAt = performance.now()
    while (changes.at(-1) !== 'recovered' && performance.now() - startedAt < 5_000) await sleep(10)
    return performance.now() - startedAt
  }

  /** Offers twice the rate for some time, and says what came of it. */
  async function offer(limiter: RateLimiter, ms: number) {
    const answers: { result: RateLimitResult; waitedMs: number }[] = []
    const pending: Promise<unknown>[] = []
    let lateMs = 0
    const beganAt = performance.now()
    let lastAt = beganAt
    const endAt = beganAt + ms
    while (performance.now() < endAt) {
      for (let i = 0; i < 2; i++) {
        const startedAt = performance.now()
        pending.push(
          Promise.resolve(limiter.consume('wk_outage', 1, rate)).then((result) =>
            answers.push({ result, waitedMs: performance.now() - startedAt }),
          ),
        )
      }
      await sleep(5)
      lateMs = Math.max(lateMs, performance.now() - lastAt - 5)
      lastAt = performance.now()
    }
    await Promise.all(pending)
    return {
      admitted: answers.filter(({ result }) => result.allowed).length,
      answered: answers.length,
      seconds: (performance.now() - beganAt) / 1_000,
      // What the machine was late with is not the limiter's doing.
      longestMs: Math.max(...answers.map(({ waitedMs }) => waitedMs)) - lateMs,
    }
  }

  // Redis that is stopped, or has become a read-only replica, is met by `npm run test:long -- redis-outage`.
  const faults: Record<string, { begin(): unknown; end(): unknown }> = {
    'is frozen': { begin: () => redis.freeze(), end: () => redis.thaw() },
    'is killed': { begin: () => redis.kill(), end: () => redis.start() },
  }

  for (const [fault, { begin, end }] of Object.entries(faults)) {
    for (const mode of modes) {
      it(`keeps its part of the rate and comes back, when Redis ${fault} (${mode})`, async () => {
        const limiter = limit({ mode })
        await offer(limiter, 300)
        expect(changes).toEqual([])

        const load = offer(limiter, 800)
        await sleep(100)
        await begin()
        const during = await load
        expect(changes).toEqual(['degraded'])
        expect(during.longestMs).toBeLessThan(60)
        // 200 eps among 4 processes, and what was taken or left before the fault.
        expect(during.admitted).toBeGreaterThan(20)
        expect(during.admitted).toBeLessThan(rate.burst + 50 * during.seconds + 40)

        const local = await offer(limiter, 600)
        expect(local.longestMs).toBeLessThan(20)
        expect(local.admitted).toBeGreaterThanOrEqual(Math.min(22, 0.8 * local.answered))
        expect(local.admitted).toBeLessThanOrEqual(50 * local.seconds + 8)

        await end()
        expect(await recovery()).toBeLessThan(2_000)
        const after = await offer(limiter, 600)
        expect(changes).toEqual(['degraded', 'recovered'])
        // More than its part of the rate, unless the machine had no time to offer as much.
        expect(after.admitted).toBeGreaterThan(Math.min(80, 0.8 * after.answered))
        expect(after.admitted).toBeLessThanOrEqual(rate.burst + 200 * (after.seconds + 0.1))
      })
    }
  }

  /** The client, with answers that take as long as `delay.ms` says. */
  function delaying(delay: { ms: number }) {
    const sent = { commands: 0 }
    const sendCommand = async (args: string[]) => {
      sent.commands++
      const { ms } = delay
      const answer = await client.sendCommand(args)
      if (ms > 0) await sleep(ms)
      return answer
    }
    return { sendCommand, sent }
  }

  async function timed(limiter: RateLimiter): Promise<number> {
    const startedAt = performance.now()
    expect(await limiter.consume('wk_a', 1, rate)).toMatchObject({ allowed: true })
    return performance.now() - startedAt
  }

  it('gets over one late answer by itself: nobody waits longer, nobody is told', async () => {
    for (const mode of modes) {
      const delay = { ms: 0 }
      const slow = delaying(delay)
      const limiter = limit({ client: slow, mode })
      await limiter.consume('wk_a', 1, rate)
      delay.ms = 150
      expect(await timed(limiter)).toBeGreaterThan(45)
      delay.ms = 0
      const before = slow.sent.commands
      for (let i = 0; i < 20; i++) expect(await timed(limiter)).toBeLessThan(20)
      expect(slow.sent.commands).toBe(before)
      await sleep(150)
      for (let i = 0; i < 20; i++) await timed(limiter)
      expect(slow.sent.commands).toBeGreaterThan(before)
      expect(changes).toEqual([])
    }
  })

  it('takes answers that are late twice in a row for an outage, and waits for no third one', async () => {
    const delay = { ms: 80 }
    const limiter = limit({ client: delaying(delay) })
    expect(await timed(limiter)).toBeGreaterThan(45)
    // Twice as long when the script has to be sent as well.
    await sleep(130)
    expect(changes).toEqual([])
    expect(await timed(limiter)).toBeGreaterThan(45)
    // Far too late for a probe, however late this process is itself.
    delay.ms = 300
    await sleep(400)
    expect(changes).toEqual(['degraded'])
    expect(await timed(limiter)).toBeLessThan(20)
    delay.ms = 0
    expect(await recovery()).toBeLessThan(1_000)
  })

  it('goes on without a word when Redis has forgotten its scripts and its buckets', async () => {
    for (const mode of ['leased', 'strict'] as const) {
      const limiter = limit({ mode })
      await limiter.consume('wk_a', 1, rate)
      await client.sendCommand(['SCRIPT', 'FLUSH'])
      await client.flushAll()
      expect(await limiter.consume('wk_b', 1, rate)).toMatchObject({ allowed: true, remaining: 199 })
    }
    expect(changes).toEqual([])
  })

  it('refuses with an error under onOutage "deny", and admits everything under "allow"', async () => {
    await redis.stop()
    const denying = limit({ onOutage: 'deny' })
    const call = async () => denying.consume('wk_a', 1, rate)
    await expect(call()).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(call()).rejects.toMatchObject({ code: 'store_unavailable' })
    const allowing = limit({ onOutage: 'allow' })
    for (let i = 0; i < 500; i++)
      expect(await allowing.consume('wk_a', 1, rate)).toMatchObject({ allowed: true })
  })

  it('divides the rate by the processes that were there last', async () => {
    const fleet = Array.from({ length: 5 }, () => limit({ processes: undefined }))
    for (const limiter of fleet) await limiter.consume('wk_a', 1, rate)
    await sleep(1_300)
    await redis.stop()
    await sleep(50)
    let admitted = 0
    const [limiter] = fleet as [RateLimiter]
    for (let i = 0; i < 300; i++) if ((await limiter.consume('wk_new', 1, slowRate)).allowed) admitted++
    expect(admitted).toBeGreaterThanOrEqual(40)
    expect(admitted).toBeLessThanOrEqual(45)
  })

  it('keeps nothing of 20 000 requests a second in memory while a frozen server does not answer', async () => {
    const limiter = limit()
    await limiter.consume('wk_a', 1, rate)
    redis.freeze()
    const sent = { commands: 0 }
    const counting = limit({
      client: {
        sendCommand(args: string[]) {
          sent.commands++
          return client.sendCommand(args)
        },
      },
    })
    for (let round = 0; round < 20; round++) {
      const answers = Array.from({ length: 1_000 }, async (_, i) => counting.consume(`wk_${i % 50}`, 1, rate))
      await Promise.all(answers)
      await sleep(10)
    }
    expect(changes).toContain('degraded')
    // One question per key at most before the breaker opens; probes do not pile up either.
    expect(sent.commands).toBeLessThan(110)
  })
})
