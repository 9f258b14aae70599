import type { IngestEvent, RejectedEvent } from './events.ts'
import type { Reason } from './reasons.ts'

/**
 * Counts what verification decides, per key. Called on the request path: implementations add to plain
 * numbers, keep no reference to their arguments, and never throw. `at` is milliseconds since the epoch.
 */
export interface UsageCounter {
  /** @param routeType the type of every event when the route says it; null when each event says its own. */
  accepted(
    keyId: string,
    secretId: string,
    routeType: string | null,
    events: readonly IngestEvent[],
    rejected: readonly RejectedEvent[],
    at: number,
  ): void
  /** Accepted events of one secret of a key that has several: who still uses the earlier one? */
  ofSecret(keyId: string, secretId: string, events: number, at: number): void
  /**
   * Events that a key with rules on trial has accepted.
   * @param wouldRefuse what those rules would have said; undefined = they would have let them through
   */
  tried(keyId: string, wouldRefuse: Reason | undefined, events: number, at: number): void
  /** A refused request of a known key. */
  refused(keyId: string, reason: Reason, at: number): void
}
