import { type OptionNames, readCallOptions } from '../runtime/call-options.ts'
import type { Reason } from '../verifier/reasons.ts'
import type { RequestDecision } from '../verifier/request-decision.ts'
import { createFairShares } from './fair-shares.ts'
import { describeDecision, type RecentDecision } from './recent-decision.ts'

export interface RecentDecisionsOptions {
  /**
   * Most decisions kept. Keys share them fairly, accepted and refused ones apart, so a busy key pushes out no
   * quiet one. 1 to 100 000. Default 1 000.
   */
  size?: number | undefined
  /** Whether to keep the events that were sent, for debugging. Personal data then stays in memory. Default false. */
  keepPayloads?: boolean | undefined
  /** Whether to keep the headers, without those that may hold a secret. Default false. */
  keepHeaders?: boolean | undefined
}

/** Which decisions to see. Absent = all. */
export interface DecisionFilter {
  keyId?: string | undefined
  /** `would_refuse`: accepted, and rules on trial would have refused it. */
  outcome?: 'accepted' | 'refused' | 'would_refuse' | undefined
  reason?: Reason | undefined
  /** One of its event types, or names. */
  type?: string | undefined
  name?: string | undefined
  origin?: string | undefined
  /** The address, or what it begins with up to a dot or colon: `203.0.113.`, `2001:db8:`. */
  address?: string | undefined
  /** The process that decided. */
  process?: string | undefined
  /** Stands somewhere in what is shown, in any case. */
  text?: string | undefined
  /** Only decisions after this id. */
  after?: number | undefined
}

const filterNames: OptionNames<DecisionFilter> = {
  keyId: true,
  outcome: true,
  reason: true,
  type: true,
  name: true,
  origin: true,
  address: true,
  process: true,
  text: true,
  after: true,
}

/** The latest decisions that this process knows of, in bounded memory. */
export interface RecentDecisions {
  record(decision: RequestDecision): RecentDecision
  /** Adds a decision of another process. */
  take(decision: Omit<RecentDecision, 'id'>): void
  /** Tells listeners how many decisions were not kept one by one. */
  skip(count: number): void
  /** Oldest first; the latest `limit` of those that fit the filter. @throws KeyError for a filter that there is not. */
  list(filter?: DecisionFilter, limit?: number): RecentDecision[]
  /**
   * Called for each new decision, synchronously, and when there will be no more; `onSkipped` with how many
   * are left out, when there are too many to pass on. @returns a function that ends it.
   */
  subscribe(
    listener: (decision: RecentDecision) => void,
    onClose?: () => void,
    onSkipped?: (count: number) => void,
  ): () => void
  /** The id of the latest decision; 0 = there was none. */
  latestId(): number
  /** Whether anybody listens. */
  isHeard(): boolean
  /** Tells all who listen that nothing follows. */
  close(): void
}

/** So that ids stay whole numbers that are exact. */
const latestStart = 9e12

/** The name and id of the deciding process. */
export interface ProcessNames {
  readonly id: string
  readonly name: string
}

/**
 * Recent decisions: one share for what a key was accepted, one for what it was refused, and one for requests
 * without a known key. A sender who floods one key, or none, pushes out nobody else's. `record` costs a few
 * small strings and never more memory than `size` allows.
 */
export function createRecentDecisions(
  now: () => number,
  { size = 1000, keepPayloads = false, keepHeaders = false }: RecentDecisionsOptions = {},
  process: ProcessNames = { id: 'this', name: 'this' },
): RecentDecisions {
  const shares = createFairShares<string | null, number, RecentDecision>(size)
  const listeners = new Map<
    (decision: RecentDecision) => void,
    { onClose: (() => void) | undefined; onSkipped: ((count: number) => void) | undefined }
  >()
  let lastId = 0

  /**
   * Told by the clock, a thousand numbers a millisecond. Whoever asks for what came after a decision of an earlier run, or of another
   * process, must not miss the first ones of this. And who sees only some of the decisions must not count the others by their numbers.
   */
  function nextId(): number {
    const byClock = Math.min(latestStart, Math.max(0, Math.floor(now()))) * 1_000 + 1
    lastId = Math.max(lastId + 1, byClock)
    return lastId
  }

  function keep(entry: RecentDecision): RecentDecision {
    const { keyId, reason } = entry
    shares.set(keyId === null || reason === null ? keyId : refusedOf(keyId), entry.id, entry)
    for (const listener of listeners.keys()) listener(entry)
    return entry
  }

  return {
    record(decision) {
      const described = describeDecision(decision, now(), { keepPayloads, keepHeaders })
      const id = nextId()
      return keep({ id, ref: `${process.id}-${id}`, process: process.name, ...described })
    },

    take(decision) {
      keep({ ...decision, id: nextId() })
    },

    skip(count) {
      for (const { onSkipped } of listeners.values()) onSkipped?.(count)
    },

    list(given = {}, limit = size) {
      const filter = readCallOptions('decisions.list', given, filterNames)
      const { after = 0, keyId } = filter
      const ofKey = keyId === undefined ? shares.all() : [...shares.of(keyId), ...shares.of(refusedOf(keyId))]
      const found = ofKey
        .filter((entry) => entry.id > after && matchesFilter(entry, filter))
        .sort((one, other) => one.id - other.id)
      return limit < found.length ? found.slice(found.length - limit) : found
    },

    subscribe(listener, onClose, onSkipped) {
      listeners.set(listener, { onClose, onSkipped })
      return () => listeners.delete(listener)
    },

    latestId: () => lastId,

    isHeard: () => listeners.size > 0,

    close() {
      const told = [...listeners.values()]
      listeners.clear()
      for (const { onClose } of told) onClose?.()
    },
  }
}

/** No key has this id. */
function refusedOf(keyId: string): string {
  return `refused ${keyId}`
}

/** Whether the filter lets a decision through. */
export function matchesFilter(decision: RecentDecision, filter: DecisionFilter): boolean {
  const { outcome, type, name, text } = filter
  if (filter.keyId !== undefined && decision.keyId !== filter.keyId) return false
  if (filter.reason !== undefined && decision.reason !== filter.reason) return false
  if (outcome === 'would_refuse' && decision.wouldRefuse === null) return false
  if (outcome !== undefined && (decision.reason === null) === (outcome === 'refused')) return false
  if (type !== undefined && !decision.types.includes(type)) return false
  if (name !== undefined && !decision.names.includes(name)) return false
  if (filter.origin !== undefined && decision.origin !== filter.origin) return false
  if (filter.process !== undefined && decision.process !== filter.process) return false
  if (filter.address !== undefined && !isWithin(decision.address, filter.address)) return false
  return text === undefined || text === '' || hasText(decision, text.toLowerCase())
}

function isWithin(address: string | null, wanted: string): boolean {
  if (address === null) return false
  return /[.:]$/.test(wanted) ? address.startsWith(wanted) : address === wanted
}

function hasText(decision: RecentDecision, text: string): boolean {
  const { reason, method, path, types, names, origin, address, sdk, payload, process, keyId } = decision
  const shown = [keyId, reason, method, path, ...types, ...names, origin, address, sdk, process, payload]
  return shown.some((part) => part?.toLowerCase().includes(text))
}
