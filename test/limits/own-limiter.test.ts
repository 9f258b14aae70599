import { describe, expect, it } from 'vitest'
import { createWriteKeys, type RateLimiter } from '../../src/index.ts'

async function verifyWith(consume: unknown) {
  const limiter = { consume, close() {} } as RateLimiter
  const keys = createWriteKeys({ limiter, burstSeconds: 2 })
  const { key, writeKey } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 50 })
  const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
  const verdict = await keys.verify({
    method: 'POST',
    path: '/v1/batch',
    headers: { authorization },
    body: { batch: [{}, {}, {}, {}] },
  })
  await keys.close()
  return { verdict, id: writeKey.id }
}

describe('a limiter of the application', () => {
  it('is asked for the key, the number of events and the rate, and its answer is told in headers', async () => {
    const calls: unknown[][] = []
    const { verdict, id } = await verifyWith((...call: unknown[]) => {
      calls.push(call)
      return { allowed: true, remaining: 7, retryAfterMs: 0, resetMs: 1_500 }
    })
    expect(calls).toEqual([[id, 4, { eps: 50, burst: 100 }]])
    expect(verdict).toMatchObject({ ok: true, headers: { ratelimit: '"events";r=7;t=2' } })
  })

  it('may answer later, and its refusal is a 429', async () => {
    const { verdict } = await verifyWith(async () => ({
      allowed: false,
      remaining: 0,
      retryAfterMs: 1_500,
      resetMs: 3_000,
    }))
    expect(verdict).toMatchObject({ reason: 'rate_limited', reply: { headers: { 'retry-after': '2' } } })
  })

  it('that says nothing but no refuses with headers that can be parsed', async () => {
    for (const answer of [{ allowed: false }, { allowed: 'yes' }, {}]) {
      const { verdict } = await verifyWith(() => answer)
      expect(verdict).toMatchObject({ reason: 'rate_limited', reply: { headers: { 'retry-after': '1' } } })
      expect(JSON.stringify(verdict)).not.toMatch(/NaN|undefined/)
    }
    const { verdict } = await verifyWith(() => ({ allowed: true }))
    expect(verdict.ok).toBe(true)
    expect(JSON.stringify(verdict)).not.toMatch(/NaN|undefined/)
  })

  it('that throws, rejects or answers nothing refuses with 503', async () => {
    const broken = new Error('limiter')
    const failures: unknown[] = [() => Promise.reject(broken), () => undefined, () => null]
    failures.push(() => {
      throw broken
    })
    for (const consume of failures) {
      expect((await verifyWith(consume)).verdict).toMatchObject({ reply: { status: 503 } })
    }
  })
})
