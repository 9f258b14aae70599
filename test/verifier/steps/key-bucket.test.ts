import { describe, expect, it } from 'vitest'
import type { RateLimiter } from '../../../src/limits/rate-limiter.ts'
import { createKeyBucket } from '../../../src/verifier/steps/key-bucket.ts'

const limiterWith = (peek?: unknown) =>
  ({ consume: () => ({}), close() {}, ...(peek !== undefined && { peek }) }) as unknown as RateLimiter
const limited = { id: 'wk_one', ratePolicy: { rate: { eps: 5, burst: 10 } } } as never

describe('how long a request waits for the bucket of its key', () => {
  it('is what the limiter says of the key, its rate and the cost', () => {
    const asked: unknown[] = []
    const peek = (...about: unknown[]) => {
      asked.push(about)
      return { allowed: false, remaining: 0, retryAfterMs: 1_500, resetMs: 2_000 }
    }
    expect(createKeyBucket(limiterWith(peek)).waitMs(limited, 4)).toBe(1_500)
    expect(asked).toEqual([['wk_one', { eps: 5, burst: 10 }, 4]])
  })

  it.each([
    ['a limiter that cannot look', undefined],
    ['one that does not know', () => undefined],
    ['one that says nothing of it', () => ({ allowed: false })],
    [
      'one that fails',
      () => {
        throw new Error('gone')
      },
    ],
  ])('is 0 with %s', (_, peek) => {
    expect(createKeyBucket(limiterWith(peek)).waitMs(limited, 4)).toBe(0)
  })

  it('is 0 for a key without a rate, of which no limiter is asked', () => {
    const peek = () => ({ allowed: false, retryAfterMs: 1_500 })
    const unlimited = { id: 'wk_one', ratePolicy: null } as never
    const bucket = createKeyBucket(limiterWith(peek))
    expect([bucket.waitMs(unlimited, 4), bucket.peek(unlimited, 4)]).toEqual([0, undefined])
  })
})
