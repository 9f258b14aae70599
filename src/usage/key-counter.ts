import type { UsageCount } from '../stores/usage-store.ts'
import type { IngestEvent } from '../verifier/events.ts'
import { type Reason, reasons } from '../verifier/reasons.ts'
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

/** Counts by the names of one process's event types, and by reason. */
export interface Tally {
  createCounter(): KeyCounter
  addAccepted(counter: KeyCounter, routeType: string | null, events: readonly IngestEvent[]): void
  addRefused(counter: KeyCounter, reason: Reason): void
  /** @param wouldRefuse undefined when the rules on trial would have let the events through. */
  addTried(counter: KeyCounter, wouldRefuse: Reason | undefined, events: number): void
  /** The numbers of a counter that are not zero. */
  toUsageCounts(keyId: string, bucketAt: number, counter: KeyCounter): Generator<UsageCount>
}

/** Counts events without a known type. */
const otherEventType = 'other'

/** @param eventTypes are counted by name; all others, and events without a type, as `other`. */
export function createTally(eventTypes: Iterable<string>): Tally {
  const typeNames = [...eventTypes, otherEventType]
  const typeIndex = new Map(typeNames.map((name, index) => [name, index]))
  const otherIndex = typeNames.length - 1
  const reasonIndex = new Map<Reason, number>(reasons.map((reason, index) => [reason, index]))

  return {
    createCounter: () => ({
      accepted: new Array<number>(typeNames.length).fill(0),
      refused: undefined,
      tried: undefined,
      ofSecrets: undefined,
      lastEventAt: 0,
      ...noUses,
    }),
    addAccepted({ accepted }, routeType, events) {
      if (routeType !== null) {
        const index = typeIndex.get(routeType) ?? otherIndex
        accepted[index] = (accepted[index] as number) + events.length
        return
      }
      for (const event of events) {
        const type = Object.hasOwn(event, 'type') ? event.type : undefined
        const index = typeIndex.get(type as string) ?? otherIndex
        accepted[index] = (accepted[index] as number) + 1
      }
    },
    addRefused(counter, reason) {
      counter.refused ??= new Array<number>(reasons.length).fill(0)
      const index = reasonIndex.get(reason) as number
      counter.refused[index] = (counter.refused[index] as number) + 1
    },
    addTried(counter, wouldRefuse, events) {
      counter.tried ??= new Array<number>(reasons.length + 1).fill(0)
      const index = wouldRefuse === undefined ? reasons.length : (reasonIndex.get(wouldRefuse) as number)
      counter.tried[index] = (counter.tried[index] as number) + events
    },
    *toUsageCounts(keyId, bucketAt, { accepted, refused = [], tried = [], ofSecrets = [] }) {
      for (const [index, count] of accepted.entries()) {
        if (count > 0) yield { keyId, bucketAt, kind: 'accepted', name: typeNames[index] as string, count }
      }
      for (const [index, count] of refused.entries()) {
        if (count > 0) yield { keyId, bucketAt, kind: 'refused', name: reasons[index] as string, count }
      }
      for (const [index, count] of tried.entries()) {
        if (count > 0) yield { keyId, bucketAt, kind: 'trial', name: reasons[index] ?? triedPassed, count }
      }
      for (const [name, count] of ofSecrets) yield { keyId, bucketAt, kind: 'secret', name, count }
    },
  }
}

/** Accepted events of one secret. */
export function addOfSecret(counter: KeyCounter, secretId: string, events: number): void {
  counter.ofSecrets ??= new Map()
  counter.ofSecrets.set(secretId, (counter.ofSecrets.get(secretId) ?? 0) + events)
}

/** Accepted events and refusals of these counters. */
export function totalOf(counters: Iterable<KeyCounter>): number {
  let sum = 0
  for (const { accepted, refused } of counters) {
    for (const count of accepted) sum += count
    for (const count of refused ?? []) sum += count
  }
  return sum
}
