import type { Clock } from '../runtime/clock.ts'
import { elapsedMs, never } from './moment.ts'
import type { Question } from './standing.ts'

/** The longest lease, in milliseconds. */
export const maxLeaseMs = 600_000

/**
 * How long this process may trust its cache: counted from the beginning of the last question whose answer it
 * has applied. A change elsewhere returns when every lease that began before it has ended.
 */
export interface Lease {
  /** The smaller of the process's own lease and the store's; 0 before the first answer. */
  leaseMs(): number
  /** Counts from the beginning of a question, because its answer took time. */
  renew(question: Question, storeLeaseMs: number): void
  /** The caller has read both clocks. */
  holds(monotonic: number, wall: number): boolean
  ageMs(): number
}

export function createLease(clock: Clock, ownLeaseMs: number): Lease {
  let since = never
  let newest = 0
  let leaseMs = 0

  return {
    leaseMs: () => leaseMs,
    renew({ number, began }, storeLeaseMs) {
      // An answer that is late neither renews the lease nor changes its length.
      if (number <= newest) return
      newest = number
      since = began
      leaseMs = Math.min(ownLeaseMs, storeLeaseMs)
    },
    holds: (monotonic, wall) => elapsedMs(since, monotonic, wall) < leaseMs,
    ageMs: () => elapsedMs(since, clock.monotonic(), clock.now()),
  }
}
