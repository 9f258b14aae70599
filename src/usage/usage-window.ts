import { invalidField } from '../runtime/errors.ts'
import { toBucketStart, usageBucketMs } from '../stores/usage-store.ts'
import { createCalendar } from './calendar.ts'

/** The buckets of a report, in milliseconds since the epoch. */
export interface UsageWindow {
  readonly from: number
  readonly to: number
  /** Length of a bucket. A day may have 23 or 25 hours instead. */
  readonly bucketMs: number
  /** When each bucket begins, oldest first. */
  readonly starts: readonly number[]
  /** Store buckets that make up one of these, see `UsageQuery.bucketMs`. */
  readonly storedMs: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Clocks are put forward and back by multiples of this. */
const halfHourMs = hourMs / 2
/** Longest window, and how long counts are kept unless an option sets less. */
const maxUsageWindowMs = 30 * dayMs

/**
 * A window such as `24h` or `7d` that ends with the bucket that is open at `now`: five minutes up to 6 hours,
 * a full hour of the zone's clock up to 7 days, a calendar day of the zone beyond.
 * @throws KeyError `invalid_field` unless it is 1 to 720 hours or 1 to 30 days, and for an unknown time zone.
 */
export function parseUsageWindow(window: unknown, now: number, zone: unknown = 'UTC'): UsageWindow {
  const match = typeof window === 'string' ? /^([1-9]\d{0,2})([hd])$/.exec(window) : null
  const lengthMs = match === null ? 0 : Number(match[1]) * (match[2] === 'h' ? hourMs : dayMs)
  if (lengthMs === 0 || lengthMs > maxUsageWindowMs) {
    throw invalidField('window', 'must be 1h to 720h or 1d to 30d')
  }
  const calendar = createCalendar(zone)
  if (lengthMs > 7 * dayMs) {
    const days = Math.ceil(lengthMs / dayMs)
    const starts = Array.from({ length: days }, (_, index) => calendar.dayOf(now, index - days + 1))
    const to = calendar.dayOf(now, 1)
    return { from: starts[0] as number, to, bucketMs: dayMs, starts, storedMs: halfHourMs }
  }
  const bucketMs = lengthMs <= 6 * hourMs ? usageBucketMs : hourMs
  const to = (bucketMs === hourMs ? calendar.hourOf(now) : toBucketStart(now)) + bucketMs
  const from = to - Math.ceil(lengthMs / bucketMs) * bucketMs
  const starts = Array.from({ length: (to - from) / bucketMs }, (_, index) => from + index * bucketMs)
  return { from, to, bucketMs, starts, storedMs: bucketMs }
}

/** The 24 hours that end with the bucket of five minutes which is open at `now`. */
export function lastDay(now: number): { from: number; to: number } {
  const to = toBucketStart(now) + usageBucketMs
  return { from: to - dayMs, to }
}

/** The bucket that a moment belongs to; undefined outside the window. */
export function bucketIndex({ from, to, starts }: UsageWindow, at: number): number | undefined {
  if (at < from || at >= to) return undefined
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] as number) <= at) low = middle
    else high = middle - 1
  }
  return low
}
