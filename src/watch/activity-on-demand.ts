import type { Awaitable } from '../runtime/awaitable.ts'
import type { WriteKeyEvent } from '../verifier/decision-event.ts'
import type { DecisionWatch } from '../verifier/request-decision.ts'
import {
  type Activity,
  type ActivityOptions,
  type ActivitySurroundings,
  type ActivityWatch,
  createActivity,
} from './activity.ts'
import type { Anomaly } from './anomaly.ts'

/** An activity that is watched from the first look on. */
export interface ActivityOnDemand {
  look(): Activity
  /** Forgets what was watched of a key that nobody can use any more. */
  forget(keyId: string): void
  /** Whether somebody looks at decisions, as the store says. */
  told(isWatched: boolean): void
  /** An activity that is created later has seen nothing. */
  close(): Awaitable<void>
}

export function createActivityOnDemand({
  watch,
  surroundings,
  options,
}: {
  /** Called with decisions to record. */
  watch: DecisionWatch
  surroundings: ActivitySurroundings
  options: ActivityOptions | undefined
}): ActivityOnDemand {
  let activity: ActivityWatch | undefined
  let closed = false

  return {
    look() {
      if (activity === undefined) {
        activity = createActivity(surroundings, options)
        if (closed) void activity.close()
        else watch.record = activity.record
      }
      return activity
    },
    forget(keyId) {
      activity?.forget(keyId)
    },
    close() {
      closed = true
      watch.record = undefined
      return activity?.close()
    },
    told: (isWatched) => activity?.told(isWatched),
  }
}

/** The event for an anomaly; `undefined` for anomalies that hooks hear of with each such request anyway. */
export function toAnomalyEvent(anomaly: Anomaly): WriteKeyEvent | undefined {
  const { kind, keyId, origin, address, secretId, observed, expected } = anomaly
  if (kind === 'server_key_in_browser') return undefined
  return {
    type: 'anomaly',
    kind,
    keyId,
    ...(origin !== undefined && { origin }),
    ...(address !== undefined && { address }),
    ...(secretId !== undefined && { secretId }),
    ...(observed !== undefined && { observed }),
    ...(expected !== undefined && { expected }),
  }
}

/** The notice about a rotated secret that is still used shortly before its end. */
export function toGraceNotice({ kind, keyId, secretId, secretAt }: Anomaly): WriteKeyEvent | undefined {
  if (kind !== 'grace_ending' || secretId === undefined || secretAt === undefined) return undefined
  return { type: 'grace_ending', keyId, secretId, expiresAt: new Date(secretAt) }
}
