import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Rate, RateLimiter, RateLimitResult } from '../../src/limits/rate-limiter.ts'
import type { Awaitable } from '../../src/runtime/awaitable.ts'
import type { Clock } from '../../src/runtime/clock.ts'

/** A clock that stands still until told; both readings move together unless one is named. */
export interface ManualClock extends Clock {
  advance(ms: number): void
  advanceWallClock(ms: number): void
}

export function createManualClock(startMs = 1_700_000_000_000): ManualClock {
  let wallMs = startMs
  let monotonicMs = 1_000
  return {
    now: () => wallMs,
    monotonic: () => monotonicMs,
    advance(ms) {
      wallMs += ms
      monotonicMs += ms
    },
    advanceWallClock(ms) {
      wallMs += ms
    },
  }
}

/** A limiter that does not take its time from the manual clock, or is not exact. */
export interface LimiterHarness {
  limiter: RateLimiter
  /** Lets time pass for the limiter. Default: the manual clock moves. */
  advance?(ms: number): Awaitable<void>
  /** Time that may pass unasked within one test: what the rate refills in it may be admitted on top. Default 0. */
  slackMs?: number
  /** Events that may be admitted above the rate or held back from it, for a limiter that leases. Default 0. */
  slackEvents?: number
  /** Cases per property; lower it where each call is a round trip. Default 300. */
  numRuns?: number
}

