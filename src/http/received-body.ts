import { type Awaitable, chain } from '../keys/awaitable.ts'
import { types } from '../keys/node-builtins.ts'
import { decodeContent } from './content-decoding.ts'
import type { FieldValues, ReadBody } from './ingest-request.ts'
import { parseJsonBody } from './json-body.ts'

/** The parsed body, or why there is none. */
export type ReceivedBody =
  | {
      ok: true
      /** As parsed; its shape is not checked. */
      value: unknown
      /** False when the value was handed in parsed. */
      parsedByUs: boolean
    }
  | {
      ok: false
      reason: 'payload_too_large' | 'unsupported_encoding' | 'invalid_json'
      /** Bytes of the body may remain unread, so the connection cannot serve another request. */
      bodyLeft: boolean
    }

/**
 * Turns `IngestRequest.body` into a value: reads and inflates what is still raw, parses what is text, and takes what
 * somebody has parsed as it is. Bytes that were handed in may be inflated already while `content-encoding` still names
 * the coding (`express.raw()`, Nest's `rawBody`), so they are tried as JSON first.
 *
 * A client that went away (a rejection with `code: 'client_aborted'`) is `invalid_json`; any other error of the reader is
 * thrown on. A value that is at hand is answered without a promise.
 *
 * @param maxBytes limit of the body as sent and again once inflated
 */
export function receiveBody(body: unknown, headers: FieldValues, maxBytes: number): Awaitable<ReceivedBody> {
  if (typeof body === 'function') return readAndParse(body as ReadBody, headers, maxBytes)
  if (body === undefined || body === null) return INVALID_JSON
  if (typeof body === 'string') return parseText(body, maxBytes)
  if (types.isUint8Array(body)) return parseHandedInBytes(body, headers, maxBytes)
  if (types.isAnyArrayBuffer(body)) return parseHandedInBytes(new Uint8Array(body), headers, maxBytes)
  return { ok: true, value: body, parsedByUs: false }
}

const INVALID_JSON: ReceivedBody = { ok: false, reason: 'invalid_json', bodyLeft: false }
const TOO_LARGE: ReceivedBody = { ok: false, reason: 'payload_too_large', bodyLeft: false }
const UNSUPPORTED: ReceivedBody = { ok: false, reason: 'unsupported_encoding', bodyLeft: false }
const LEFT_UNREAD: ReceivedBody = { ok: false, reason: 'payload_too_large', bodyLeft: true }
const CLIENT_GONE: ReceivedBody = { ok: false, reason: 'invalid_json', bodyLeft: true }

function readAndParse(read: ReadBody, headers: FieldValues, maxBytes: number): Awaitable<ReceivedBody> {
  let raw: unknown
  try {
    raw = read(maxBytes)
  } catch (error) {
    return failedRead(error)
  }
  if (typeof (raw as PromiseLike<unknown> | null)?.then !== 'function')
    return parseRaw(raw, headers, maxBytes)
  return Promise.resolve(raw).then((value) => parseRaw(value, headers, maxBytes), failedRead)
}

function failedRead(error: unknown): ReceivedBody {
  if ((error as { code?: unknown } | undefined)?.code === 'client_aborted') return CLIENT_GONE
  throw error
}

function parseRaw(raw: unknown, headers: FieldValues, maxBytes: number): Awaitable<ReceivedBody> {
  if (raw === null) return LEFT_UNREAD
  if (raw === undefined) return INVALID_JSON
  if (typeof raw === 'string') {
    return Buffer.byteLength(raw) > maxBytes ? LEFT_UNREAD : parseJson(raw)
  }
  const bytes = types.isAnyArrayBuffer(raw) ? new Uint8Array(raw) : raw
  if (types.isUint8Array(bytes))
    return bytes.length > maxBytes ? LEFT_UNREAD : decodeAndParse(bytes, headers, maxBytes)
  // Whoever reads lazily may parse as well: the same as handing the value in.
  if (typeof raw === 'object') return { ok: true, value: raw, parsedByUs: false }
  throw new TypeError('a body reader must give bytes, a string, a parsed value or null')
}

function parseHandedInBytes(
  bytes: Uint8Array,
  headers: FieldValues,
  maxBytes: number,
): Awaitable<ReceivedBody> {
  if (bytes.length > maxBytes) return TOO_LARGE
  const parsed = looksLikeJson(bytes) ? parseJsonBody(bytes) : undefined
  return parsed
    ? { ok: true, value: parsed.value, parsedByUs: true }
    : decodeAndParse(bytes, headers, maxBytes)
}

function decodeAndParse(bytes: Uint8Array, headers: FieldValues, maxBytes: number): Awaitable<ReceivedBody> {
  const encoding = headers['content-encoding']
  const decoded = decodeContent(bytes, typeof encoding === 'object' ? encoding.join() : encoding, maxBytes)
  return chain(decoded, (result) => {
    if (typeof result !== 'string') return parseJson(result)
    if (result === 'too_large') return TOO_LARGE
    return result === 'unsupported' ? UNSUPPORTED : INVALID_JSON
  })
}

function parseText(text: string, maxBytes: number): ReceivedBody {
  return Buffer.byteLength(text) > maxBytes ? TOO_LARGE : parseJson(text)
}

function parseJson(body: Uint8Array | string): ReceivedBody {
  const parsed = parseJsonBody(body)
  return parsed ? { ok: true, value: parsed.value, parsedByUs: true } : INVALID_JSON
}

const UTF8_BOM = [0xef, 0xbb, 0xbf]
const WHITESPACE = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPENING_BRACKETS = new Set([0x7b, 0x5b])

function looksLikeJson(bytes: Uint8Array): boolean {
  let start = UTF8_BOM.every((byte, i) => bytes[i] === byte) ? UTF8_BOM.length : 0
  while (WHITESPACE.has(bytes[start] ?? 0)) start++
  return OPENING_BRACKETS.has(bytes[start] ?? 0)
}
