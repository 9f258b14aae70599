import { UnusableBodyError } from '../http/handed-in-body.ts'
import { describeKind, isPlainObject } from '../http/plain-object.ts'
import type { EventRule, NamedBy } from '../rules/event-rule.ts'

/** One event as sent, less `writeKey`. Its own properties are what the sender wrote; nothing else is checked. */
export type IngestEvent = Record<string, unknown>

/**
 * An event that was left out: its position in the request, its type where that can be told, and why. `invalid_event`: it is
 * no event, or its type is no string.
 */
export interface RejectedEvent {
  readonly index: number
  readonly type: string | null
  readonly code: 'event_type_not_allowed' | 'event_name_not_allowed' | 'invalid_event'
}

export interface CheckedEvents {
  readonly ok: true
  readonly events: IngestEvent[]
  readonly rejected: readonly RejectedEvent[]
  /** The body as handlers get it: less `writeKey`, and holding exactly the accepted events. */
  readonly body: unknown
}

export interface RefusedEvents {
  readonly ok: false
  readonly reason:
    | 'invalid_event'
    | 'too_many_events'
    | 'event_type_mismatch'
    | 'event_type_not_allowed'
    | 'event_name_not_allowed'
  /** At most 10, for the problem body. */
  readonly rejected?: readonly { index: number; type: string | null }[]
}

export interface EventCheck {
  /** The type that the route or path says; null when each event says its own. */
  routeType: string | null
  rule: EventRule | null
  onForbiddenEvent: 'reject' | 'drop'
  maxEvents: number
}

const maxReported = 10
/** What is echoed of a type: no secret has this shape, no text of an attacker's fits. */
const echoedType = /^[A-Za-z0-9_.:-]{1,32}$/
const noneRejected: readonly RejectedEvent[] = Object.freeze([])

/**
 * Finds the events in a parsed body (one event, `{ batch }`, or a bare array) and checks each against the route's
 * type and the key's rules. Reads own properties only, so a polluted prototype grants nothing.
 *
 * @throws UnusableBodyError for an event that JSON cannot hold, such as a `Map`: whoever handed in the body made it.
 */
export function checkEvents(body: unknown, check: EventCheck): CheckedEvents | RefusedEvents {
  const found = findEvents(body)
  if (found === undefined) return { ok: false, reason: 'invalid_event' }
  if (found.length > check.maxEvents) return { ok: false, reason: 'too_many_events' }

  const { routeType, rule } = check
  const drops = check.onForbiddenEvent === 'drop' && found[0] !== body
  let rejected: RejectedEvent[] | undefined
  /** Made once it differs from what was found: most requests are accepted as they are. */
  let events: IngestEvent[] | undefined
  /** Most events have the type of the one before: asking once saves 12 ns of the others. */
  let lastType: string | null | undefined
  let namedBy: NamedBy | undefined
  for (let index = 0; index < found.length; index++) {
    const event = found[index]
    const said = isEvent(event) ? ownType(event, routeType) : null
    let type: string | null = null
    let code: RejectedEvent['code'] | undefined
    if (said === undefined || typeof said === 'string') {
      if (said !== undefined && routeType !== null) return { ok: false, reason: 'event_type_mismatch' }
      type = said ?? routeType
      if (type !== lastType) {
        namedBy = rule?.namesOf(type)
        lastType = type
      }
      if (rule !== null) code = refusalOf(rule, namedBy, event as IngestEvent)
    } else if (drops) code = 'invalid_event'
    else return { ok: false, reason: 'invalid_event' }

    if (code !== undefined) {
      events ??= found.slice(0, index) as IngestEvent[]
      rejected ??= []
      rejected.push({ index, type: type !== null && echoedType.test(type) ? type : null, code })
    } else if (
      (event as IngestEvent).writeKey !== undefined &&
      Object.hasOwn(event as IngestEvent, 'writeKey')
    ) {
      events ??= found.slice(0, index) as IngestEvent[]
      events.push(withoutWriteKey(event as IngestEvent))
    } else {
      events?.push(event as IngestEvent)
    }
  }
  if (rejected !== undefined && (!drops || events?.length === 0)) return refuseAll(rejected)
  if (events === undefined) {
    // A single event that has no key in it: the list is ours, and to copy it would take a fifth of this check.
    if (found[0] === body) return { ok: true, events: found as IngestEvent[], rejected: noneRejected, body }
    const accepted = found.slice() as IngestEvent[]
    return { ok: true, events: accepted, rejected: noneRejected, body: withoutRootWriteKey(body) }
  }
  return { ok: true, events, rejected: rejected ?? noneRejected, body: rebuildBody(body, events) }
}

