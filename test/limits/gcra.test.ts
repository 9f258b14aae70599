import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assertCost,
  chargeGcra,
  type GcraState,
  peekGcra,
  refundGcra,
  settleGcra,
  toMicroseconds,
} from '../../src/limits/gcra.ts'

const fullBucket = (): GcraState => ({ used: 0, at: 0 })

describe('chargeGcra', () => {
  it('stays in whole micro-events over 10 million charges', () => {
    const state = fullBucket()
    const rate = { eps: 10, burst: 10 }
    let nowUs = 0
    for (let i = 0; i < 10_000_000; i++) {
      chargeGcra(state, 1, rate, nowUs)
      nowUs += 100_000
    }
    // One event per 100 ms at 10 per second: the bucket never owes more than the event just charged.
    expect(state).toEqual({ used: 1_000_000, at: nowUs - 100_000 })
  })

  it('paces a fractional rate for 1 million charges without an early or a late refusal', () => {
    for (const [eps, intervalUs] of [
      [0.1, 10_000_000],
      [0.5, 2_000_000],
      [1 / 3, 3_000_000],
      [2.5, 400_000],
    ] as const) {
      const state = fullBucket()
      let refused = 0
      for (let i = 0; i < 1_000_000; i++) {
        if (!chargeGcra(state, 1, { eps, burst: 1 }, i * intervalUs).allowed) refused++
      }
      expect(refused).toBe(0)
      expect(chargeGcra(state, 1, { eps, burst: 1 }, 1_000_000 * intervalUs - 1_000).allowed).toBe(false)
    }
  })

  it('rounds the wait up to the first millisecond at which the call fits', () => {
    const rates = fc.record({
      eps: fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0.001, max: 5000, noNaN: true })),
      burst: fc.oneof(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0.01, max: 10_000, noNaN: true }),
      ),
    })
    fc.assert(
      fc.property(rates, fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 2 }), (rate, costs) => {
        const state = fullBucket()
        let nowUs = 17
        for (const cost of costs) {
          const result = chargeGcra(state, cost, rate, nowUs)
          if (result.allowed) continue
          if (Number.isInteger(rate.eps) && Number.isInteger(rate.burst)) {
            const tooEarly = nowUs + result.retryAfterMs * 1000 - 1000
            expect(chargeGcra({ ...state }, cost, rate, tooEarly).allowed).toBe(false)
          }
          nowUs += result.retryAfterMs * 1000
          expect(chargeGcra(state, cost, rate, nowUs).allowed).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('names a wait that suffices where hardly more than the rounding error would be left', () => {
    const rate = { eps: 1_000 - 1.5e-6, burst: 1 }
    const state = fullBucket()
    chargeGcra(state, 1, rate, 0)
    expect(chargeGcra(state, 1, rate, 0)).toMatchObject({ allowed: false, retryAfterMs: 2 })
    expect(chargeGcra(state, 1, rate, 1_000).allowed).toBe(false)
    expect(chargeGcra(state, 1, rate, 2_000).allowed).toBe(true)
  })

  it('is full after exactly resetMs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 10_000 }), (eps, cost) => {
        const state = fullBucket()
        const rate = { eps, burst: eps }
        const { resetMs } = chargeGcra(state, cost, rate, 0)
        expect(settleGcra(state, rate, resetMs * 1000)).toBe(0)
        expect(settleGcra(state, rate, (resetMs - 1) * 1000)).toBeGreaterThan(0)
      }),
    )
  })

  it('goes on draining after the clock went back, and refills nothing by it', () => {
    const state = fullBucket()
    const rate = { eps: 10, burst: 10 }
    const hourUs = 3_600_000_000
    chargeGcra(state, 10, rate, 2 * hourUs)
    expect(chargeGcra(state, 1, rate, hourUs).allowed).toBe(false)
    expect(chargeGcra(state, 1, rate, hourUs + 100_000).allowed).toBe(true)
    expect(chargeGcra(state, 1, rate, hourUs + 100_000).allowed).toBe(false)
  })

  it('refills at most to the capacity after the clock went forward a day', () => {
    const state = fullBucket()
    const rate = { eps: 10, burst: 10 }
    chargeGcra(state, 10, rate, 0)
    expect(peekGcra(state, rate, 86_400_000_000).remaining).toBe(10)
  })

  it('has room for one event in a full bucket that holds less than one', () => {
    const state = fullBucket()
    const rate = { eps: 0.5, burst: 0.5 }
    expect(peekGcra(state, rate, 0)).toEqual({ allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 0 })
    expect(chargeGcra(state, 1, rate, 0)).toEqual({
      allowed: true,
      remaining: 0,
      retryAfterMs: 0,
      resetMs: 2000,
    })
    expect(chargeGcra(state, 1, rate, 1_999_000).allowed).toBe(false)
    expect(chargeGcra(state, 1, rate, 2_000_000).allowed).toBe(true)
  })

  it('throws for costs and rates that cannot be, and leaves the bucket as it was', () => {
    const state = { used: 5, at: 1 }
    for (const cost of [0, -1, 0.5, Number.NaN, 1e308, Infinity]) {
      expect(() => chargeGcra(state, cost, { eps: 1, burst: 1 }, 1)).toThrow(RangeError)
    }
    for (const bad of [0, -1, Number.NaN]) {
      expect(() => chargeGcra(state, 1, { eps: bad, burst: 1 }, 1)).toThrow(RangeError)
      expect(() => peekGcra(state, { eps: 1, burst: bad }, 1)).toThrow(RangeError)
    }
    expect(() => peekGcra(state, { eps: Infinity, burst: 1 }, 1)).toThrow(RangeError)
    expect(state).toEqual({ used: 5, at: 1 })
  })
})

