import type { BodyForm } from '../http/ingest-request.ts'
import { parseJsonBody } from '../http/json-body.ts'
import { isPlainObject } from '../http/plain-object.ts'

export interface SenderForm {
  /** Where a body holds its events; undefined: it is one event itself. */
  readonly batchFields: readonly string[]
  /** Properties of the body and of each event that hold the key. */
  readonly keyFields: readonly string[]
  /** The property of an event whose own `token` is the key; undefined: none. */
  readonly tokenIn?: string
  /** What an event is: its type, and its name where rules look for it. */
  describe(event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
}

/**
 * The form of a sender whose bodies become `{ writeKey, batch }`. A key may stand beside the events and in
 * each of them, and is then to be the same everywhere: a body that presents several presents none that is
 * good.
 */
export function createBodyForm({ batchFields, keyFields, tokenIn, describe }: SenderForm): BodyForm {
  function shape(value: unknown): unknown {
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
      return { ...event, ...describe(event) }
    }

    const field = isPlainObject(value)
      ? batchFields.find((name) => Object.hasOwn(value, name) && Array.isArray(value[name]))
      : undefined
    const found = Array.isArray(value) ? value : field === undefined ? [value] : (value as never)[field]
    if (field !== undefined) withoutKeys(value as Record<string, unknown>)
    const batch = Array.from(found as unknown[], toEvent)
    if (keys.size === 0) return { batch }
    return { writeKey: keys.size === 1 ? [...keys][0] : null, batch }
  }

  return {
    shape,
    parse(body) {
      const parsed = parseJsonOrForm(body)
      return parsed && { value: shape(parsed.value) }
    },
  }
}

const opening = new Set(['{', '[', ' ', '\n', '\r', '\t', '\ufeff'])

/**
 * JSON; or a form whose `data` is JSON, in the clear or in base64, as SDKs send it that date from before
 * CORS.
 */
function parseJsonOrForm(body: Uint8Array | string): ReturnType<typeof parseJsonBody> {
  const first = typeof body === 'string' ? body.charAt(0) : String.fromCharCode(body[0] ?? 0)
  if (opening.has(first) || first === '\u00ef') return parseJsonBody(body)
  const text =
    typeof body === 'string'
      ? body
      : Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  const [, data] = /(?:^|&)data=([^&]*)/.exec(text) ?? []
  const decoded = data === undefined ? undefined : decode(data)
  if (decoded === undefined) return undefined
  if (opening.has(decoded.charAt(0))) return parseJsonBody(decoded)
  // A plus sign that nobody has escaped reads as a space.
  return parseJsonBody(Buffer.from(decoded.replaceAll(' ', '+'), 'base64'))
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** The value of an event's own property, where it is a text. */
export function textOf(event: Readonly<Record<string, unknown>>, property: string): string | undefined {
  const value = Object.hasOwn(event, property) ? event[property] : undefined
  return typeof value === 'string' ? value : undefined
}

/**
 * The id by which a sender's copies of an event are told apart, under the name that everybody else has for
 * it.
 */
export function messageId(
  event: Readonly<Record<string, unknown>>,
  id: string | undefined,
): { messageId?: string } {
  return id === undefined || Object.hasOwn(event, 'messageId') ? {} : { messageId: id }
}
