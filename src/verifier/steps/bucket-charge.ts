import type { RateLimiter, RateLimitResult } from '../../limits/rate-limiter.ts'
import { toRetryAfterSeconds } from '../../limits/retry-after.ts'
import type { Awaitable } from '../../runtime/awaitable.ts'
import type { ClientOf } from '../client.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { eventCost, leastEventCost } from '../event-cost.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import { createKeyBucket, type KeyBucket } from './key-bucket.ts'
import { createSenderShares, type SenderShares, type SenderSharesOptions } from './sender-shares.ts'

export interface BucketChargeOptions extends SenderSharesOptions {
  limiter: RateLimiter
  eventBytes: number
}

/** The answer of the tighter of the two buckets to a charge; undefined when nothing had to be charged. */
export type Charged = RateLimitResult | undefined

/** Takes the cost of requests out of their sender's share and their key's bucket: out of both or none. */
export interface BucketCharge {
  /** Whether one of them has no room for even one event. */
  refuseIfEmpty(visit: Visit): Refused | undefined
  /** What `visit.checked` costs. */
  charge(visit: Visit): Awaitable<Charged>
  /** There was no room for all of the events. */
  refuse(visit: Visit, result: RateLimitResult): Refused
  refund(visit: Visit): void
}

export function createBucketCharge(
  options: BucketChargeOptions,
  client: ClientOf,
  { refuse }: Refusals,
): BucketCharge {
  const { eventBytes, bucketClock } = options
  const shares = createSenderShares(options, client)
  const keyBucket = createKeyBucket(options.limiter)
  const costOf = createCostOf(eventBytes)
  const refuseRate = createRateRefusal(shares, keyBucket, costOf, refuse)

  /** The sender's share has room: the key's bucket decides, and the headers show the tighter one. */
  function settle(visit: Visit, cost: number, share: Charged, result: RateLimitResult): RateLimitResult {
    if (result.allowed !== true) {
      shares.refund(visit)
      return result
    }
    visit.charged = cost
    visit.isSenderTighter = share !== undefined && share.remaining < result.remaining
    return visit.isSenderTighter ? (share as RateLimitResult) : result
  }

  function chargeBuckets(visit: Visit): Awaitable<Charged> {
    const key = visit.key as CompiledKey
    const { ratePolicy, senderPolicy } = key
    if (visit.isPaid || (ratePolicy === null && senderPolicy === null)) return undefined
    const cost = costOf(visit)
    if (senderPolicy === null) return chargeKey(visit, cost, undefined, key)
    bucketClock.held = bucketClock.monotonic()
    try {
      const share = shares.consume(visit, key, cost)
      if (ratePolicy !== null && share?.allowed !== false) return chargeKey(visit, cost, share, key)
      visit.isSenderTighter = true
      return share
    } finally {
      bucketClock.held = undefined
    }
  }

  function chargeKey(visit: Visit, cost: number, share: Charged, key: CompiledKey): Awaitable<Charged> {
    const result = keyBucket.consume(key, cost)
    return result instanceof Promise
      ? result.then((value) => settle(visit, cost, share, value))
      : settle(visit, cost, share, result)
  }

  return {
    refuseIfEmpty(visit) {
      const key = visit.key as CompiledKey
      if (key.ratePolicy === null && key.senderPolicy === null) return undefined
      const cost = costOf(visit)
      const share = shares.peek(visit, key, cost)
      if (share !== undefined && !share.allowed) return refuseRate(visit, share, true)
      const result = keyBucket.peek(key, cost)
      return result === undefined || result.allowed === true ? undefined : refuseRate(visit, result, false)
    },
    charge: chargeBuckets,
    refuse: (visit, result) => refuseRate(visit, result, visit.isSenderTighter),
    refund(visit) {
      shares.refund(visit)
      keyBucket.refund(visit)
    },
  }
}

/** What a request costs; before its events are known, what it costs at least. */
function createCostOf(eventBytes: number): (visit: Visit) => number {
  return ({ checked, received, request: { headers } }) => {
    if (checked === undefined) return leastEventCost(headers, eventBytes)
    return eventCost(checked, received?.ok ? received.bytes : 0, headers, eventBytes)
  }
}

/**
 * Names the moment when both buckets have room. Some senders try four times only: one that waited for each
 * bucket in turn would lose its events.
 */
function createRateRefusal(
  shares: SenderShares,
  keyBucket: KeyBucket,
  costOf: (visit: Visit) => number,
  refuse: Refusals['refuse'],
) {
  return (visit: Visit, result: RateLimitResult, bySender: boolean): Refused => {
    const key = visit.key as CompiledKey
    const cost = costOf(visit)
    const otherMs = bySender
      ? keyBucket.waitMs(key, cost)
      : (shares.peek(visit, key, cost)?.retryAfterMs ?? 0)
    const retryAfterSeconds = Math.max(toRetryAfterSeconds(result.retryAfterMs), toRetryAfterSeconds(otherMs))
    const { remaining, resetMs } = result
    const shown = { allowed: false, remaining, resetMs, retryAfterMs: retryAfterSeconds * 1_000 }
    return refuse(visit, bySender ? 'sender_rate_limited' : 'rate_limited', {
      retryAfterSeconds,
      rateHeaders: (bySender ? key.senderPolicy : key.ratePolicy)?.headers(shown),
    })
  }
}
