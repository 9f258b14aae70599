import type { Reason } from '../verifier/reasons.ts'
import type { RequestDecision } from '../verifier/request-decision.ts'
import { cutText } from './cut-text.ts'
import { summarizeEvents } from './event-summary.ts'
import { createFairShares } from './fair-shares.ts'

/** One decision as the event debugger shows it. Holds no secret, and nothing of the payload unless asked to. */
export interface RecentDecision {
  /** Grows by one with every decision of this process. */
  readonly id: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly keyId: string | null
  readonly secretId: string | null
  /** Null = accepted. */
  readonly reason: Reason | null
  /** Number of accepted events. */
  readonly events: number
  readonly rejected: number
  /** Different types and names among the first events, in order of appearance; names are cut at 200 characters. */
  readonly types: readonly string[]
  readonly names: readonly string[]
  readonly origin: string | null
  readonly address: string | null
  /** JSON of the body less `writeKey`, cut at 4 096 characters; only with `keepPayloads`. */
  readonly payload: string | null
}

export interface RecentDecisionsOptions {
  /** Decisions kept, shared fairly by the keys: one that has less than the average loses none to the others. 1 to 100 000. Default 1 000. */
  size?: number
  /** Whether to keep what was sent, for debugging; personal data then stays in memory. Default false. */
  keepPayloads?: boolean
}

/** Which decisions to see. Absent = all. */
export interface DecisionFilter {
  keyId?: string | undefined
  outcome?: 'accepted' | 'refused' | undefined
  reason?: Reason | undefined
  /** Only decisions after this id. */
  after?: number | undefined
}

/** The latest decisions of this process, in bounded memory. */
export interface RecentDecisions {
  record(decision: RequestDecision): void
  /** Oldest first; the latest `limit` of those that fit the filter. */
  list(filter?: DecisionFilter, limit?: number): RecentDecision[]
  /** Told of each new decision, synchronously, and when there will be no more. @returns a function that ends it. */
  subscribe(listener: (decision: RecentDecision) => void, onClose?: () => void): () => void
  /** Tells all who listen that nothing follows. */
  close(): void
}

const maxPayloadLength = 4096
const maxTextLength = 300

/**
 * Recent decisions, a share for each key and one for requests without a known key: a sender who floods one key, or none,
 * pushes out nobody else's. `record` costs a few small strings and never more memory than `size` allows.
 */
export function createRecentDecisions(
  now: () => number,
  { size = 1000, keepPayloads = false }: RecentDecisionsOptions = {},
): RecentDecisions {
  const shares = createFairShares<string | null, number, RecentDecision>(size)
  const listeners = new Map<(decision: RecentDecision) => void, (() => void) | undefined>()
  let lastId = 0

  return {
    record(decision) {
      const { types, names } = summarizeEvents(decision.body, decision.routeType)
      const entry: RecentDecision = {
        id: ++lastId,
        at: now(),
        keyId: decision.keyId,
        secretId: decision.secret?.id ?? null,
        reason: decision.reason,
        events: decision.events,
        rejected: decision.rejected,
        types,
        names,
        origin: decision.origin === undefined ? null : cutText(decision.origin, maxTextLength),
        address: decision.address === undefined ? null : cutText(decision.address, maxTextLength),
        payload: keepPayloads ? toPayload(decision.body) : null,
      }
      shares.set(entry.keyId, entry.id, entry)
      for (const listener of listeners.keys()) listener(entry)
    },

    list(filter = {}, limit = size) {
      const { after = 0 } = filter
      const found = (filter.keyId === undefined ? shares.all() : shares.of(filter.keyId))
        .filter((entry) => entry.id > after && matchesFilter(entry, filter))
        .sort((one, other) => one.id - other.id)
      return limit < found.length ? found.slice(found.length - limit) : found
    },

    subscribe(listener, onClose) {
      listeners.set(listener, onClose)
      return () => listeners.delete(listener)
    },

    close() {
      const told = [...listeners.values()]
      listeners.clear()
      for (const onClose of told) onClose?.()
    },
  }
}

/** Whether the filter lets a decision through. */
export function matchesFilter(decision: RecentDecision, filter: DecisionFilter): boolean {
  if (filter.keyId !== undefined && decision.keyId !== filter.keyId) return false
  if (filter.reason !== undefined && decision.reason !== filter.reason) return false
  if (filter.outcome === 'accepted') return decision.reason === null
  if (filter.outcome === 'refused') return decision.reason !== null
  return true
}

function toPayload(body: unknown): string | null {
  if (body === undefined) return null
  try {
    const text = JSON.stringify(body, (name, value: unknown) => (name === 'writeKey' ? undefined : value))
    return text === undefined ? null : cutText(text, maxPayloadLength)
  } catch {
    return null
  }
}
