import type { Outage } from './cache/outages.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import { createQuotas } from './usage/monthly-quotas.ts'
import type { DroppedUsage } from './usage/unsent-usage.ts'
import { createUsageRecorder } from './usage/usage-recorder.ts'

const dayMs = 24 * 3_600_000

/** Counts of usage, and the quotas that look at them. */
export function createCounting(
  { store, clock, eventTypes, plans, usage: options }: ResolvedOptions,
  outage: Outage,
  onDropped: (dropped: DroppedUsage) => void,
) {
  const usage = createUsageRecorder({
    store: store.usage,
    clock,
    eventTypes: eventTypes.known,
    flushMs: options.flushMs,
    // A quota looks back to the first of the month.
    retentionMs: (plans.haveQuotas ? 32 : options.retentionDays) * dayMs,
    onStoreError: outage.began,
    onStored: outage.ended,
    onDropped,
  })
  const quotas =
    plans.haveQuotas && store.usage !== undefined
      ? createQuotas({
          store: store.usage,
          time: usage.time,
          flush: usage.flush,
          part: usage.part,
          refreshMs: options.flushMs,
        })
      : undefined
  return { usage, quotas }
}
