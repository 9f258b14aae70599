import type { EventRule, NamedBy } from '../rules/event-rule.ts'

/** One event as sent, less `writeKey`. Its own properties are what the sender wrote; nothing else is checked. */
export type IngestEvent = Record<string, unknown>

/** An event that a rule refuses: its position in the request, its type where that can be told, and why. */
export interface RejectedEvent {
  readonly index: number
  readonly type: string | null
  readonly code: 'event_type_not_allowed' | 'event_name_not_allowed'
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
 */
export function checkEvents(body: unknown, check: EventCheck): CheckedEvents | RefusedEvents {
  const found = findEvents(body)
  if (found === undefined) return { ok: false, reason: 'invalid_event' }
  if (found.length > check.maxEvents) return { ok: false, reason: 'too_many_events' }

  const { routeType, rule } = check
  let rejected: RejectedEvent[] | undefined
  /** Made once it differs from what was found: most requests are accepted as they are. */
  let events: IngestEvent[] | undefined
  /** Most events have the type of the one before: asking once saves 12 ns of the others. */
  let lastType: string | null | undefined
  let namedBy: NamedBy | undefined
  for (let index = 0; index < found.length; index++) {
    const event = found[index]
    if (!isEvent(event)) return { ok: false, reason: 'invalid_event' }
    const said = ownType(event, routeType)
    if (said !== undefined && typeof said !== 'string') return { ok: false, reason: 'invalid_event' }
    if (said !== undefined && routeType !== null) return { ok: false, reason: 'event_type_mismatch' }
    const type = said ?? routeType
    if (type !== lastType) {
      namedBy = rule?.namesOf(type)
      lastType = type
    }
    const code = rule === null ? undefined : refusalOf(rule, namedBy, event)
    if (code !== undefined) {
      events ??= found.slice(0, index) as IngestEvent[]
      rejected ??= []
      rejected.push({ index, type: type !== null && echoedType.test(type) ? type : null, code })
    } else if (event.writeKey !== undefined && Object.hasOwn(event, 'writeKey')) {
      events ??= found.slice(0, index) as IngestEvent[]
      events.push(withoutWriteKey(event))
    } else {
      events?.push(event)
    }
  }
  if (rejected !== undefined && check.onForbiddenEvent === 'reject') {
    const reported = rejected.slice(0, maxReported).map(({ index, type }) => ({ index, type }))
    return { ok: false, reason: (rejected[0] as RejectedEvent).code, rejected: reported }
  }
  if (events === undefined) {
    // A single event that has no key in it: the list is ours, and to copy it would take a fifth of this check.
    if (found[0] === body) return { ok: true, events: found as IngestEvent[], rejected: noneRejected, body }
    const accepted = found.slice() as IngestEvent[]
    return { ok: true, events: accepted, rejected: noneRejected, body: withoutRootWriteKey(body) }
  }
  return { ok: true, events, rejected: rejected ?? noneRejected, body: rebuildBody(body, events) }
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
  // A type beside a batch would let a handler that reads it differ from the check of each event.
  if (Object.hasOwn(body, '__proto__') || (Object.hasOwn(body, 'type') && body.type !== 'batch'))
    return undefined
  return Array.isArray(body.batch) && body.batch.length > 0 ? body.batch : undefined
}

/** An own `__proto__` becomes a real prototype under `Object.assign`: a hidden `type` would come to life behind the check. */
function isEvent(value: unknown): value is IngestEvent {
  return (
    isPlainObject(value) &&
    !Object.hasOwn(value, '__proto__') &&
    !(Array.isArray(value.batch) && Object.hasOwn(value, 'batch'))
  )
}

/** The event's own type where it says more than the route does. Looks at the value first: most are the route's. */
function ownType(event: IngestEvent, routeType: string | null): unknown {
  const { type } = event
  if (type === undefined || (type === routeType && type !== null)) return undefined
  return Object.hasOwn(event, 'type') ? type : undefined
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
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
