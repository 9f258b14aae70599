import { effectiveStatusOf } from '../keys/effective-status.ts'
import { type KeyRecord, toWriteKey, type WriteKey } from '../keys/key-record.ts'
import { effectiveRateOf, effectiveSenderRateOf, type Plans } from '../keys/plans.ts'
import type { Clock } from '../runtime/clock.ts'

/** The public face of a record, with the rate and the status that count now. */
export type PresentKey = (record: KeyRecord) => WriteKey

export function createKeyPresenter({
  plans,
  clock,
  eventBytes,
}: {
  plans: Plans
  clock: Pick<Clock, 'now'>
  eventBytes: number
}): PresentKey {
  return (record) =>
    toWriteKey(record, {
      effectiveRateLimitEps: effectiveRateOf(record, plans),
      effectiveSenderRateLimitEps: effectiveSenderRateOf(record, plans),
      effectiveMonthlyEvents: plans.of(record.plan).monthlyEvents,
      eventBytes,
      effectiveStatus: effectiveStatusOf(record, clock.now()),
    })
}
