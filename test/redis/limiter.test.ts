import { randomUUID } from 'node:crypto'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { LimiterChange } from '../../src/limits/rate-limiter.ts'
import { createRedisLimiter } from '../../src/redis/index.ts'
import { createManualClock, limiterContract } from '../contract/limiter-contract.ts'
import { describeWithService } from '../services.ts'
import { withVirtualTime } from './virtual-time-client.ts'

describeWithService('redis', 'the Redis limiter', (url) => {
  const client = createClient({ url })
  const changes: LimiterChange[] = []
  beforeAll(async () => {
    await client.connect()
  })
  afterAll(() => client.close())
  // What is answered locally says nothing about the scripts.
  afterEach(() => expect(changes.splice(0)).toEqual([]))

  for (const mode of ['strict', 'leased'] as const) {
    limiterContract(`in mode ${mode}`, (clock) => {
      const prefix = `test:${randomUUID()}:`
      const limiter = createRedisLimiter({
        client: withVirtualTime(client, clock, `${prefix}time`),
        mode,
        prefix,
        clock,
        timeoutMs: 10_000,
      })
      limiter.observe?.((change) => changes.push(change))
      return { limiter, numRuns: 25, slackEvents: mode === 'leased' ? 12 : 0 }
    })
  }

  it('asks every third second for a sender with a hundredth of its rate, and each time for ten at the rate', async () => {
    const clock = createManualClock()
    const prefix = `test:${randomUUID()}:`
    const virtual = withVirtualTime(client, clock, `${prefix}time`)
    let questions = 0
    const limiter = createRedisLimiter({
      client: {
        sendCommand(args: string[]) {
          questions++
          return virtual.sendCommand(args)
        },
      },
      prefix,
      clock,
      processes: 1,
      timeoutMs: 10_000,
    })
    const askedFor = async (seconds: number, eps: number) => {
      const before = questions
      for (let i = 0; i < seconds * eps; i++) {
        clock.advance(1000 / eps)
        const answer = await limiter.consume('wk_a', 1, { eps: 1_000, burst: 1_000 })
        expect(answer).toMatchObject({ allowed: true })
      }
      // The client refuses each EVALSHA, which is then sent again in full.
      return (questions - before) / 2
    }
    expect(await askedFor(30, 10)).toBeLessThanOrEqual(13)
    expect(await askedFor(3, 500)).toBeLessThanOrEqual(20)
    await limiter.close()
  })

  it.each(['strict', 'leased'] as const)(
    'says when a batch fits by what it was told, in mode %s',
    async (mode) => {
      const clock = createManualClock()
      const prefix = `test:${randomUUID()}:`
      const virtual = withVirtualTime(client, clock, `${prefix}time`)
      let questions = 0
      const sendCommand = (args: string[]) => {
        questions++
        return virtual.sendCommand(args)
      }
      const limiter = createRedisLimiter({ client: { sendCommand }, mode, prefix, clock, timeoutMs: 10_000 })
      const rate = { eps: 100, burst: 100 }
      expect(await limiter.consume('wk_a', 2_500, rate)).toMatchObject({ allowed: true })
      clock.advance(24_300)
      const before = questions
      expect(limiter.peek('wk_a', rate, 50)).toMatchObject({
        allowed: true,
        remaining: 30,
        retryAfterMs: 200,
      })
      expect(limiter.peek('wk_a', rate, 2_500)).toMatchObject({ allowed: true, retryAfterMs: 700 })
      expect(questions).toBe(before)
      clock.advance(700)
      expect(await limiter.consume('wk_a', 2_500, rate)).toMatchObject({ allowed: true })
      await limiter.close()
    },
  )
})
