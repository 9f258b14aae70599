import type { LimiterSuite } from './limiter-suite.ts'

/** The part of the limiter contract about `refund` and `peek`. Limiters without them pass. */
export function refundTests(suite: LimiterSuite): void {
  const { test, apart, expect, newKey, consume, advance, admitted, slack, expectAbout, limiterOf } = suite

  apart('gives back what a request was charged, and no more than that', async () => {
    const limiter = limiterOf()
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

  apart('gives back the debt of a batch above the burst', async () => {
    const limiter = limiterOf()
    if (!limiter.refund) return
    const rate = { eps: 10, burst: 10 }
    const key = newKey()
    expect((await consume(key, 500, rate)).allowed).toBe(true)
    await limiter.refund(key, 500)
    expect(await consume(key, 10, rate)).toMatchObject({ allowed: true, remaining: 0 })
  })

  test('gives nothing back to a key that was charged nothing', async () => {
    const limiter = limiterOf()
    if (!limiter.refund) return
    const rate = { eps: 1, burst: 5 }
    const key = newKey()
    await limiter.refund(key, 100)
    expectAbout(await admitted(key, 20, rate), 5, rate)
  })

  test('says beforehand that a bucket is empty, and charges nothing for saying so', async () => {
    const limiter = limiterOf()
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
    const one = { allowed: true, remaining: 1, resetMs: 900 }
    expect(limiter.peek(key, rate)).toEqual({ ...one, retryAfterMs: 0 })
    // Room for one event, and not yet for four.
    expect(limiter.peek(key, rate, 4)).toEqual({ ...one, retryAfterMs: 300 })
  })
}
