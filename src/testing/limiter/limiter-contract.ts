import type { Rate, RateLimiter } from '../../limits/rate-limiter.ts'
import type { Awaitable } from '../../runtime/awaitable.ts'
import { createManualClock, type ManualClock } from '../manual-clock.ts'
import type { TestTools } from '../test-tools.ts'
import { bucketTests } from './bucket-tests.ts'
import type { LimiterHarness, LimiterSuite } from './limiter-suite.ts'
import { refundTests } from './refund-tests.ts'
import { scheduleTests } from './schedule-tests.ts'

/**
 * Tests that every `RateLimiter` must pass, for your test runner. `create` is called for each test, with a
 * clock that stands still.
 *
 * @param keepsKeysApart false for a limiter so full that further keys share buckets: a key may then be
 * refused for another's sake.
 * @example
 * ```ts
 * import { describe, expect, it } from 'vitest'
 * import { limiterContract } from 'writekey/testing'
 *
 * limiterContract({ describe, it, expect }, 'my limiter', (clock) => createMyLimiter({ clock }))
 * ```
 */
export function limiterContract(
  { describe, it, expect }: TestTools,
  name: string,
  create: (clock: ManualClock) => Awaitable<RateLimiter | LimiterHarness>,
  keepsKeysApart = true,
): void {
  let clock: ManualClock
  let harness: LimiterHarness
  let nextKey = 0
  const testRun = Math.random().toString(36).slice(2)

  const test: LimiterSuite['test'] = (behaviour, body) => {
    it(behaviour, async () => {
      clock = createManualClock()
      const created = await create(clock)
      harness = 'limiter' in created ? created : { limiter: created }
      try {
        await body()
      } finally {
        await harness.limiter.close()
      }
    })
  }

  const slack = (rate: Rate) =>
    (harness.slackEvents ?? 0) + Math.ceil(((harness.slackMs ?? 0) * rate.eps) / 1000)
  const consume: LimiterSuite['consume'] = async (keyId, cost, rate) =>
    await harness.limiter.consume(keyId, cost, rate)

  const suite: LimiterSuite = {
    test,
    apart(behaviour, body) {
      if (keepsKeysApart) test(behaviour, body)
    },
    expect,
    limiterOf: () => harness.limiter,
    harnessOf: () => harness,
    newKey: () => `wk_${testRun}${nextKey++}`,
    consume,
    async advance(ms) {
      if (harness.advance) await harness.advance(ms)
      else clock.advance(ms)
    },
    advanceWallClock: (ms) => clock.advanceWallClock(ms),
    async admitted(keyId, calls, rate, cost = 1) {
      let events = 0
      for (let i = 0; i < calls; i++) if ((await consume(keyId, cost, rate)).allowed) events += cost
      return events
    },
    slack,
    expectAbout(actual, exact, rate) {
      expect(actual).toBeGreaterThanOrEqual(exact - (harness.slackEvents ?? 0))
      expect(actual).toBeLessThanOrEqual(exact + slack(rate))
    },
    expectWellFormed(result) {
      expect(Number.isSafeInteger(result.remaining)).toBe(true)
      expect(result.remaining).toBeGreaterThanOrEqual(0)
      expect(result.resetMs).toBeGreaterThanOrEqual(0)
      if (result.allowed) expect(result.retryAfterMs).toBe(0)
      else expect(result.retryAfterMs).toBeGreaterThan(0)
    },
  }
  describe(name, () => {
    bucketTests(suite)
    refundTests(suite)
    scheduleTests(suite)
  })
}
