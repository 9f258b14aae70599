import type { Quotas } from '../../limits/quotas.ts'
import { type Awaitable, chain } from '../../runtime/awaitable.ts'
import type { ClientOf } from '../client.ts'
import type { CheckedEvents } from '../events.ts'
import type { Reason } from '../reasons.ts'
import type { RefusalDetails } from '../refusal-reply.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import { type BucketChargeOptions, type Charged, createBucketCharge } from './bucket-charge.ts'
import { createQuotaCharge } from './quota-charge.ts'

export interface ChargeStepOptions extends BucketChargeOptions {
  /** Undefined when no plan has a quota. */
  quotas: Quotas | undefined
}

/** What requests cost: their key's quota of the month, their sender's share, and their key's bucket. */
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
  /** Gives back to the month alone, which holds what usage counts as accepted. */
  giveBackToMonth(visit: Visit): void
}

export function createChargeStep(
  options: ChargeStepOptions,
  client: ClientOf,
  refusals: Refusals,
): ChargeStep {
  const quota = createQuotaCharge(options.quotas, refusals)
  const buckets = createBucketCharge(options, client, refusals)

  function refuseEmpty(visit: Visit): Refused | undefined {
    if (quota.isSpent(visit)) return quota.refuse(visit)
    return visit.isPaid ? undefined : buckets.refuseIfEmpty(visit)
  }

  /**
   * If the body is already parsed, the empty-bucket check runs only after another refusal, so that the same
   * refusal wins and accepted requests skip it.
   */
  function refuseEmptyLate(visit: Visit): Refused | undefined {
    return typeof visit.request.body === 'function' ? undefined : refuseEmpty(visit)
  }

  return {
    refuseIfEmpty(visit) {
      return typeof visit.request.body === 'function' ? refuseEmpty(visit) : undefined
    },
    charge(visit, checked) {
      const isWithin = quota.take(visit, checked)
      if (isWithin === true) return buckets.charge(visit)
      return chain(isWithin, (taken) => (taken ? buckets.charge(visit) : undefined))
    },
    refuseCharge(visit, charged) {
      if (visit.isOverQuota) return refuseEmptyLate(visit) ?? quota.refuse(visit)
      if (charged === undefined || charged.allowed === true) return undefined
      quota.release(visit)
      return refuseEmptyLate(visit) ?? buckets.refuse(visit, charged)
    },
    refuseLate(visit, reason, details) {
      return refuseEmptyLate(visit) ?? refusals.refuse(visit, reason, details)
    },
    giveBack(visit) {
      quota.release(visit)
      buckets.refund(visit)
    },
    giveBackToMonth: quota.release,
  }
}
