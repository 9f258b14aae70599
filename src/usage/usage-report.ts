import { invalidField } from '../runtime/errors.ts'
import { type UsageCount, usageBucketMs } from '../stores/usage-store.ts'

/** Counts by name: an event type (`other` for events of no known type), or a reason. Names with nothing to count are missing. */
export type CountsByName = Readonly<Record<string, number>>

/** One step of a usage series. */
export interface UsageBucket {
  /** When it begins; it lasts `bucketMs`. */
  readonly at: Date
  /** Accepted events by type. */
  readonly accepted: CountsByName
  /** Refusals by reason: requests, or with `onForbiddenEvent: 'drop'` the events left out. */
  readonly refused: CountsByName
}

/** What one key accepted and refused in a window that ends now. */
export interface KeyUsage {
  readonly from: Date
  readonly to: Date
  /** Length of the buckets, in milliseconds: 5 minutes up to 6 hours, 1 hour up to 7 days, 1 day beyond. */
  readonly bucketMs: number
  /** Time of the latest accepted event, however long ago; null = none. */
  readonly lastEventAt: Date | null
  /** Accepted events, all types together. */
  readonly acceptedTotal: number
  readonly refusedTotal: number
  readonly accepted: CountsByName
  readonly refused: CountsByName
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

/** Buckets that a report is made of; `from` and `to` are milliseconds since the epoch. */
export interface UsageWindow {
  readonly from: number
  readonly to: number
  readonly bucketMs: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Longest window, and how long counts are kept unless an option says less. */
export const maxUsageWindowMs = 30 * dayMs

/**
 * A window such as `24h` or `7d` that ends with the bucket of five minutes which is open at `now`.
 * @throws KeyError `invalid_field` for anything but 1 to 720 hours or 1 to 30 days.
 */
export function parseUsageWindow(window: unknown, now: number): UsageWindow {
  const match = typeof window === 'string' ? /^([1-9]\d{0,2})([hd])$/.exec(window) : null
  const lengthMs = match === null ? 0 : Number(match[1]) * (match[2] === 'h' ? hourMs : dayMs)
  if (lengthMs === 0 || lengthMs > maxUsageWindowMs) {
    throw invalidField('window', 'must be 1h to 720h or 1d to 30d')
  }
  const to = now - (now % usageBucketMs) + usageBucketMs
  const bucketMs = lengthMs <= 6 * hourMs ? usageBucketMs : lengthMs <= 7 * dayMs ? hourMs : dayMs
  return { from: to - Math.ceil(lengthMs / bucketMs) * bucketMs, to, bucketMs }
}

/** @param counts of one key, in buckets of any length that divides the window's. */
export function toKeyUsage(
  window: UsageWindow,
  counts: Iterable<UsageCount>,
  lastEventAt: number | undefined,
): KeyUsage {
  const buckets = Array.from({ length: (window.to - window.from) / window.bucketMs }, (_, index) => ({
    at: new Date(window.from + index * window.bucketMs),
    ...emptyTally(),
  }))
  const total = emptyTally()
  for (const count of counts) {
    const bucket = buckets[Math.floor((count.bucketAt - window.from) / window.bucketMs)]
    if (bucket === undefined) continue
    addCount(bucket, count)
    addCount(total, count)
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
    } else {
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
}

/** Without a prototype: an event type of the application's may be called `constructor`. */
function emptyTally(): Tally {
  return { accepted: Object.create(null), refused: Object.create(null) }
}

function addCount(tally: Tally, { kind, name, count }: UsageCount): void {
  const counts = tally[kind]
  counts[name] = (counts[name] ?? 0) + count
}

function sum(counts: CountsByName): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
