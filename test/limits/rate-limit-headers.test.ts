import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRatePolicy } from '../../src/limits/rate-limit-headers.ts'
import { toRetryAfterSeconds, toSeconds } from '../../src/limits/retry-after.ts'

describe('createRatePolicy', () => {
  it('describes an accepted call', () => {
    const { rate, headers } = createRatePolicy(500, 1)
    expect(rate).toEqual({ eps: 500, burst: 500 })
    expect(createRatePolicy(500, 2).rate).toEqual({ eps: 500, burst: 1_000 })
    expect(headers({ allowed: true, remaining: 400, retryAfterMs: 0, resetMs: 200 })).toEqual({
      'ratelimit-policy': '"events";q=500;w=1',
      ratelimit: '"events";r=400;t=1',
      'x-ratelimit-limit': '500',
      'x-ratelimit-remaining': '400',
      'x-ratelimit-reset': '1',
    })
  })

  it('describes a refusal by the time after which the same call fits', () => {
    const { headers } = createRatePolicy(500, 1)
    expect(headers({ allowed: false, remaining: 0, retryAfterMs: 2, resetMs: 61_001 })).toEqual({
      'ratelimit-policy': '"events";q=500;w=1',
      ratelimit: '"events";r=0;t=1',
      'x-ratelimit-limit': '500',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '1',
      'retry-after': '1',
    })
  })

  it.each([
    [500, 2, 'q=1000;w=2'],
    [500, 0.1, 'q=500;w=1'],
    [10, 1.5, 'q=20;w=2'],
    [0.5, 1, 'q=1;w=2'],
    [0.1, 1, 'q=1;w=10'],
    [1 / 3, 1, 'q=1;w=3'],
    [0.3, 1, 'q=1;w=4'],
    [0.29, 100, 'q=29;w=100'],
    [2.5, 1, 'q=2;w=1'],
  ])('advertises %d events per second with %d seconds of burst as %s', (eps, burstSeconds, expected) => {
    const result = { allowed: true, remaining: 1e9, retryAfterMs: 0, resetMs: 0 }
    const headers = createRatePolicy(eps, burstSeconds).headers(result)
    expect(headers['ratelimit-policy']).toBe(`"events";${expected}`)
    expect(headers.ratelimit).toBe(`"events";r=${headers['x-ratelimit-limit']};t=0`)
  })

  it('says the same whatever was said before', () => {
    // Numbers that fall together where texts are remembered.
    const { headers } = createRatePolicy(2_000, 1)
    const result = { allowed: true, retryAfterMs: 0 }
    for (const [remaining, resetMs] of [
      [300, 1_000],
      [299, 2_000],
      [44, 1_000],
      [300, 1_000],
      [300, 257_000],
    ] as const) {
      const said = headers({ ...result, remaining, resetMs })
      expect(said.ratelimit).toBe(`"events";r=${remaining};t=${resetMs / 1_000}`)
      expect(said['x-ratelimit-remaining']).toBe(String(remaining))
      expect(said['x-ratelimit-reset']).toBe(String(resetMs / 1_000))
    }
  })

  it('writes structured fields for any rate', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
        fc.double({ min: 0.001, max: 86_400, noNaN: true }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (eps, burstSeconds, remaining, ms, allowed) => {
          const headers = createRatePolicy(eps, burstSeconds).headers({
            allowed,
            remaining,
            retryAfterMs: allowed ? 0 : ms + 1,
            resetMs: ms,
          })
          expect(headers['ratelimit-policy']).toMatch(/^"events";q=[1-9]\d{0,14};w=[1-9]\d{0,14}$/)
          expect(headers.ratelimit).toMatch(/^"events";r=\d{1,15};t=\d{1,15}$/)
          expect(headers['retry-after'] === undefined).toBe(allowed)
        },
      ),
    )
  })
})

describe('toRetryAfterSeconds', () => {
  it('rounds up to whole seconds, at least 1', () => {
    expect([0, 1, 999, 1000, 1001, 59_999.5].map(toRetryAfterSeconds)).toEqual([1, 1, 1, 1, 2, 60])
  })
})

describe('toSeconds', () => {
  it('rounds up, and gives 0 for a time that is over or unknown', () => {
    const times = [1, 1_000, 1_001, 0, -5, Number.NaN, Number.POSITIVE_INFINITY]
    expect(times.map(toSeconds)).toEqual([1, 1, 2, 0, 0, 0, 0])
  })
})
