import { UnusableBodyError } from '../http/handed-in-body.ts'
import { describeKind, isPlainObject } from '../http/plain-object.ts'
import type { EventRule, NamedBy } from '../rules/event-rule.ts'
import { batchFieldOf, findEvents } from './events-in-body.ts'

/**
 * One event as sent, without `writeKey`. Its own properties are what the sender wrote; nothing else is
 * checked.
 */
export type IngestEvent = Record<string, unknown>

/**
 * An event that was left out: its position in the request, its type if known, and why. `invalid_event`: it is
 * not an event, its type is not a string, or it does not fit the schema for its name.
 */
export interface RejectedEvent {
  readonly index: number
  readonly type: string | null
  readonly code: 'event_type_not_allowed' | 'event_name_not_allowed' | 'invalid_event'
  /** What does not fit the schema, such as `properties.items[2].price`. */
  readonly field?: string
}

export interface CheckedEvents {
  readonly ok: true
  readonly events: IngestEvent[]
  readonly rejected: readonly RejectedEvent[]
  /** The body as handlers get it: without `writeKey`, and with exactly the accepted events. */
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
  /** Where a body keeps its events. */
  batchFields: readonly string[]
  /** Properties that hold the key, beside `writeKey`: none is handed on. */
  keyFields: readonly string[]
}

/** How many events an answer names. */
export const maxReported = 10
/** The types that may be echoed: no secret has this shape, nor does an attacker's text. */
const echoedType = /^[A-Za-z0-9_.:-]{1,32}$/
const noneRejected: readonly RejectedEvent[] = Object.freeze([])

/**
 * Finds the events in a parsed body (one event, an object with one of the `batchFields`, or a bare array) and
 * checks each against the route's type and the key's rules. Reads own properties only, so a polluted
 * prototype grants nothing.
 *
 * @throws UnusableBodyError for an event that JSON cannot hold, such as a `Map`: whoever handed in the body
 * made it.
 */
export function checkEvents(body: unknown, check: EventCheck): CheckedEvents | RefusedEvents {
  const { batchFields, keyFields } = check
  const batchField = batchFieldOf(body, batchFields)
  const found = batchField === null ? undefined : findEvents(body, batchField)
  if (found === undefined) return { ok: false, reason: 'invalid_event' }
  if (found.length > check.maxEvents) return { ok: false, reason: 'too_many_events' }

  const { routeType, rule } = check
  const drops = check.onForbiddenEvent === 'drop' && found[0] !== body
  let rejected: RejectedEvent[] | undefined
  /** Made only when it differs from the original: most requests are accepted as they are. */
  let events: IngestEvent[] | undefined
  /** Most events have the type of the one before: reusing the answer saves 12 ns for each. */
  let lastType: string | null | undefined
  let namedBy: NamedBy | undefined
  for (let index = 0; index < found.length; index++) {
    const event = found[index]
    const said = isEvent(event, batchFields) ? ownType(event, routeType) : null
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
      rejected.push({ index, type: echoType(type), code })
    } else if (holdsKey(event as IngestEvent, keyFields)) {
      events ??= found.slice(0, index) as IngestEvent[]
      events.push(withoutKeys(event as IngestEvent, keyFields))
    } else {
      events?.push(event as IngestEvent)
    }
  }
  if (rejected !== undefined && (!drops || events?.length === 0)) return refuseAll(rejected)
  if (events === undefined) {
    // A single event without a key in it: the list is ours, and copying it would take a fifth of this check.
    if (found[0] === body) return { ok: true, events: found as IngestEvent[], rejected: noneRejected, body }
    const accepted = found.slice() as IngestEvent[]
    return { ok: true, events: accepted, rejected: noneRejected, body: withoutRootKeys(body, keyFields) }
  }
  return {
    ok: true,
    events,
    rejected: rejected ?? noneRejected,
    body: rebuildBody(body, events, batchField, keyFields),
  }
}

/** What may be shown of an event's type. */
export function echoType(type: string | null | undefined): string | null {
  return typeof type === 'string' && echoedType.test(type) ? type : null
}

/** The events of requests without a body. A new array each time: handlers own it. */
export function noEvents(): CheckedEvents {
  return { ok: true, events: [], rejected: noneRejected, body: undefined }
}

/**
 * Invalid events say less than a rule does. When nothing else was left out, their type is what cannot be
 * allowed.
 */
function refuseAll(rejected: readonly RejectedEvent[]): RefusedEvents {
  const forbidden = rejected.find(({ code }) => code !== 'invalid_event')
  return {
    ok: false,
    reason: forbidden?.code ?? 'event_type_not_allowed',
    rejected: rejected.slice(0, maxReported).map(({ index, type }) => ({ index, type })),
  }
}

/**
 * Combines what two checks, one after the other, have left out.
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

/**
 * An own `__proto__` becomes a real prototype under `Object.assign`: a hidden `type` would appear after the
 * check.
 */
function isEvent(value: unknown, batchFields: readonly string[]): value is IngestEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (!isPlainObject(value)) {
    throw new UnusableBodyError(`a list with ${describeKind(value)} in it`)
  }
  if (Object.hasOwn(value, '__proto__')) return false
  for (const field of batchFields)
    if (Array.isArray(value[field]) && Object.hasOwn(value, field)) return false
  return true
}

/**
 * The event's own type where it says more than the route does. Compares the value first: most have the
 * route's type.
 */
function ownType(event: IngestEvent, routeType: string | null): unknown {
  const { type } = event
  if (type === undefined || (type === routeType && type !== null)) return undefined
  return Object.hasOwn(event, 'type') ? type : undefined
}

/** Checks the value first: most events have none. */
function holdsKey(event: IngestEvent, keyFields: readonly string[]): boolean {
  if (event.writeKey !== undefined && Object.hasOwn(event, 'writeKey')) return true
  return keyFields.length > 0 && keyFields.some((field) => Object.hasOwn(event, field))
}

function withoutKeys(object: Record<string, unknown>, keyFields: readonly string[]): Record<string, unknown> {
  const { writeKey: _, ...rest } = object
  for (const field of keyFields) delete rest[field]
  return rest
}

function withoutRootKeys(body: unknown, keyFields: readonly string[]): unknown {
  return isPlainObject(body) && holdsKey(body, keyFields) ? withoutKeys(body, keyFields) : body
}

function rebuildBody(
  body: unknown,
  events: IngestEvent[],
  batchField: string | null | undefined,
  keyFields: readonly string[],
): unknown {
  if (Array.isArray(body)) return events
  if (typeof batchField !== 'string' || !isPlainObject(body)) return events[0] ?? {}
  return { ...withoutKeys(body, keyFields), [batchField]: events }
}
