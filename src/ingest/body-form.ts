import type { BodyForm } from '../http/ingest-request.ts'
import { parseJsonBody } from '../http/json-body.ts'
import { isPlainObject } from '../http/plain-object.ts'

export interface SenderForm {
  /** Where a body holds its events; undefined: the body is one event. */
  readonly batchFields: readonly string[]
  /** Properties of the body and of each event that hold the key. */
  readonly keyFields: readonly string[]
  /** The property of an event in which `token` is the key; undefined: none. */
  readonly tokenIn?: string
  /** Properties of the batch that the sender's API reads as well. */
  readonly besideEvents?: readonly string[]
  /** Where the sender's API looks for the key of a single event: in `tokenIn`, or in this property. */
  homeOfKey?(event: Readonly<Record<string, unknown>>): string
  /** Describes an event: its type, and its name where rules look for it. */
  describe(event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
}

/** A format that can also write the body for the sender's own API. */
export interface SenderBodyForm extends BodyForm {
  /** What was sent, before it is given a shape. @returns undefined for what cannot be read */
  read(body: Uint8Array | string, freeContainers?: number): { value: unknown } | undefined
  /**
   * What was sent, with another key in place of the sender's, and without the events that were left out.
   * @param sent what `read` returned
   * @param leftOut indexes of events
   */
  underKey(sent: unknown, key: string, leftOut: readonly number[]): unknown
}

/**
 * The format of a sender whose bodies become `{ writeKey, batch }`. A key may stand beside the events and in
 * each of them, but must be the same everywhere: a body with several keys counts as one with a bad key.
 */
export function createBodyForm(form: SenderForm): SenderBodyForm {
  const shape = (value: unknown) => shapeBody(form, value)
  return {
    shape,
    parse(body, freeContainers) {
      const parsed = parseJsonOrForm(body, freeContainers)
      return parsed && { value: shape(parsed.value) }
    },
    read: parseJsonOrForm,
    underKey: createKeyReplacement(form),
  }
}

/** The property of a body that holds its events, if there is one. */
function batchFieldOf({ batchFields }: SenderForm, value: unknown): string | undefined {
  return isPlainObject(value)
    ? batchFields.find((name) => Object.hasOwn(value, name) && Array.isArray(value[name]))
    : undefined
}

/** The key that is in the body, and the events without it. */
function shapeBody(form: SenderForm, value: unknown): unknown {
  const { keyFields, tokenIn, describe } = form
  const keys = new Set<unknown>()

  function withoutKeys(object: Record<string, unknown>): Record<string, unknown> {
    const rest = { ...object }
    for (const field of keyFields) take(rest, field)
    const inner = tokenIn === undefined ? undefined : rest[tokenIn]
    if (tokenIn !== undefined && isPlainObject(inner) && Object.hasOwn(inner, 'token')) {
      const properties = { ...inner }
      take(properties, 'token')
      rest[tokenIn] = properties
    }
    return rest
  }

  function take(object: Record<string, unknown>, field: string): void {
    if (!Object.hasOwn(object, field)) return
    if (object[field] !== undefined) keys.add(object[field])
    delete object[field]
  }

  function toEvent(given: unknown): unknown {
    if (!isPlainObject(given) || Object.hasOwn(given, '__proto__')) return given
    const event = withoutKeys(given)
    return Object.assign(event, describe(event))
  }

  const field = batchFieldOf(form, value)
  const found = Array.isArray(value) ? value : field === undefined ? [value] : (value as never)[field]
  if (field !== undefined) withoutKeys(value as Record<string, unknown>)
  const batch = Array.from(found as unknown[], toEvent)
  if (keys.size === 0) return { batch }
  return { writeKey: keys.size === 1 ? [...keys][0] : null, batch }
}

function createKeyReplacement(form: SenderForm): SenderBodyForm['underKey'] {
  const { keyFields, tokenIn, besideEvents = [], homeOfKey = () => keyFields[0] as string } = form

  /** Replaces each key; undefined where there is none. */
  function withKey(object: Fields, key: string): Fields | undefined {
    const replaced: Record<string, unknown> = {}
    for (const name of keyFields) if (Object.hasOwn(object, name)) replaced[name] = key
    const inner = tokenIn === undefined ? undefined : object[tokenIn]
    if (tokenIn !== undefined && isPlainObject(inner) && Object.hasOwn(inner, 'token'))
      replaced[tokenIn] = { ...inner, token: key }
    return Object.keys(replaced).length === 0 ? undefined : { ...object, ...replaced }
  }

  function withKeyAtHome(event: Fields, key: string): Fields {
    const home = homeOfKey(event)
    return home === tokenIn
      ? { ...event, [home]: { ...(event[home] as object), token: key } }
      : { ...event, [home]: key }
  }

  return (sent, key, leftOut) => {
    const field = batchFieldOf(form, sent)
    const kept = (events: unknown) => (events as Fields[]).filter((_, index) => !leftOut.includes(index))
    if (field === undefined) {
      if (!Array.isArray(sent)) return withKey(sent as Fields, key) ?? withKeyAtHome(sent as Fields, key)
      const events = kept(sent)
      const replaced = events.map((event) => withKey(event, key))
      const found = replaced.some((event) => event !== undefined)
      return events.map((event, index) => replaced[index] ?? (found ? event : withKeyAtHome(event, key)))
    }
    const body = sent as Fields
    const beside = [...keyFields, ...besideEvents].filter((name) => Object.hasOwn(body, name))
    const envelope = Object.fromEntries(beside.map((name) => [name, body[name]]))
    const events = kept(body[field])
    return {
      ...(withKey(envelope, key) ?? { ...envelope, [keyFields[0] as string]: key }),
      [field]: events.map((event) => withKey(event, key) ?? event),
    }
  }
}

type Fields = Readonly<Record<string, unknown>>

const opening = new Set(['{', '[', ' ', '\n', '\r', '\t', '\ufeff'])

/** JSON, or a form whose `data` is JSON, plain or in base64, as SDKs from before CORS send it. */
function parseJsonOrForm(
  body: Uint8Array | string,
  freeContainers?: number,
): ReturnType<typeof parseJsonBody> {
  const first = typeof body === 'string' ? body.charAt(0) : String.fromCharCode(body[0] ?? 0)
  if (opening.has(first) || first === '\u00ef') return parseJsonBody(body, freeContainers)
  const text =
    typeof body === 'string'
      ? body
      : Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  const [, data] = /(?:^|&)data=([^&]*)/.exec(text) ?? []
  const decoded = data === undefined ? undefined : decode(data)
  if (decoded === undefined) return undefined
  if (opening.has(decoded.charAt(0))) return parseJsonBody(decoded, freeContainers)
  // An unescaped plus sign reads as a space.
  return parseJsonBody(Buffer.from(decoded.replaceAll(' ', '+'), 'base64'), freeContainers)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/**
 * The type of an event whose API goes by its name. An event without one is `null`, which is no type: the API would refuse it, and other
 * readers could take it for something else.
 * @param types of names that mean something; any other name is a track call
 */
export function typeByName(name: string | undefined, types: Readonly<Record<string, string>>): string | null {
  if (name === undefined || name === '') return null
  return (Object.hasOwn(types, name) && types[name]) || 'track'
}

/** The value of an event's own property, if it is a text. */
export function textOf(event: Readonly<Record<string, unknown>>, property: string): string | undefined {
  const value = Object.hasOwn(event, property) ? event[property] : undefined
  return typeof value === 'string' ? value : undefined
}

/** Copies an event's id, by which duplicates are found, to the name that other senders use. */
export function messageId(
  event: Readonly<Record<string, unknown>>,
  id: string | undefined,
): { messageId?: string } {
  return id === undefined || Object.hasOwn(event, 'messageId') ? {} : { messageId: id }
}
