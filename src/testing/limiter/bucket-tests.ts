import type { LimiterSuite } from './limiter-suite.ts'

/** The part of the limiter contract about what is admitted. */
export function bucketTests(suite: LimiterSuite): void {
  const { test, apart, expect, newKey, consume, advance, advanceWallClock, admitted, slack } = suite
  const { expectAbout, expectWellFormed } = suite

  test('admits exactly the burst, then one event per interval', async () => {
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

  test('says what is left, when to come back and when the bucket is full', async () => {
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

  test('charges a batch by its events, all or nothing', async () => {
    const rate = { eps: 1, burst: 500 }
    for (const cost of [1, 7, 100, 250, 499, 500]) {
      const key = newKey()
      const fit = Math.floor(500 / cost)
      expectAbout(await admitted(key, fit + 2, rate, cost), fit * cost, rate)
      expectAbout(await admitted(key, 500, rate), 500 - fit * cost, rate)
    }
  })

  test('charges nothing for a refused call', async () => {
    const rate = { eps: 1, burst: 10 }
    const key = newKey()
    await consume(key, 5, rate)
    for (let i = 0; i < 50; i++) expect((await consume(key, 10, rate)).allowed).toBe(false)
    expectAbout(await admitted(key, 10, rate), 5, rate)
  })

  test('admits a batch above the burst on a full bucket, and has it paid for afterwards', async () => {
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

  test('admits the burst exactly among 10 000 calls at once', async () => {
    const rate = { eps: 500, burst: 500 }
    const key = newKey()
    const results = await Promise.all(Array.from({ length: 10_000 }, async () => consume(key, 1, rate)))
    expectAbout(results.filter((result) => result.allowed).length, 500, rate)
  })

  apart('keeps keys apart, whatever their ids contain', async () => {
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

  test('shares one bucket among all callers that name the same key', async () => {
    const rate = { eps: 1, burst: 100 }
    const key = newKey()
    const [a, b] = await Promise.all([admitted(key, 100, rate), admitted(key, 100, rate)])
    expectAbout(a + b, 100, rate)
  })

  test('gives no more than the capacity after any idle time', async () => {
    const rate = { eps: 100, burst: 50 }
    const key = newKey()
    await admitted(key, 60, rate)
    await advance(3_000)
    expectAbout(await admitted(key, 200, rate), 50, rate)
  })

  test('takes a lowered rate at once, and owes what it owed', async () => {
    const key = newKey()
    await consume(key, 50, { eps: 100, burst: 100 })
    const lowered = { eps: 50, burst: 20 }
    const refused = await consume(key, 1, lowered)
    expect(refused.allowed).toBe(false)
    await advance(refused.retryAfterMs)
    expect((await consume(key, 1, lowered)).allowed).toBe(true)
  })

  test('gives no more than the new capacity when the rate is raised', async () => {
    const key = newKey()
    expectAbout(await admitted(key, 20, { eps: 1, burst: 10 }), 10, { eps: 1, burst: 10 })
    const raised = { eps: 10, burst: 100 }
    const more = await admitted(key, 200, raised)
    expect(more).toBeLessThanOrEqual(90 + slack(raised))
  })

  test('drains a rate below one event per second without losing any of it', async () => {
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

  test('does not look at the wall clock', async () => {
    const rate = { eps: 1, burst: 5 }
    const key = newKey()
    await consume(key, 5, rate)
    advanceWallClock(86_400_000)
    expectAbout(await admitted(key, 5, rate), 0, rate)
    advanceWallClock(-2 * 86_400_000)
    await advance(1_000)
    expect((await consume(key, 1, rate)).allowed).toBe(true)
  })
}
