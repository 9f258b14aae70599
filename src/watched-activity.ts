import type { ResolvedOptions } from './resolve-options.ts'
import type { EventHook } from './verifier/event-hook.ts'
import type { DecisionWatch } from './verifier/request-decision.ts'
import type { ActivitySurroundings } from './watch/activity.ts'
import { createActivityOnDemand, toAnomalyEvent, toGraceNotice } from './watch/activity-on-demand.ts'
import type { Notices } from './watch/notices.ts'

/** Watches the traffic, and tells events and notices of what is unusual in it. */
export function createWatchedActivity(
  { store, clock, usage, activity: options }: ResolvedOptions,
  watch: DecisionWatch,
  emit: EventHook,
  notices: Notices | undefined,
  outageOf: ActivitySurroundings['outageOf'],
  polling: Pick<ActivitySurroundings, 'pollMs' | 'beginPolling'>,
) {
  return createActivityOnDemand({
    watch,
    options: options === false ? undefined : options,
    surroundings: {
      clock,
      store: store.fleet,
      isShared: store.scope === 'shared',
      flushMs: usage.flushMs,
      ...polling,
      outageOf,
      report(anomaly) {
        const event = toAnomalyEvent(anomaly)
        if (event !== undefined) emit(event)
        const ending = toGraceNotice(anomaly)
        if (ending !== undefined) void notices?.once(`grace:${anomaly.secretId}`, ending)
      },
      async isSilent(keyId, silentMs) {
        const record = await store.get(keyId)
        const now = clock.now()
        if (record?.status !== 'active' || (record.expiresAt !== null && record.expiresAt <= now))
          return 'gone'
        const lastEventAt = (await store.usage?.lastEvents([keyId]))?.get(keyId)
        return lastEventAt === undefined || lastEventAt <= now - silentMs
      },
    },
  })
}
