import type { Rate } from '../limits/rate-limiter.ts'
import { chunkLimit } from './bucket-script.ts'

/** How many events a process asks of one bucket. Times are milliseconds of a monotonic clock. */
export interface LeasedDemand {
  /** Events of the last second or so; older ones fade. */
  demand: number
  demandAt: number
  /** When this demand began. */
  demandSince: number
}

/** The time over which demand is measured. */
const demandMs = 1_000
/** Two events in quick succession are not a flood. */
const leastAgeMs = 100

/** Large batches ask for themselves: a chunk would hardly hold one. */
export function isLeasable(cost: number, rate: Rate): boolean {
  return cost * 2 <= chunkLimit(rate)
}

export function noteDemand(bucket: LeasedDemand, cost: number, rate: Rate, nowMs: number): void {
  if (!isLeasable(cost, rate)) return
  const elapsedMs = nowMs - bucket.demandAt
  if (elapsedMs > 0) {
    bucket.demand *= Math.exp(-elapsedMs / demandMs)
    bucket.demandAt = nowMs
  }
  if (bucket.demand < 0.5) bucket.demandSince = nowMs
  bucket.demand += cost
}

/** Events expected in the next second. A demand that has just begun is scaled up by its age. */
export function expectedDemand(bucket: LeasedDemand): number {
  if (bucket.demand < 2) return 0
  const ageMs = Math.max(leastAgeMs, bucket.demandAt - bucket.demandSince)
  return Math.floor(bucket.demand / (1 - Math.exp(-ageMs / demandMs)))
}