/** What every `RateLimiter` does. `create` is called once per test, with a clock that stands still. */
export function limiterContract(
  name: string,
  create: (clock: ManualClock) => Awaitable<RateLimiter | LimiterHarness>,
  /** False for a limiter so full that further keys share buckets: a key may then be refused for another's sake. */
  keepsKeysApart = true,
): void {
  describe(name, () => {
    let clock: ManualClock
    let harness: LimiterHarness
    let nextKey = 0
    const testRun = Math.random().toString(36).slice(2)

    beforeEach(async () => {
      clock = createManualClock()
      const created = await create(clock)
      harness = 'limiter' in created ? created : { limiter: created }
    })
    afterEach(() => harness.limiter.close())

    const newKey = () => `wk_${testRun}${nextKey++}`
    const consume = async (keyId: string, cost: number, rate: Rate) =>
      await harness.limiter.consume(keyId, cost, rate)
    const advance = async (ms: number) => {
      if (harness.advance) await harness.advance(ms)
      else clock.advance(ms)
    }
    const slack = (rate: Rate) =>
      (harness.slackEvents ?? 0) + Math.ceil(((harness.slackMs ?? 0) * rate.eps) / 1000)

    async function admitted(keyId: string, calls: number, rate: Rate, cost = 1): Promise<number> {
      let events = 0
      for (let i = 0; i < calls; i++) if ((await consume(keyId, cost, rate)).allowed) events += cost
      return events
    }

    function expectAbout(actual: number, exact: number, rate: Rate): void {
      expect(actual).toBeGreaterThanOrEqual(exact - (harness.slackEvents ?? 0))
      expect(actual).toBeLessThanOrEqual(exact + slack(rate))
    }

    function expectWellFormed(result: RateLimitResult): void {
      expect(Number.isSafeInteger(result.remaining)).toBe(true)
      expect(result.remaining).toBeGreaterThanOrEqual(0)
      expect(result.resetMs).toBeGreaterThanOrEqual(0)
      if (result.allowed) expect(result.retryAfterMs).toBe(0)
      else expect(result.retryAfterMs).toBeGreaterThan(0)
    }

    it('admits exactly the burst, then one event per interval', async () => {
      const rate = { eps: 100, burst: 100 }
      const key = newKey()
      expectAbout(await admitted(key, 150, rate), 100, rate)
      let later = 0
      for (let i = 0; i < 20; i++) {
        await advance(10)
        later += await admitted(key, 2, rate)
      }
      expectAbout(later, 20, rate)
    })

    it('says what is left, when to come back and when the bucket is full', async () => {
      const rate = { eps: 10, burst: 10 }
      const key = newKey()
      const first = await consume(key, 4, rate)
      expectWellFormed(first)
      expect(first.allowed).toBe(true)
      expectAbout(first.remaining, 6, rate)
      const last = await consume(key, 6, rate)
      expectAbout(last.remaining, 0, rate)
      const refused = await consume(key, 5, rate)
      expectWellFormed(refused)
      expect(refused.allowed).toBe(false)
      if (slack(rate) > 0) return
      expect(first).toEqual({ allowed: true, remaining: 6, retryAfterMs: 0, resetMs: 400 })
      expect(last).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 1000 })
      expect(refused).toEqual({ allowed: false, remaining: 0, retryAfterMs: 500, resetMs: 1000 })
    })

    it('charges a batch by its events, all or nothing', async () => {
      const rate = { eps: 1, burst: 500 }
      for (const cost of [1, 7, 100, 250, 499, 500]) {
        const key = newKey()
        const fit = Math.floor(500 / cost)
        expectAbout(await admitted(key, fit + 2, rate, cost), fit * cost, rate)
        expectAbout(await admitted(key, 500, rate), 500 - fit * cost, rate)
      }
    })

    it('charges nothing for a refused call', async () => {
      const rate = { eps: 1, burst: 10 }
      const key = newKey()
      await consume(key, 5, rate)
      for (let i = 0; i < 50; i++) expect((await consume(key, 10, rate)).allowed).toBe(false)
      expectAbout(await admitted(key, 10, rate), 5, rate)
    })

    it('admits a batch above the burst on a full bucket, and has it paid for afterwards', async () => {
      const rate = { eps: 10, burst: 10 }
      const key = newKey()
      const batch = await consume(key, 35, rate)
      expectWellFormed(batch)
      expect(batch.allowed).toBe(true)
      expect(batch.remaining).toBe(0)
      const next = await consume(key, 1, rate)
      expectWellFormed(next)
      expect(next.allowed).toBe(false)
      if (slack(rate) === 0) expect(next.retryAfterMs).toBe(2600)
      await advance(next.retryAfterMs)
      expect((await consume(key, 1, rate)).allowed).toBe(true)

      const again = await consume(key, 35, rate)
      expect(again.allowed).toBe(false)
      await advance(again.retryAfterMs)
      expect((await consume(key, 35, rate)).allowed).toBe(true)
    })

    it('admits the burst exactly among 10 000 calls at once', async () => {
      const rate = { eps: 500, burst: 500 }
      const key = newKey()
      const results = await Promise.all(Array.from({ length: 10_000 }, async () => consume(key, 1, rate)))
      expectAbout(results.filter((result) => result.allowed).length, 500, rate)
    })

    it.runIf(keepsKeysApart)('keeps keys apart, whatever their ids contain', async () => {
      const rate = { eps: 1, burst: 3 }
      const base = newKey()
      const ids = [
        base,
        `${base}:`,
        `${base}:1`,
        `{${base}}`,
        `${base}\n`,
        `${base} `,
        `${base}é`,
        `${base}}:{`,
      ]
      for (const id of ids) expect((await consume(id, 3, rate)).allowed).toBe(true)
      for (const id of ids) expect((await consume(id, 3, rate)).allowed).toBe(false)
    })

    it('shares one bucket among all callers that name the same key', async () => {
      const rate = { eps: 1, burst: 100 }
      const key = newKey()
      const [a, b] = await Promise.all([admitted(key, 100, rate), admitted(key, 100, rate)])
      expectAbout(a + b, 100, rate)
    })

    it('gives no more than the capacity after any idle time', async () => {
      const rate = { eps: 100, burst: 50 }
      const key = newKey()
      await admitted(key, 60, rate)
      await advance(3_000)
      expectAbout(await admitted(key, 200, rate), 50, rate)
    })

    it('takes a lowered rate at once, and owes what it owed', async () => {
      const key = newKey()
      await consume(key, 50, { eps: 100, burst: 100 })
      const lowered = { eps: 50, burst: 20 }
      const refused = await consume(key, 1, lowered)
      expect(refused.allowed).toBe(false)
      await advance(refused.retryAfterMs)
      expect((await consume(key, 1, lowered)).allowed).toBe(true)
    })

    it('gives no more than the new capacity when the rate is raised', async () => {
      const key = newKey()
      expectAbout(await admitted(key, 20, { eps: 1, burst: 10 }), 10, { eps: 1, burst: 10 })
      const raised = { eps: 10, burst: 100 }
      const more = await admitted(key, 200, raised)
      expect(more).toBeLessThanOrEqual(90 + slack(raised))
    })

    it('drains a rate below one event per second without losing any of it', async () => {
      const rate = { eps: 0.5, burst: 1 }
      const key = newKey()
      expect((await consume(key, 1, rate)).allowed).toBe(true)
      const refused = await consume(key, 1, rate)
      expect(refused.allowed).toBe(false)
      // Refused calls in between must not round the drain away.
      for (let i = 0; i < 10; i++) {
        await advance(refused.retryAfterMs / 10)
        if (i < 9) expect((await consume(key, 1, rate)).allowed).toBe(false)
      }
      expect((await consume(key, 1, rate)).allowed).toBe(true)
    })

    it('does not look at the wall clock', async () => {
      const rate = { eps: 1, burst: 5 }
      const key = newKey()
      await consume(key, 5, rate)
      clock.advanceWallClock(86_400_000)
      expectAbout(await admitted(key, 5, rate), 0, rate)
      clock.advanceWallClock(-2 * 86_400_000)
      await advance(1_000)
      expect((await consume(key, 1, rate)).allowed).toBe(true)
    })

    it.runIf(keepsKeysApart)('gives back what a request was charged, and no more than that', async () => {
      const { limiter } = harness
      if (!limiter.refund) return
      const rate = { eps: 10, burst: 20 }
      const key = newKey()
      await consume(key, 8, rate)
      await consume(key, 12, rate)
      await limiter.refund(key, 8)
      expectAbout(await admitted(key, 20, rate), 8, rate)
      await advance(1_000)
      // Ten have drained since: the bucket is full again, and no fuller.
      await limiter.refund(key, 20)
      expectAbout(await admitted(key, 60, rate), 20, rate)
    })

    it.runIf(keepsKeysApart)('gives back the debt of a batch above the burst', async () => {
      const { limiter } = harness
      if (!limiter.refund) return
      const rate = { eps: 10, burst: 10 }
      const key = newKey()
      expect((await consume(key, 500, rate)).allowed).toBe(true)
      await limiter.refund(key, 500)
      expect(await consume(key, 10, rate)).toMatchObject({ allowed: true, remaining: 0 })
    })

    it('gives nothing back to a key that was charged nothing', async () => {
      const { limiter } = harness
      if (!limiter.refund) return
      const rate = { eps: 1, burst: 5 }
      const key = newKey()
      await limiter.refund(key, 100)
      expectAbout(await admitted(key, 20, rate), 5, rate)
    })

    it.runIf(keepsKeysApart)(
      'lets through nothing more than the rate where charges are given back',
      async () => {
        const { limiter } = harness
        if (!limiter.refund || harness.slackMs) return
        await fc.assert(
          fc.asyncProperty(
            fc.array(
              fc.record({
                pause: fc.nat({ max: 400 }),
                cost: fc.integer({ min: 1, max: 30 }),
                kept: fc.boolean(),
              }),
              {
                minLength: 1,
                maxLength: 30,
              },
            ),
            async (calls) => {
              const rate = { eps: 20, burst: 30 }
              const key = newKey()
              let kept = 0
              let elapsedMs = 0
              for (const call of calls) {
                await advance(call.pause)
                elapsedMs += call.pause
                const { allowed } = await consume(key, call.cost, rate)
                if (!allowed) continue
                if (call.kept) kept += call.cost
                else await limiter.refund?.(key, call.cost)
              }
              expect(kept).toBeLessThanOrEqual(
                rate.burst + (rate.eps * elapsedMs) / 1000 + slack(rate) + 1e-6,
              )
            },
          ),
          { numRuns: harness.numRuns ?? 300 },
        )
      },
    )

    it('says beforehand that a bucket is empty, and charges nothing for saying so', async () => {
      const { limiter } = harness
      if (!limiter.peek) return
      const rate = { eps: 10, burst: 10 }
      const key = newKey()
      for (let i = 0; i < 30; i++) expect(limiter.peek(key, rate).allowed).toBe(true)
      expectAbout(await admitted(key, 20, rate), 10, rate)
      if (slack(rate) > 0) return
      const empty = { allowed: false, remaining: 0, resetMs: 1000 }
      expect(limiter.peek(key, rate)).toEqual({ ...empty, retryAfterMs: 100 })
      expect(limiter.peek(key, rate, 4)).toEqual({ ...empty, retryAfterMs: 400 })
      expect(limiter.peek(key, rate, 1_000)).toEqual({ ...empty, retryAfterMs: 1000 })
      await advance(100)
      expect(limiter.peek(key, rate)).toMatchObject({ allowed: true, remaining: 1, retryAfterMs: 0 })
    })

    const rates = fc.record({
      eps: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(0.1, 0.5, 1 / 3, 2.7, 99.99)),
      burstSeconds: fc.constantFrom(0.25, 1, 2, 10),
    })
    const schedules = fc.array(fc.tuple(fc.nat({ max: 3000 }), fc.integer({ min: 1, max: 300 })), {
      minLength: 1,
      maxLength: 30,
    })

    it('admits in no window more than capacity + eps × window + the largest batch', async () => {
      if (harness.slackMs) return
      await fc.assert(
        fc.asyncProperty(rates, schedules, async ({ eps, burstSeconds }, schedule) => {
          const rate = { eps, burst: eps * burstSeconds }
          const key = newKey()
          const calls: { at: number; cost: number }[] = []
          let at = 0
          for (const [pause, cost] of schedule) {
            await advance(pause)
            at += pause
            const result = await consume(key, cost, rate)
            expectWellFormed(result)
            if (result.allowed) calls.push({ at, cost })
          }
          const largest = Math.max(0, ...calls.map((call) => call.cost))
          for (const [i, first] of calls.entries()) {
            let events = 0
            for (const call of calls.slice(i)) {
              events += call.cost
              const allowance = rate.burst + (eps * (call.at - first.at)) / 1000 + largest
              expect(events).toBeLessThanOrEqual(allowance + slack(rate) + 1e-6)
            }
          }
        }),
        { numRuns: harness.numRuns ?? 300 },
      )
    })

    it('admits every sender that waits as long as it was told', async () => {
      await fc.assert(
        fc.asyncProperty(rates, schedules, async ({ eps, burstSeconds }, schedule) => {
          const rate = { eps, burst: eps * burstSeconds }
          const key = newKey()
          for (const [pause, cost] of schedule) {
            await advance(pause % 50)
            const result = await consume(key, cost, rate)
            if (result.allowed) continue
            await advance(result.retryAfterMs)
            expect(await consume(key, cost, rate)).toMatchObject({ allowed: true })
          }
        }),
        { numRuns: harness.slackMs ? 1 : (harness.numRuns ?? 300) },
      )
    })
  })
}
