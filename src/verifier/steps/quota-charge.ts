import type { Quotas } from '../../limits/quotas.ts'
import { toRetryAfterSeconds } from '../../limits/retry-after.ts'
import { type Awaitable, chain } from '../../runtime/awaitable.ts'
import type { CompiledKey } from '../compiled-key.ts'
import type { CheckedEvents } from '../events.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import { isBodiless } from './target.ts'

/** A quota lasts for weeks, and plans change meanwhile: senders ask again after this many seconds at most. */
const mostRetryAfterSeconds = 3_600

/** Takes the events of requests out of what their key's plan allows in a month. */
export interface QuotaCharge {
  isSpent(visit: Visit): boolean
  /** All or none, before the buckets: given back when they refuse. */
  take(visit: Visit, checked: CheckedEvents): Awaitable<boolean>
  release(visit: Visit): void
  refuse(visit: Visit): Refused
}

/** @param quotas undefined when no plan has one */
export function createQuotaCharge(quotas: Quotas | undefined, { refuse }: Refusals): QuotaCharge {
  return {
    isSpent({ key, request }) {
      const { id, monthlyEvents } = key as CompiledKey
      return (
        monthlyEvents !== null && !isBodiless(request.method) && quotas?.isSpent(id, monthlyEvents) === true
      )
    },
    take(visit, { events }) {
      const { id, monthlyEvents } = visit.key as CompiledKey
      if (quotas === undefined || monthlyEvents === null || events.length === 0) return true
      return chain(quotas.take(id, events.length, monthlyEvents), (month) => {
        visit.isOverQuota = month === undefined
        visit.quotaMonth = month
        visit.quotaTaken = events.length
        return month !== undefined
      })
    },
    release(visit) {
      visit.quotaMonth?.giveBack(visit.quotaTaken)
      visit.quotaMonth = undefined
    },
    refuse(visit) {
      const seconds = toRetryAfterSeconds((quotas as Quotas).untilReset())
      return refuse(visit, 'quota_exceeded', { retryAfterSeconds: Math.min(seconds, mostRetryAfterSeconds) })
    },
  }
}
