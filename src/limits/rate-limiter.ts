import type { Awaitable } from '../runtime/awaitable.ts'
import type { Clock } from '../runtime/clock.ts'

/** A rate: `eps` events per second (> 0), with room for `burst` events at once (> 0; fractions allowed). */
export interface Rate {
  eps: number
  burst: number
}

export interface RateLimitResult {
  allowed: boolean
  /** Events that could be admitted right now; whole, never negative. */
  remaining: number
  /** Milliseconds after which the same call would be admitted if nobody else called; 0 when allowed. */
  retryAfterMs: number
  /** Milliseconds until the bucket is full again. */
  resetMs: number
}

/** A limiter has lost the server it depends on and limits by other means, or has it back. */
export type LimiterChange =
  | { readonly state: 'degraded'; readonly error: Error }
  | { readonly state: 'recovered' }

/**
 * Counts events per write key. `consume` is called once per request, after every other check has passed; it
 * charges all of `cost` or nothing. A throw or rejection refuses the request with 503.
 */
export interface RateLimiter {
  /**
   * @param cost events to charge: a whole number, at least 1. A cost above `burst` passes on a full bucket
   * and is paid for afterwards.
   */
  consume(keyId: string, cost: number, rate: Rate): Awaitable<RateLimitResult>
  /**
   * Gives back what `consume` charged for a request that was refused later, as if it had not been sent. Never
   * makes a bucket fuller than full. A limiter without it keeps the charge. A throw or rejection changes
   * nothing for the request.
   * @param cost as it was charged
   */
  refund?(keyId: string, cost: number): Awaitable<void>
  /**
   * Called before the body is read: has the bucket no room for even one event, as far as is known locally?
   * Charges nothing. Leave it out when the answer needs a round trip.
   * @param cost events that the request will cost at least, default 1: `retryAfterMs` is the time until they
   * fit, also when there is room for one event. Asked after a sender's share has refused a request, too:
   * `Retry-After` names the later of the two moments
   */
  peek?(keyId: string, rate: Rate, cost?: number): RateLimitResult
  /**
   * Reports changes of state; `createWriteKeys` passes them to `onEvent`. The listener does not throw.
   * @returns a function that ends it.
   */
  observe?(listener: (change: LimiterChange) => void): () => void
  /**
   * Called once by `createWriteKeys` when it was given a `clock`, for limiters that keep time and have no
   * clock of their own.
   */
  useClock?(clock: Clock): void
  /** Stops timers and closes connections that the limiter opened itself. */
  close(): Awaitable<void>
}
