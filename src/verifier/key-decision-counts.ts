import type { Reason } from './reasons.ts'

/** Decisions about one key since its counting began. Numbers only grow. */
export interface KeyDecisionCounts {
  acceptedRequests: number
  acceptedEvents: number
  droppedEvents: number
  /** Reasons that have not been met are not in it. */
  readonly refusedFor: Map<Reason, number>
}

/** Counts of further keys are those of one more, so that metrics cannot grow for ever. */
const mostKeys = 1_000

/** The name under which keys beyond that number are counted together. */
const otherKeys = 'other'

/** Decisions by the id of the key. Those about a sender whose key nobody has count under `''`, beside all keys. */
export class DecisionsByKey {
  readonly #counts = new Map<string, KeyDecisionCounts>()

  of(keyId = ''): KeyDecisionCounts {
    return this.#counts.get(keyId) ?? this.#add(keyId === '' || this.#keys < mostKeys ? keyId : otherKeys)
  }

  entries(): Iterable<[keyId: string, counts: KeyDecisionCounts]> {
    return this.#counts
  }

  get #keys(): number {
    return this.#counts.size - (this.#counts.has('') ? 1 : 0)
  }

  #add(keyId: string): KeyDecisionCounts {
    const counts = this.#counts.get(keyId) ?? {
      acceptedRequests: 0,
      acceptedEvents: 0,
      droppedEvents: 0,
      refusedFor: new Map<Reason, number>(),
    }
    this.#counts.set(keyId, counts)
    return counts
  }
}
