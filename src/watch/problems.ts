import { createSecretMask } from '../keys/secret-mask.ts'
import type { Sighting, StoredSighting } from '../stores/fleet-store.ts'
import { addressSource } from '../verifier/address-source.ts'
import type { Reason } from '../verifier/reasons.ts'
import type { RequestDecision } from '../verifier/request-decision.ts'
import { cutText } from './cut-text.ts'
import { summarizeEvents } from './event-summary.ts'
import { parseAbout, toAbout, toSightingId } from './sightings.ts'

/** Refusals of one reason, key, origin and sender, over all processes that share the store. */
export interface Problem {
  readonly id: string
  readonly reason: Reason
  /** `null`: the key is not known. */
  readonly keyId: string | null
  readonly origin: string | null
  /** The latest one of this sender: an IPv4 address, or one of an IPv6 /64. */
  readonly address: string | null
  /** Event names and types that were refused lately, a few. */
  readonly names: readonly string[]
  readonly types: readonly string[]
  /** Whether these are the many of a flood that are counted together, without an origin and sender. */
  readonly isRest: boolean
  /** Refused requests. */
  readonly count: number
  /** Milliseconds since the epoch. */
  readonly firstAt: number
  readonly lastAt: number
  /** Of the hour of the clock in which it was last seen, and of the hour before that one. */
  readonly lastHour: number
  readonly hourBefore: number
}

/** Counts refusals that are alike, until they are reported. */
export interface ProblemCounter {
  /** Takes note of a refusal. */
  note(decision: RequestDecision, at: number): void
  /** What has been counted since the last call. */
  take(): Sighting[]
}

interface Count {
  readonly reason: Reason
  readonly keyId: string | null
  readonly origin: string | undefined
  readonly address: string | undefined
  readonly isRest: boolean
  readonly names: Set<string>
  readonly types: Set<string>
  count: number
  firstAt: number
  lastAt: number
}

/**
 * Counted at the same time; of one reason and key; reported at once. Beyond that, they are counted together.
 */
const maxCounts = 2_000
const maxOfGroup = 100
const toldOfGroup = 16
const toldAtOnce = 200
const maxTexts = 5
const maxTextLength = 300

export function createProblemCounter(): ProblemCounter {
  let counts = new Map<string, Count>()
  let groups = new Map<string, number>()

  function countOf(decision: RequestDecision, reason: Reason, at: number): Count {
    const { keyId, origin, address } = decision
    const group = `${reason} ${keyId}`
    const place = `${group} ${address} ${origin}`
    const known = counts.get(place)
    if (known !== undefined) return known
    const ofGroup = groups.get(group) ?? 0
    if (counts.size < maxCounts && ofGroup < maxOfGroup && place.length < 1_000) {
      groups.set(group, ofGroup + 1)
      return begin(place, { reason, keyId, origin, address, isRest: false, at })
    }
    return counts.get(group) ?? begin(group, { ...rest, reason, keyId, at })
  }

  function begin(
    place: string,
    { at, ...what }: Omit<Count, 'names' | 'types' | 'count' | 'firstAt' | 'lastAt'> & { at: number },
  ): Count {
    const count = { ...what, names: new Set<string>(), types: new Set<string>() }
    const begun = { ...count, count: 0, firstAt: at, lastAt: at }
    counts.set(place, begun)
    return begun
  }

  return {
    note(decision, at) {
      const { reason } = decision
      if (reason === null) return
      const count = countOf(decision, reason, at)
      count.count++
      count.lastAt = at
      // The first few refusals show what most are about.
      if (decision.body === undefined || count.count > 50) return
      const { names, types } = summarizeEvents(
        decision.body,
        decision.routeType,
        decision.batchFields,
        createSecretMask(decision.presented),
      )
      for (const name of names) if (count.names.size < maxTexts) count.names.add(name)
      for (const type of types) if (count.types.size < maxTexts) count.types.add(type)
    },

    take() {
      if (counts.size === 0) return []
      const taken = [...counts.values()]
      counts = new Map()
      groups = new Map()
      return bound(taken).map(toSighting)
    },
  }
}

const rest = { origin: undefined, address: undefined, isRest: true }

/**
 * Each reason and key gets its first place before any gets a second. What finds no place is counted together.
 */
function bound(counts: Count[]): Count[] {
  if (counts.length <= toldOfGroup) return counts
  const places = new Map<string, number>()
  const placed = counts
    .sort((one, other) => other.count - one.count)
    .map((count) => {
      const group = `${count.reason} ${count.keyId}`
      const place = count.isRest ? 0 : (places.get(group) ?? 0) + 1
      places.set(group, place)
      return { count, group, place }
    })
    .sort((one, other) => one.place - other.place)
  const told = placed.filter(({ place }, index) => place <= toldOfGroup && index < toldAtOnce)
  const rests = new Map(told.filter(({ count }) => count.isRest).map(({ group, count }) => [group, count]))
  const merged = told.map(({ count }) => count)
  for (const { count, group, place } of placed.filter((one) => !told.includes(one))) {
    const known = rests.get(group)
    if (known !== undefined) {
      known.count += count.count
      known.firstAt = Math.min(known.firstAt, count.firstAt)
      known.lastAt = Math.max(known.lastAt, count.lastAt)
    } else if (place >= 0 && rests.size < toldAtOnce) {
      const one = { ...count, ...rest, names: new Set<string>(), types: new Set<string>() }
      rests.set(group, one)
      merged.push(one)
    }
  }
  return merged
}

function toSighting(count: Count): Sighting {
  const { reason, keyId, origin, address, isRest, names, types } = count
  const sender = isRest || address === undefined ? null : addressSource(address)
  return {
    id: toSightingId(['problem', reason, keyId, origin ?? null, sender, isRest]),
    kind: 'problem',
    name: reason,
    keyId,
    sender: sender === null ? null : toSightingId(['sender', sender]),
    about: toAbout({
      ...(origin !== undefined && { origin: cutText(origin, maxTextLength) }),
      ...(address !== undefined && { address: cutText(address, maxTextLength) }),
      ...(names.size > 0 && { names: [...names].map((name) => cutText(name, 100)) }),
      ...(types.size > 0 && { types: [...types].map((type) => cutText(type, 64)) }),
      ...(isRest && { isRest }),
    }),
    count: count.count,
    firstAt: count.firstAt,
    lastAt: count.lastAt,
  }
}

/** A problem as the store keeps it. */
export function toProblem(sighting: StoredSighting): Problem {
  const { id, name, keyId, count, firstAt, lastAt, lastHour, hourBefore } = sighting
  const about = parseAbout(sighting.about)
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  const texts = (value: unknown) =>
    Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  return {
    id,
    reason: name as Reason,
    keyId,
    origin: text(about.origin),
    address: text(about.address),
    names: texts(about.names),
    types: texts(about.types),
    isRest: about.isRest === true,
    count,
    firstAt,
    lastAt,
    lastHour,
    hourBefore,
  }
}