/** What requests without a body carry. A new array each time: handlers own what they get. */
export function noEvents(): CheckedEvents {
  return { ok: true, events: [], rejected: noneRejected, body: undefined }
}

/** Events that are none tell less than a rule does; where nothing else was left out, their type is what cannot be allowed. */
function refuseAll(rejected: readonly RejectedEvent[]): RefusedEvents {
  const forbidden = rejected.find(({ code }) => code !== 'invalid_event')
  return {
    ok: false,
    reason: forbidden?.code ?? 'event_type_not_allowed',
    rejected: rejected.slice(0, maxReported).map(({ index, type }) => ({ index, type })),
  }
}

/**
 * What two checks, one behind the other, have left out.
 * @param later counts the events that the earlier check has let through
 */
export function joinRejected(
  earlier: readonly RejectedEvent[],
  later: readonly RejectedEvent[],
): readonly RejectedEvent[] {
  if (earlier.length === 0) return later
  if (later.length === 0) return earlier
  const joined = [...earlier]
  let gone = 0
  for (const one of later) {
    // Earlier ones are in order: each that stood before this one moves it on by one place.
    while (gone < earlier.length && (earlier[gone] as RejectedEvent).index <= one.index + gone) gone++
    joined.push({ ...one, index: one.index + gone })
  }
  return joined.sort((a, b) => a.index - b.index)
}

function refusalOf(
  rule: EventRule,
  namedBy: NamedBy | undefined,
  event: IngestEvent,
): RejectedEvent['code'] | undefined {
  if (namedBy === undefined) return 'event_type_not_allowed'
  return rule.allowsName(event, namedBy) ? undefined : 'event_name_not_allowed'
}

/** The events of a body; undefined when it has none, or could be read in two ways. */
function findEvents(body: unknown): unknown[] | undefined {
  if (Array.isArray(body)) return body.length > 0 ? body : undefined
  if (!isPlainObject(body)) return undefined
  if (!Object.hasOwn(body, 'batch')) return [body]
  if (Object.hasOwn(body, '__proto__') || isEventBesideBatch(body)) return undefined
  return Array.isArray(body.batch) && body.batch.length > 0 ? body.batch : undefined
}

/** A handler that reads the root as an event would get one that nobody has checked. `batch` is no type that an event can have. */
function isEventBesideBatch(body: Record<string, unknown>): boolean {
  if (Object.hasOwn(body, 'type') && body.type !== 'batch') return true
  return Object.hasOwn(body, 'event') || Object.hasOwn(body, 'name')
}

/** An own `__proto__` becomes a real prototype under `Object.assign`: a hidden `type` would come to life behind the check. */
function isEvent(value: unknown): value is IngestEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (!isPlainObject(value)) {
    throw new UnusableBodyError(`a list with ${describeKind(value)} in it`)
  }
  return !Object.hasOwn(value, '__proto__') && !(Array.isArray(value.batch) && Object.hasOwn(value, 'batch'))
}

/** The event's own type where it says more than the route does. Looks at the value first: most are the route's. */
function ownType(event: IngestEvent, routeType: string | null): unknown {
  const { type } = event
  if (type === undefined || (type === routeType && type !== null)) return undefined
  return Object.hasOwn(event, 'type') ? type : undefined
}

function withoutWriteKey<T extends Record<string, unknown>>(object: T): Omit<T, 'writeKey'> {
  const { writeKey: _, ...rest } = object
  return rest
}

function withoutRootWriteKey(body: unknown): unknown {
  return isPlainObject(body) && Object.hasOwn(body, 'writeKey') ? withoutWriteKey(body) : body
}

function rebuildBody(body: unknown, events: IngestEvent[]): unknown {
  if (Array.isArray(body)) return events
  if (isPlainObject(body) && Object.hasOwn(body, 'batch')) return { ...withoutWriteKey(body), batch: events }
  return events[0] ?? {}
}
