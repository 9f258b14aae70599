import type { UsageCount } from '../stores/usage-store.ts'
import { type LastUses, noUses } from './last-used.ts'

/** Counts what rules on trial would have let through, in the place of a reason. */
export const triedPassed = 'passed'

/** What one key did in one bucket, in plain numbers: counting allocates nothing. */
export interface KeyCounter extends LastUses {
  /** By index of the event type. */
  readonly accepted: number[]
  /** By index of the reason; made when the first request is refused. */
  refused: number[] | undefined
  /**
   * By index of the reason, and last what passed; made when rules on trial have judged the first event.
   */
  tried: number[] | undefined
  /** Accepted events by id of the secret; made when the first event arrives during a grace. */
  ofSecrets: Map<string, number> | undefined
  lastEventAt: number
}

export function createKeyCounter(eventTypes: number): KeyCounter {
  return {
    accepted: new Array<number>(eventTypes).fill(0),
    refused: undefined,
    tried: undefined,
    ofSecrets: undefined,
    lastEventAt: 0,
    ...noUses,
  }
}

/** Accepted events and refusals. */
export function totalOf({ accepted, refused = [] }: KeyCounter): number {
  return [...accepted, ...refused].reduce((sum, count) => sum + count, 0)
}

/** The numbers of one counter that are not zero. */
export function* toUsageCounts(
  keyId: string,
  bucketAt: number,
  counter: KeyCounter,
  eventTypes: readonly string[],
  reasons: readonly string[],
): Generator<UsageCount> {
  for (const [index, count] of counter.accepted.entries()) {
    if (count > 0) yield { keyId, bucketAt, kind: 'accepted', name: eventTypes[index] as string, count }
  }
  for (const [index, count] of (counter.refused ?? []).entries()) {
    if (count > 0) yield { keyId, bucketAt, kind: 'refused', name: reasons[index] as string, count }
  }
  for (const [index, count] of (counter.tried ?? []).entries()) {
    if (count > 0) yield { keyId, bucketAt, kind: 'trial', name: reasons[index] ?? triedPassed, count }
  }
  for (const [name, count] of counter.ofSecrets ?? []) yield { keyId, bucketAt, kind: 'secret', name, count }
}
