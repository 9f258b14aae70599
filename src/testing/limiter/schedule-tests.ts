import type { Rate } from '../../limits/rate-limiter.ts'
import type { LimiterSuite } from './limiter-suite.ts'

/**
 * The part of the limiter contract that must hold for any sender. It tries many schedules, the same ones in
 * each run.
 */
export function scheduleTests(suite: LimiterSuite): void {
  const { test, apart, expect, newKey, consume, advance, slack, expectWellFormed, limiterOf, harnessOf } =
    suite

  apart('lets through nothing more than the rate where charges are given back', async () => {
    const limiter = limiterOf()
    if (!limiter.refund || harnessOf().slackMs) return
    for (const random of generators(harnessOf().numRuns)) {
      const rate = { eps: 20, burst: 30 }
      const key = newKey()
      let kept = 0
      let elapsedMs = 0
      for (let call = 0; call <= random(30); call++) {
        const pauseMs = random(400)
        await advance(pauseMs)
        elapsedMs += pauseMs
        const cost = 1 + random(29)
        if (!(await consume(key, cost, rate)).allowed) continue
        if (random(1) === 0) kept += cost
        else await limiter.refund(key, cost)
      }
      expect(kept).toBeLessThanOrEqual(rate.burst + (rate.eps * elapsedMs) / 1000 + slack(rate) + 1e-6)
    }
  })

  test('admits in no window more than capacity + eps × window + the largest batch', async () => {
    if (harnessOf().slackMs) return
    for (const random of generators(harnessOf().numRuns)) {
      const rate = someRate(random)
      const key = newKey()
      const calls: { at: number; cost: number }[] = []
      let at = 0
      for (const [pauseMs, cost] of someSchedule(random)) {
        await advance(pauseMs)
        at += pauseMs
        const result = await consume(key, cost, rate)
        expectWellFormed(result)
        if (result.allowed) calls.push({ at, cost })
      }
      const largest = Math.max(0, ...calls.map((call) => call.cost))
      for (const [i, first] of calls.entries()) {
        let events = 0
        for (const call of calls.slice(i)) {
          events += call.cost
          const allowance = rate.burst + (rate.eps * (call.at - first.at)) / 1000 + largest
          expect(events).toBeLessThanOrEqual(allowance + slack(rate) + 1e-6)
        }
      }
    }
  })

  test('admits every sender that waits as long as it was told', async () => {
    for (const random of generators(harnessOf().slackMs ? 1 : harnessOf().numRuns)) {
      const rate = someRate(random)
      const key = newKey()
      for (const [pauseMs, cost] of someSchedule(random)) {
        await advance(pauseMs % 50)
        const result = await consume(key, cost, rate)
        if (result.allowed) continue
        await advance(result.retryAfterMs)
        expect(await consume(key, cost, rate)).toMatchObject({ allowed: true })
      }
    }
  })
}

/** A whole number from 0 to `most`. */
type Random = (most: number) => number

/** Numbers that only look random: Park and Miller's, one sequence per seed. */
function* generators(count = 300): Generator<Random> {
  for (let seed = 1; seed <= count; seed++) {
    let state = seed * 48_271
    yield (most) => {
      state = (state * 48_271) % 2_147_483_647
      return state % (most + 1)
    }
  }
}

const oddRates = [0.1, 0.5, 1 / 3, 2.7, 99.99]
const burstSeconds = [0.25, 1, 2, 10]

function someRate(random: Random): Rate {
  const eps = random(1) === 0 ? 1 + random(999) : (oddRates[random(oddRates.length - 1)] as number)
  return { eps, burst: eps * (burstSeconds[random(burstSeconds.length - 1)] as number) }
}

/** Pauses in milliseconds, each with the cost of the request that follows. */
function someSchedule(random: Random): [pauseMs: number, cost: number][] {
  return Array.from({ length: 1 + random(29) }, () => [random(3_000), 1 + random(299)])
}
