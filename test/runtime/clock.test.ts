import { describe, expect, it } from 'vitest'
import { createMemoryLimiter, createWriteKeys, type WriteKeysOptions } from '../../src/index.ts'
import { toClock } from '../../src/runtime/clock.ts'

/** How many of ten single events pass, and how many more after two seconds on the test's clock. */
async function admitted(options: WriteKeysOptions, advance: () => void): Promise<[number, number]> {
  const keys = createWriteKeys(options)
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 3 })
  const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
  async function send(): Promise<number> {
    let passed = 0
    for (let i = 0; i < 10; i++) {
      const verdict = await keys.verify({
        method: 'POST',
        path: '/v1/track',
        headers: { authorization },
        body: {},
      })
      if (verdict.ok) passed++
    }
    return passed
  }
  const first = await send()
  advance()
  const second = await send()
  await keys.close()
  return [first, second]
}

describe('an injected clock', () => {
  const start = Date.UTC(2026, 0, 1)
  const forms = {
    'as { now, monotonic }': (now: () => number) => ({ now, monotonic: () => now() - start }),
    'as { now }': (now: () => number) => ({ now }),
    'as a function': (now: () => number) => now,
  }
  for (const [form, make] of Object.entries(forms)) {
    it(`drives the rate limit ${form}`, async () => {
      let at = start
      const clock = make(() => at)
      expect(await admitted({ clock }, () => (at += 2_000))).toEqual([3, 3])
    })

    it(`drives a memory limiter made without a clock, ${form}`, async () => {
      let at = start
      const options = { clock: make(() => at), limiter: createMemoryLimiter() }
      expect(await admitted(options, () => (at += 2_000))).toEqual([3, 3])
    })
  }

  it('leaves a memory limiter with a clock of its own alone', async () => {
    let at = start
    const limiter = createMemoryLimiter({ clock: () => start })
    expect(await admitted({ clock: () => at, limiter }, () => (at += 2_000))).toEqual([3, 0])
  })

  it.each([Number.NaN, undefined, 'x', Number.POSITIVE_INFINITY])(
    'lets nothing pass while it gives %j instead of a time',
    async (broken) => {
      let at: unknown = start
      const keys = createWriteKeys({ clock: () => at as number, logger: { error() {}, warn() {} } })
      const { key } = await keys.create({
        name: 'a',
        sourceType: 'server',
        expiresAt: new Date(start + 1_000),
      })
      const request = {
        method: 'POST',
        path: '/v1/track',
        headers: { authorization: `Basic ${btoa(`${key}:`)}` },
        body: { type: 'track', event: 'x' },
      }
      at = start + 2_000
      expect(await keys.verify(request)).toMatchObject({ ok: false, reason: 'expired_key' })
      at = broken
      expect(await keys.verify(request)).toMatchObject({ ok: false, reply: { status: 503 } })
      at = start + 2_000
      expect(await keys.verify(request)).toMatchObject({ ok: false, reason: 'expired_key' })
      await keys.close()
    },
  )

  it('neither refills nor locks a bucket when its wall clock is set back', async () => {
    let at = start
    const clock = toClock(() => at)
    expect(clock?.monotonic()).toBe(0)
    at -= 3_600_000
    expect(clock?.monotonic()).toBe(0)
    at += 500
    expect(clock?.monotonic()).toBe(500)
    expect(clock?.now()).toBe(start - 3_599_500)
  })

  it.each(Object.entries(forms))('tells whole milliseconds, as they are stored, %s', (_, make) => {
    const clock = toClock(make(() => start + 0.9375))
    expect(clock?.now()).toBe(start)
  })

  it('is refused when it tells no time', () => {
    for (const clock of [
      null,
      5,
      'now',
      {},
      { now: 5 },
      { monotonic: () => 0 },
      { now: () => 0, monotonic: 1 },
    ]) {
      expect(() => createWriteKeys({ clock: clock as never })).toThrow(
        expect.objectContaining({ name: 'ConfigError', option: 'clock' }),
      )
      if (clock !== null && typeof clock === 'object')
        expect(() => createMemoryLimiter({ clock: clock as never })).toThrow(/clock/)
    }
  })
})
