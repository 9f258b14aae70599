import { toRetryAfterSeconds } from '../../limits/rate-limit-headers.ts'
import type { RateLimiter, RateLimitResult } from '../../limits/rate-limiter.ts'
import type { Awaitable } from '../../runtime/awaitable.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { eventCost, leastEventCost } from '../event-cost.ts'
import type { CheckedEvents } from '../events.ts'
import type { Reason } from '../reasons.ts'
import type { Refusals } from '../refusals.ts'
import type { RefusalDetails } from '../replies.ts'
import type { Refused } from '../verdict.ts'
import type { Visit } from '../visit.ts'

export interface ChargeStepOptions {
  limiter: RateLimiter
  eventBytes: number
}

/** What the limiter has answered to a charge; undefined when nothing had to be charged. */
export type Charged = RateLimitResult | undefined

/** Takes what requests cost out of their key's bucket. */
export interface ChargeStep {
  /** Step 9: before a body is read, whether the bucket has room for even one event. */
  refuseIfEmpty(visit: Visit): Refused | undefined
  /** Step 12: charges all events or none. */
  charge(visit: Visit, checked: CheckedEvents): Awaitable<Charged>
  /** The limiter had no room for all of the events. */
  refuseCharge(visit: Visit, charged: Charged): Refused | undefined
  /** A refusal behind step 9. */
  refuseLate(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>): Refused
  /** Undoes the charge of a request that is refused after it. */
  giveBack(visit: Visit): void
}

export function createChargeStep(
  { limiter, eventBytes }: ChargeStepOptions,
  { refuse }: Refusals,
): ChargeStep {
  function refuseRate(visit: Visit, result: RateLimitResult): Refused {
    return refuse(visit, 'rate_limited', {
      retryAfterSeconds: toRetryAfterSeconds(result.retryAfterMs),
      rateHeaders: visit.key?.ratePolicy?.headers(result),
    })
  }

  function peekEmpty(visit: Visit): RateLimitResult | undefined {
    const { ratePolicy, id } = visit.key as CompiledKey
    if (ratePolicy === null || visit.isPaid) return undefined
    const cost = leastEventCost(visit.request.headers, eventBytes)
    const result = limiter.peek?.(id, ratePolicy.rate, cost)
    return result === undefined || result.allowed === true ? undefined : result
  }

  /**
   * If the body is already parsed, the empty-bucket check runs only after another refusal, so that the same refusal wins and
   * accepted requests skip it.
   */
  function peekLate(visit: Visit): RateLimitResult | undefined {
    return typeof visit.request.body === 'function' ? undefined : peekEmpty(visit)
  }

  async function refund(keyId: string, cost: number): Promise<void> {
    await limiter.refund?.(keyId, cost)
  }

  return {
    refuseIfEmpty(visit) {
      const empty = typeof visit.request.body === 'function' ? peekEmpty(visit) : undefined
      return empty === undefined ? undefined : refuseRate(visit, empty)
    },
    charge(visit, checked) {
      const { ratePolicy, id } = visit.key as CompiledKey
      if (ratePolicy === null || visit.isPaid) return undefined
      const { received, request } = visit
      const bytes = received?.ok ? received.bytes : 0
      const cost = eventCost(checked, bytes, request.headers, eventBytes)
      const result = limiter.consume(id, cost, ratePolicy.rate)
      return result instanceof Promise
        ? result.then((value) => noteCharge(visit, cost, value))
        : noteCharge(visit, cost, result)
    },
    refuseCharge(visit, charged) {
      if (charged === undefined || charged.allowed === true) return undefined
      return refuseRate(visit, peekLate(visit) ?? charged)
    },
    refuseLate(visit, reason, details) {
      const empty = peekLate(visit)
      return empty === undefined ? refuse(visit, reason, details) : refuseRate(visit, empty)
    },
    giveBack(visit) {
      if (visit.charged === 0 || visit.keyId === undefined) return
      const cost = visit.charged
      visit.charged = 0
      refund(visit.keyId, cost).catch(() => {})
    },
  }
}

function noteCharge(visit: Visit, cost: number, result: RateLimitResult): RateLimitResult {
  if (result.allowed === true) visit.charged = cost
  return result
}
