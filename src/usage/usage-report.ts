import type { UsageCount } from '../stores/usage-store.ts'
import { triedPassed } from './key-counter.ts'
import type { QuotaLeft } from './monthly-quotas.ts'
import { bucketIndex, type UsageWindow } from './usage-window.ts'

/**
 * Counts by name: an event type (`other` for events of no known type), or a reason. Names with nothing to
 * count are missing.
 */
export type CountsByName = Readonly<Record<string, number>>

/** One step of a usage series. */
export interface UsageBucket {
  /** When it begins; it lasts until the next one, or `to`. */
  readonly at: Date
  /** Accepted events by type. */
  readonly accepted: CountsByName
  /** Refusals by reason: requests, or with `onForbiddenEvent: 'drop'` the events left out. */
  readonly refused: CountsByName
  /** Accepted events that rules on trial would have refused, by reason. */
  readonly wouldRefuse: CountsByName
}

/** What one key accepted and refused in a window that ends now. */
export interface KeyUsage {
  readonly from: Date
  readonly to: Date
  /**
   * Length of the buckets, in milliseconds: 5 minutes up to 6 hours, a full hour up to 7 days, a calendar day
   * beyond (which may have 23 or 25 hours).
   */
  readonly bucketMs: number
  /** Time of the latest accepted event, however long ago; null = none. */
  readonly lastEventAt: Date | null
  /** Accepted events, all types together. */
  readonly acceptedTotal: number
  readonly refusedTotal: number
  readonly accepted: CountsByName
  readonly refused: CountsByName
  /** Accepted events that the rules on trial would have refused, by reason. */
  readonly wouldRefuse: CountsByName
  readonly wouldRefuseTotal: number
  /** Accepted events that rules on trial have judged: they would have refused `wouldRefuseTotal` of these. */
  readonly triedTotal: number
  /**
   * Accepted events by id of the secret, counted while the key has more than one: an earlier one without any
   * is safe to end.
   */
  readonly ofSecrets: CountsByName
  /** What the key may still send this month; null: its plan has no `monthlyEvents`. */
  readonly quota: QuotaLeft | null
  /** The whole window, oldest first, quiet buckets included. */
  readonly buckets: readonly UsageBucket[]
}

/** The volume of one key, for lists. */
export interface KeyVolume {
  /** Accepted events of the last 24 hours. */
  readonly events24h: number
  /** Refused requests of the last 24 hours. */
  readonly rejected24h: number
  /** Accepted events in each of the last 24 hours, oldest first. */
  readonly hourly24h: readonly number[]
  readonly lastEventAt: Date | null
}

const hourMs = 3_600_000
/** @param counts of one key, in buckets of any length that divides the window's. */
export function toKeyUsage(
  window: UsageWindow,
  counts: Iterable<UsageCount>,
  lastEventAt: number | undefined,
  quota: QuotaLeft | null,
): KeyUsage {
  const buckets = window.starts.map((at) => ({ at: new Date(at), ...emptyTally() }))
  const total = emptyTally()
  const ofSecrets: Record<string, number> = Object.create(null)
  let tried = 0
  for (const count of counts) {
    const bucket = buckets[bucketIndex(window, count.bucketAt) ?? -1]
    if (bucket === undefined) continue
    addCount(bucket, count)
    addCount(total, count)
    if (count.kind === 'trial') tried += count.count
    if (count.kind === 'secret') ofSecrets[count.name] = (ofSecrets[count.name] ?? 0) + count.count
  }
  return {
    from: new Date(window.from),
    to: new Date(window.to),
    bucketMs: window.bucketMs,
    lastEventAt: lastEventAt === undefined ? null : new Date(lastEventAt),
    acceptedTotal: sum(total.accepted),
    refusedTotal: sum(total.refused),
    accepted: total.accepted,
    refused: total.refused,
    wouldRefuse: total.wouldRefuse,
    wouldRefuseTotal: sum(total.wouldRefuse),
    triedTotal: tried,
    ofSecrets,
    quota,
    buckets,
  }
}

/** The volume of each key asked for, quiet ones included. `from`: when the window of 24 hours begins. */
export function toKeyVolumes(
  keyIds: readonly string[],
  from: number,
  counts: Iterable<UsageCount>,
  lastEvents: ReadonlyMap<string, number>,
): ReadonlyMap<string, KeyVolume> {
  const volumes = new Map(
    keyIds.map((keyId) => {
      const at = lastEvents.get(keyId)
      return [
        keyId,
        {
          events24h: 0,
          rejected24h: 0,
          hourly24h: new Array<number>(24).fill(0),
          lastEventAt: at === undefined ? null : new Date(at),
        },
      ]
    }),
  )
  for (const { keyId, kind, bucketAt, count } of counts) {
    const volume = volumes.get(keyId)
    if (volume === undefined) continue
    if (kind === 'refused') {
      volume.rejected24h += count
    } else if (kind === 'accepted') {
      volume.events24h += count
      const hour = Math.floor((bucketAt - from) / hourMs)
      if (hour >= 0 && hour < 24) volume.hourly24h[hour] = (volume.hourly24h[hour] as number) + count
    }
  }
  return volumes
}

interface Tally {
  accepted: Record<string, number>
  refused: Record<string, number>
  wouldRefuse: Record<string, number>
}

/** Without a prototype: an application may call an event type `constructor`. */
function emptyTally(): Tally {
  return { accepted: Object.create(null), refused: Object.create(null), wouldRefuse: Object.create(null) }
}

function addCount(tally: Tally, { kind, name, count }: UsageCount): void {
  if (kind === 'secret') return
  if (kind === 'trial' && name === triedPassed) return
  const counts = kind === 'trial' ? tally.wouldRefuse : tally[kind]
  counts[name] = (counts[name] ?? 0) + count
}

function sum(counts: CountsByName): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
