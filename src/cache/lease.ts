import type { Clock } from '../runtime/clock.ts'
import { elapsedMs, never } from './moment.ts'
import type { Question } from './standing.ts'

/** No lease is longer, in milliseconds. */
export const maxLeaseMs = 600_000

/**
 * How long this process may trust what it has cached: from the beginning of the last question whose answer it
 * has applied. A change elsewhere returns when every lease that began before it has ended.
 */
export interface Lease {
  /** The smaller of the process's own lease and the one that the store named; 0 before the first answer. */
  leaseMs(): number
  /** Counts from the beginning of a question, whose answer took its time. */
  renew(question: Question, storeLeaseMs: number): void
  /** Both clocks have been read by whoever asks. */
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
      // An answer that is late neither renews the lease nor says how long it is now.
      if (number <= newest) return
      newest = number
      since = began
      leaseMs = Math.min(ownLeaseMs, storeLeaseMs)
    },
    holds: (monotonic, wall) => elapsedMs(since, monotonic, wall) < leaseMs,
    ageMs: () => elapsedMs(since, clock.monotonic(), clock.now()),
  }
}
