import { microEvents, settleGcra, toMicroseconds } from '../limits/gcra.ts'
import { createMemoryLimiter, type MemoryLimiter } from '../limits/memory-limiter.ts'
import type { Rate, RateLimitResult } from '../limits/rate-limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import { StoreError } from '../runtime/errors.ts'
import type { LeasedBucket } from './leased-bucket.ts'

/** Answers while the server does not. */
export interface OutageLimiter {
  /** @throws StoreError under `'deny'`. */
  consume(bucket: LeasedBucket, cost: number, rate: Rate): RateLimitResult
  /** @throws StoreError under `'deny'`. */
  peek(bucket: LeasedBucket, rate: Rate, cost?: number): RateLimitResult
  /** Refunds what was charged here; false when it was charged elsewhere. */
  refund(bucket: LeasedBucket, cost: number): boolean
  /** Events admitted meanwhile that the shared bucket has yet to be charged for. Returned once. */
  takeDebt(bucket: LeasedBucket, rate: Rate): number
  /** The server did not hear of them after all. */
  restoreDebt(bucket: LeasedBucket, events: number): void
}

export interface OutageLimiterOptions {
  onOutage: 'local' | 'deny' | 'allow'
  /** By how many processes the rate is divided. */
  processes: () => number
  maxKeys: number
  clock: Clock
}

export function createOutageLimiter(options: OutageLimiterOptions): OutageLimiter {
  const { onOutage, clock } = options
  const noDebt = { refund: () => false, takeDebt: () => 0, restoreDebt() {} }
  if (onOutage === 'deny') return { consume: deny, peek: deny, ...noDebt }
  if (onOutage === 'allow') {
    const allow = (_bucket: LeasedBucket, rate: Rate) => unlimited(rate)
    return { consume: (bucket, _cost, rate) => allow(bucket, rate), peek: allow, ...noDebt }
  }

  const local: MemoryLimiter = createMemoryLimiter({ maxKeys: options.maxKeys, clock })
  /**
   * Events admitted here per bucket since the server last heard of it. A bucket that was forgotten owes
   * nothing.
   */
  const admitted = new WeakMap<LeasedBucket, number>()

  function share(rate: Rate): Rate {
    const processes = Math.max(1, options.processes())
    return { eps: rate.eps / processes, burst: rate.burst / processes }
  }

  /** An outage is no fresh start: the local bucket begins with this process's share of the debt. */
  function begin(bucket: LeasedBucket, rate: Rate, part: Rate): void {
    admitted.set(bucket, 0)
    const owed = settleGcra(bucket.view, rate, toMicroseconds(clock.monotonic())) / microEvents
    const share = Math.min(1, owed / rate.burst) * part.burst
    const missing = Math.round(share - owedLocally(bucket, part))
    if (missing >= 1) local.consume(bucket.keyId, missing, part)
  }

  function owedLocally(bucket: LeasedBucket, part: Rate): number {
    return (local.peek(bucket.keyId, part).resetMs * part.eps) / 1000
  }

  return {
    consume(bucket, cost, rate) {
      const part = share(rate)
      if (!admitted.has(bucket)) begin(bucket, rate, part)
      const result = local.consume(bucket.keyId, cost, part)
      if (result.allowed) admitted.set(bucket, (admitted.get(bucket) ?? 0) + cost)
      return result
    },
    peek(bucket, rate, cost) {
      const part = share(rate)
      if (!admitted.has(bucket)) begin(bucket, rate, part)
      return local.peek(bucket.keyId, part, cost)
    },
    refund(bucket, cost) {
      const events = admitted.get(bucket) ?? 0
      if (events < cost) return false
      admitted.set(bucket, events - cost)
      local.refund(bucket.keyId, cost)
      return true
    },
    takeDebt(bucket, rate) {
      const events = admitted.get(bucket)
      if (events === undefined) return 0
      admitted.delete(bucket)
      // What has drained from the local bucket meanwhile would have drained from the shared one.
      return Math.min(events, Math.ceil(owedLocally(bucket, share(rate))))
    },
    restoreDebt(bucket, events) {
      if (events > 0) admitted.set(bucket, (admitted.get(bucket) ?? 0) + events)
    },
  }
}

function deny(): never {
  throw new StoreError('store_unavailable', 'The shared limiter does not answer, and onOutage is "deny".')
}

function unlimited(rate: Rate): RateLimitResult {
  return { allowed: true, remaining: Math.max(1, Math.floor(rate.burst)), retryAfterMs: 0, resetMs: 0 }
}
