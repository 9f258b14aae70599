import { DecisionsByKey } from './key-decision-counts.ts'
import type { Reason } from './reasons.ts'

/** Decisions since measuring began. Numbers only grow. */
interface DecisionCounts {
  readonly acceptedRequests: number
  readonly acceptedEvents: number
  /** Events left out under `onForbiddenEvent: 'drop'`. */
  readonly droppedEvents: number
  /** Bytes of bodies that were read, once inflated. */
  readonly bodyBytes: number
  refusedFor(reason: Reason): number
}

/** Called with the duration of one verification in every `timedEvery`. */
export type DurationListener = (seconds: number, isAccepted: boolean) => void

export interface DecisionMeter {
  readonly counts: DecisionCounts
  /** Counts by key too, from the first call on. */
  byKey(): DecisionsByKey
  accepted(keyId: string, events: number, dropped: number, bytes: number | undefined): void
  /** @param keyId undefined where nobody has such a key */
  refused(keyId: string | undefined, reason: Reason, bytes: number | undefined): void
  /** When the verification began, or 0 when it is not timed. */
  begin(): number
  ended(startedAt: number, isAccepted: boolean): void
  onDuration(listener: DurationListener): () => void
}

/** Where decisions are counted. Without a meter nothing is counted. */
export interface DecisionMeasure {
  meter?: DecisionMeter | undefined
}

/**
 * Reading a clock twice and adding to a histogram takes as long as some checks do. One request in sixteen
 * gives the same picture.
 */
const timedEvery = 16

export function createDecisionMeter(): DecisionMeter {
  const refusals = new Map<Reason, number>()
  const listeners = new Set<DurationListener>()
  const counts = {
    acceptedRequests: 0,
    acceptedEvents: 0,
    droppedEvents: 0,
    bodyBytes: 0,
    refusedFor: (reason: Reason) => refusals.get(reason) ?? 0,
  }
  let untilTimed = 0
  let decisionsByKey: DecisionsByKey | undefined

  return {
    counts,
    byKey() {
      decisionsByKey ??= new DecisionsByKey()
      return decisionsByKey
    },
    accepted(keyId, events, dropped, bytes = 0) {
      counts.acceptedRequests++
      counts.acceptedEvents += events
      counts.droppedEvents += dropped
      counts.bodyBytes += bytes
      if (decisionsByKey === undefined) return
      const ofKey = decisionsByKey.of(keyId)
      ofKey.acceptedRequests++
      ofKey.acceptedEvents += events
      ofKey.droppedEvents += dropped
    },
    refused(keyId, reason, bytes = 0) {
      countIn(refusals, reason)
      counts.bodyBytes += bytes
      if (decisionsByKey !== undefined) countIn(decisionsByKey.of(keyId).refusedFor, reason)
    },
    begin() {
      if (untilTimed-- > 0) return 0
      untilTimed = timedEvery - 1
      return performance.now()
    },
    ended(startedAt, isAccepted) {
      const seconds = (performance.now() - startedAt) / 1_000
      for (const listener of listeners) listener(seconds, isAccepted)
    },
    onDuration(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function countIn(refusals: Map<Reason, number>, reason: Reason): void {
  refusals.set(reason, (refusals.get(reason) ?? 0) + 1)
}
