import type { Quotas } from '../../limits/quotas.ts'
import { type RatePolicy, toRetryAfterSeconds } from '../../limits/rate-limit-headers.ts'
import type { RateLimiter, RateLimitResult } from '../../limits/rate-limiter.ts'
import { type Awaitable, chain } from '../../runtime/awaitable.ts'
import type { ClientOf } from '../client.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { eventCost, leastEventCost } from '../event-cost.ts'
import type { CheckedEvents } from '../events.ts'
import type { Reason } from '../reasons.ts'
import type { RefusalDetails } from '../refusal-reply.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import { createSenderShares, type SenderSharesOptions } from './sender-shares.ts'
import { isBodiless } from './target.ts'

export interface ChargeStepOptions extends SenderSharesOptions {
  limiter: RateLimiter
  eventBytes: number
  /** Undefined when no plan has a quota. */
  quotas: Quotas | undefined
}

/** The answer of the tighter of the two buckets to a charge; undefined when nothing had to be charged. */
export type Charged = RateLimitResult | undefined

/** A quota lasts for weeks, and plans change meanwhile: senders ask again after this many seconds at most. */
const mostRetryAfterSeconds = 3_600

/** Takes the cost of requests out of their sender's share and their key's bucket: out of both or none. */
export interface ChargeStep {
  /** Step 9: before a body is read, whether one of the buckets has no room for even one event. */
  refuseIfEmpty(visit: Visit): Refused | undefined
  /** Step 12: charges all events or none. */
  charge(visit: Visit, checked: CheckedEvents): Awaitable<Charged>
  /** There was no room for all of the events. */
  refuseCharge(visit: Visit, charged: Charged): Refused | undefined
  /** A refusal after step 9. */
  refuseLate(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>): Refused
  /** Undoes the charge of a request that is refused after it. */
  giveBack(visit: Visit): void
}

export function createChargeStep(
  options: ChargeStepOptions,
  client: ClientOf,
  { refuse }: Refusals,
): ChargeStep {
  const { limiter, eventBytes, bucketClock, quotas } = options
  const shares = createSenderShares(options, client)

  function refuseRate(visit: Visit, result: RateLimitResult, bySender: boolean): Refused {
    const policy = bySender ? visit.key?.senderPolicy : visit.key?.ratePolicy
    return refuse(visit, bySender ? 'sender_rate_limited' : 'rate_limited', {
      retryAfterSeconds: toRetryAfterSeconds(result.retryAfterMs),
      rateHeaders: policy?.headers(result),
    })
  }

  function refuseQuota(visit: Visit): Refused {
    const seconds = toRetryAfterSeconds((quotas as Quotas).untilReset())
    return refuse(visit, 'quota_exceeded', { retryAfterSeconds: Math.min(seconds, mostRetryAfterSeconds) })
  }

  function refuseEmpty(visit: Visit): Refused | undefined {
    const key = visit.key as CompiledKey
    const { ratePolicy, senderPolicy, monthlyEvents, id } = key
    if (visit.isPaid) return undefined
    if (monthlyEvents !== null && !isBodiless(visit.request.method) && quotas?.isSpent(id, monthlyEvents))
      return refuseQuota(visit)
    if (ratePolicy === null && senderPolicy === null) return undefined
    const cost = leastEventCost(visit.request.headers, eventBytes)
    const share = shares.peek(visit, key, cost)
    if (share !== undefined && !share.allowed) return refuseRate(visit, share, true)
    const result = ratePolicy === null ? undefined : limiter.peek?.(id, ratePolicy.rate, cost)
    return result === undefined || result.allowed === true ? undefined : refuseRate(visit, result, false)
  }

  /**
   * If the body is already parsed, the empty-bucket check runs only after another refusal, so that the same
   * refusal wins and accepted requests skip it.
   */
  function refuseEmptyLate(visit: Visit): Refused | undefined {
    return typeof visit.request.body === 'function' ? undefined : refuseEmpty(visit)
  }

  async function refund(keyId: string, cost: number): Promise<void> {
    await limiter.refund?.(keyId, cost)
  }

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

  /** All or none, before the buckets: given back when they refuse. */
  function takeQuota(visit: Visit, { events }: CheckedEvents): Awaitable<boolean> {
    const { id, monthlyEvents } = visit.key as CompiledKey
    if (quotas === undefined || monthlyEvents === null || visit.isPaid || events.length === 0) return true
    return chain(quotas.take(id, events.length, monthlyEvents), (isTaken) => {
      visit.isOverQuota = !isTaken
      if (isTaken) visit.quotaTaken = events.length
      return isTaken
    })
  }

  function releaseQuota(visit: Visit): void {
    if (visit.quotaTaken === 0 || visit.keyId === undefined) return
    quotas?.release(visit.keyId, visit.quotaTaken)
    visit.quotaTaken = 0
  }

  function chargeBuckets(visit: Visit, checked: CheckedEvents): Awaitable<Charged> {
    const key = visit.key as CompiledKey
    const { ratePolicy, senderPolicy } = key
    if (visit.isPaid || (ratePolicy === null && senderPolicy === null)) return undefined
    const { received, request } = visit
    const bytes = received?.ok ? received.bytes : 0
    const cost = eventCost(checked, bytes, request.headers, eventBytes)
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

  function chargeKey(
    visit: Visit,
    cost: number,
    share: Charged,
    { id, ratePolicy }: CompiledKey,
  ): Awaitable<Charged> {
    const result = limiter.consume(id, cost, (ratePolicy as RatePolicy).rate)
    return result instanceof Promise
      ? result.then((value) => settle(visit, cost, share, value))
      : settle(visit, cost, share, result)
  }

  return {
    refuseIfEmpty(visit) {
      return typeof visit.request.body === 'function' ? refuseEmpty(visit) : undefined
    },
    charge(visit, checked) {
      const isWithin = takeQuota(visit, checked)
      if (isWithin === true) return chargeBuckets(visit, checked)
      return chain(isWithin, (taken) => (taken ? chargeBuckets(visit, checked) : undefined))
    },
    refuseCharge(visit, charged) {
      if (visit.isOverQuota) return refuseEmptyLate(visit) ?? refuseQuota(visit)
      if (charged === undefined || charged.allowed === true) return undefined
      releaseQuota(visit)
      return refuseEmptyLate(visit) ?? refuseRate(visit, charged, visit.isSenderTighter)
    },
    refuseLate(visit, reason, details) {
      return refuseEmptyLate(visit) ?? refuse(visit, reason, details)
    },
    giveBack(visit) {
      shares.refund(visit)
      releaseQuota(visit)
      if (visit.charged === 0 || visit.keyId === undefined) return
      const cost = visit.charged
      visit.charged = 0
      refund(visit.keyId, cost).catch(() => {})
    },
  }
}
