import type { RatePolicy } from '../../limits/rate-limit-headers.ts'
import type { RateLimiter, RateLimitResult } from '../../limits/rate-limiter.ts'
import type { Awaitable } from '../../runtime/awaitable.ts'
import type { CompiledKey } from '../compiled-key.ts'
import type { Visit } from '../visit.ts'

/** The bucket of a key, which all of its senders share. */
export interface KeyBucket {
  /** Only for a key with a rate. */
  consume(key: CompiledKey, cost: number): Awaitable<RateLimitResult>
  /** Undefined when the key has no rate, and when the limiter cannot say. */
  peek(key: CompiledKey, cost: number): RateLimitResult | undefined
  /**
   * Milliseconds until a request of another refusal would fit; 0 when the limiter cannot say, such as while
   * its server does not answer.
   */
  waitMs(key: CompiledKey, cost: number): number
  /** Gives back what a visit was charged. */
  refund(visit: Visit): void
}

export function createKeyBucket(limiter: RateLimiter): KeyBucket {
  async function refund(keyId: string, cost: number): Promise<void> {
    await limiter.refund?.(keyId, cost)
  }

  function peek({ id, ratePolicy }: CompiledKey, cost: number): RateLimitResult | undefined {
    return ratePolicy === null ? undefined : limiter.peek?.(id, ratePolicy.rate, cost)
  }

  return {
    consume: ({ id, ratePolicy }, cost) => limiter.consume(id, cost, (ratePolicy as RatePolicy).rate),
    peek,
    waitMs(key, cost) {
      try {
        return peek(key, cost)?.retryAfterMs ?? 0
      } catch {
        return 0
      }
    },
    refund(visit) {
      if (visit.charged === 0) return
      const cost = visit.charged
      visit.charged = 0
      refund(visit.keyId as string, cost).catch(() => {})
    },
  }
}