describe('a bucket of 10 events', () => {
  const rate = { eps: 10, burst: 10 }
  const owing = (events: number): GcraState => ({ used: events * 1_000_000, at: 0 })

  it.each([
    [0, { allowed: true, remaining: 10, retryAfterMs: 0, resetMs: 0 }],
    [0.5, { allowed: true, remaining: 9, retryAfterMs: 0, resetMs: 50 }],
    [9, { allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 900 }],
    [9.5, { allowed: false, remaining: 0, retryAfterMs: 50, resetMs: 950 }],
    [10, { allowed: false, remaining: 0, retryAfterMs: 100, resetMs: 1_000 }],
    [30, { allowed: false, remaining: 0, retryAfterMs: 2_100, resetMs: 3_000 }],
  ])('that owes %d tells what is left, and when there is more', (events, told) => {
    const state = owing(events)
    expect(peekGcra(state, rate, 0)).toEqual(told)
    expect(state).toEqual(owing(events))
  })

  it.each([
    [1, 100],
    [3, 300],
    [10, 1_000],
    [11, 1_000],
    [25, 1_000],
  ])('that is empty says when %d fit: a batch above the bucket needs a full one', (cost, ms) => {
    expect(peekGcra(owing(10), rate, 0, cost).retryAfterMs).toBe(ms)
    expect(chargeGcra(owing(10), cost, rate, 0).retryAfterMs).toBe(ms)
  })

  it('that has room for one event says when more fit', () => {
    expect(peekGcra(owing(9), rate, 0, 1)).toMatchObject({ allowed: true, retryAfterMs: 0 })
    expect(peekGcra(owing(9), rate, 0, 3)).toMatchObject({ allowed: true, retryAfterMs: 200 })
    expect(peekGcra(owing(9), rate, 0, 11)).toMatchObject({ allowed: true, retryAfterMs: 900 })
    expect(peekGcra(owing(0), rate, 0, 11)).toMatchObject({ allowed: true, retryAfterMs: 0 })
  })

  it('owes nothing once less than the rounding error is left', () => {
    expect(settleGcra({ used: 0.001, at: 0 }, rate, 0)).toBe(0)
    expect(settleGcra({ used: 0.002, at: 0 }, rate, 0)).toBe(0.002)
  })

  it('takes a refund down to nothing owed, and no other cost than a charge has', () => {
    const state = owing(5)
    refundGcra(state, 2)
    expect(state).toEqual(owing(3))
    refundGcra(state, 7)
    expect(state).toEqual(owing(0))
    for (const cost of [0, 0.5, -1]) expect(() => refundGcra(state, cost)).toThrow(RangeError)
  })

  it('says what is wrong with a cost or a rate', () => {
    expect(() => assertCost(0)).toThrow('cost must be a whole number, at least 1')
    expect(() => assertCost(1)).not.toThrow()
    expect(() => settleGcra(owing(0), { eps: 0, burst: 1 }, 0)).toThrow('eps and burst must be above 0')
  })
})

describe('toMicroseconds', () => {
  it('keeps readings that are n milliseconds apart n × 1000 apart', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e15 }), fc.nat({ max: 1e7 }), (ns, waitMs) => {
        expect(toMicroseconds(ns / 1e6 + waitMs) - toMicroseconds(ns / 1e6)).toBe(waitMs * 1000)
      }),
      { numRuns: 5000 },
    )
  })
})
