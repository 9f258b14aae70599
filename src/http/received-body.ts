import { type Awaitable, chain } from '../runtime/awaitable.ts'
import { nodeTypes } from '../runtime/built-ins.ts'
import { propertyOf } from '../runtime/thrown.ts'
import type { BodyAccount, HolderNames } from './body-holders.ts'
import { beginsAsGzip, isGarbled, looksLikeJson } from './body-signs.ts'
import { parseContentEncoding } from './content-coding.ts'
import { decodeContent } from './content-decoding.ts'
import { contentLengthOf } from './content-length.ts'
import { bytesOf, readerOf } from './handed-in-body.ts'
import type { BodyForm, FieldValues, ReadBody } from './ingest-request.ts'
import { isTooDeep, mayBeTooDeep, parseJsonBody } from './json-body.ts'
import { BodyTakenError, compressedText, nothingKept } from './parsed-body.ts'
import type { PendingBodies } from './pending-bodies.ts'
import { isPlainObject } from './plain-object.ts'
import type { Turns } from './turns.ts'

/** The parsed body, or why there is none. */
export type ReceivedBody =
  | {
      ok: true
      /** As parsed; its shape is not checked. */
      value: unknown
      /** Its length once inflated, in bytes; undefined when the value was handed in parsed. */
      bytes: number | undefined
    }
  | {
      ok: false
      reason: 'payload_too_large' | 'unsupported_encoding' | 'invalid_json' | 'client_aborted' | 'busy'
      /** Bytes of the body may remain unread. */
      bodyLeft: boolean
    }

/** The limits on bodies of a set of write keys. */
export interface BodyLimits<Account extends BodyAccount> {
  /** For a body as sent, and again once inflated. */
  readonly maxBytes: number
  readonly pending: PendingBodies<Account>
  /**
   * Turns for inflating large bodies, one queue for known keys and one for the others, so that nobody with a
   * good key waits behind somebody without.
   */
  turnsOf(account: Account): Turns
  /** How bodies are told apart: those of one sender of a key wait behind each other. */
  readonly names: HolderNames<Account>
  /** Objects and lists that a body may hold whatever its length. Default 10 000. */
  readonly freeContainers?: number | undefined
  /** The format of this body; undefined: JSON. */
  readonly form?: BodyForm | undefined
}

/**
 * Turns `IngestRequest.body` into a value: reads and inflates raw bodies, parses text, and takes parsed
 * values as they are. Bytes that were handed in may be inflated although `content-encoding` still names the
 * coding (`express.raw()`, Nest's `rawBody`), so they are tried as JSON first.
 *
 * Other values are read where possible, see `readerOf`.
 *
 * When the client went away (a rejection with `code: 'client_aborted'`), the result is `client_aborted`; any
 * other error of the reader is rethrown. A value that needs no wait is returned without a promise. The owner
 * of the account releases what it holds.
 */
export function receiveBody<Account extends BodyAccount>(
  body: unknown,
  headers: FieldValues,
  limits: BodyLimits<Account>,
  account: Account,
): Awaitable<ReceivedBody> {
  if (typeof body === 'function') return readAndParse(body as ReadBody, headers, limits, account)
  if (body === undefined || body === null) return INVALID_JSON
  if (typeof body === 'string') return parseText(body, headers, limits)
  if (ArrayBuffer.isView(body)) return parseHandedInBytes(bytesOf(body), headers, limits, account)
  if (nodeTypes().isAnyArrayBuffer(body))
    return parseHandedInBytes(new Uint8Array(body), headers, limits, account)
  if (isJsonValue(body)) return takeParsed(body, headers, limits)
  return readAndParse(readerOf(body), headers, limits, account)
}

/** Whether a value may come from `JSON.parse`. Not called for text, which is parsed. */
function isJsonValue(value: unknown): boolean {
  if (isPlainObject(value)) return !isMoreThanData(value)
  return Array.isArray(value) || typeof value === 'number' || typeof value === 'boolean'
}

/** Checks for methods instead of classes: JSON holds no functions. `arguments` can be iterated, and looks like a plain object. */
function isMoreThanData(value: Record<string | symbol, unknown>): boolean {
  return (
    typeof value.then === 'function' ||
    typeof value[Symbol.asyncIterator] === 'function' ||
    typeof value[Symbol.iterator] === 'function'
  )
}

const INVALID_JSON: ReceivedBody = { ok: false, reason: 'invalid_json', bodyLeft: false }
const TOO_LARGE: ReceivedBody = { ok: false, reason: 'payload_too_large', bodyLeft: false }
const UNSUPPORTED: ReceivedBody = { ok: false, reason: 'unsupported_encoding', bodyLeft: false }
const BUSY: ReceivedBody = { ok: false, reason: 'busy', bodyLeft: false }
const LEFT_UNREAD: ReceivedBody = { ok: false, reason: 'payload_too_large', bodyLeft: true }
const BUSY_LEFT_UNREAD: ReceivedBody = { ok: false, reason: 'busy', bodyLeft: true }
const CLIENT_GONE: ReceivedBody = { ok: false, reason: 'client_aborted', bodyLeft: true }

function readAndParse<Account extends BodyAccount>(
  read: ReadBody,
  headers: FieldValues,
  limits: BodyLimits<Account>,
  account: Account,
): Awaitable<ReceivedBody> {
  const { maxBytes, pending } = limits
  let hasRoom = true
  function hold(bytes: number, giveUp?: () => void): boolean {
    hasRoom = pending.hold(account, bytes, giveUp)
    return hasRoom
  }

  function parseRead(raw: unknown): Awaitable<ReceivedBody> {
    if (!hasRoom || account.lostRoom) return BUSY_LEFT_UNREAD
    pending.settle(account)
    if (raw === null) return LEFT_UNREAD
    if (raw === undefined) return INVALID_JSON
    const bytes = nodeTypes().isAnyArrayBuffer(raw)
      ? new Uint8Array(raw)
      : ArrayBuffer.isView(raw)
        ? bytesOf(raw)
        : raw
    if (typeof bytes !== 'string' && !nodeTypes().isUint8Array(bytes)) {
      if (isJsonValue(raw)) return takeParsed(raw, headers, limits)
      // A lazy reader may return something that must be read in turn: treated as if that had been handed in.
      return readAndParse(readerOf(raw), headers, limits, account)
    }
    const length = Buffer.byteLength(bytes)
    if (length > maxBytes) return LEFT_UNREAD
    // An application's reader may not have called `hold`.
    if (length > account.heldBytes && !hold(length - account.heldBytes)) return BUSY
    if (typeof bytes === 'string') return parseText(bytes, headers, limits)
    return chain(decodeAndParse(bytes, headers, limits, account), (received) =>
      received.ok ? received : asWhole(received, length, headers),
    )
  }

  let raw: unknown
  try {
    raw = read(maxBytes, hold)
  } catch (error) {
    return failedRead(error)
  }
  if (typeof (raw as PromiseLike<unknown> | null)?.then !== 'function') return parseRead(raw)
  return Promise.resolve(raw).then(parseRead, failedRead)
}

function failedRead(error: unknown): ReceivedBody {
  if (propertyOf(error, 'code') === 'client_aborted') return CLIENT_GONE
  throw error
}

/** Nothing that others have read a part of is called invalid. */
function asWhole(received: ReceivedBody, bytes: number, headers: FieldValues): ReceivedBody {
  if (received === INVALID_JSON && bytes < (contentLengthOf(headers) ?? 0))
    throw new BodyTakenError(nothingKept)
  return received
}

/** The length of what a parser has read is known by its header alone, if at all. */
function takeParsed(
  value: unknown,
  headers: FieldValues,
  { form, maxBytes }: Parsing & { readonly maxBytes: number },
): ReceivedBody {
  if ((contentLengthOf(headers) ?? 0) > maxBytes) return TOO_LARGE
  const length = lengthOfParsed(headers)
  if (mayBeTooDeep(length) && isTooDeep(value)) return INVALID_JSON
  return { ok: true, value: form === undefined ? value : form.shape(value), bytes: undefined }
}

/** As far as is known: infinite for chunked or inflated bodies, 0 for bodies never sent. */
function lengthOfParsed(headers: FieldValues): number {
  if (headers['transfer-encoding'] !== undefined || headers['content-encoding'] !== undefined) return Infinity
  const length = headers['content-length']
  return length === undefined ? 0 : Number(length)
}

function parseHandedInBytes<Account extends BodyAccount>(
  bytes: Uint8Array,
  headers: FieldValues,
  limits: BodyLimits<Account>,
  account: Account,
): Awaitable<ReceivedBody> {
  if (bytes.length > limits.maxBytes) return TOO_LARGE
  const parsed = looksLikeJson(bytes) ? parse(bytes, bytes.length, limits) : INVALID_JSON
  return parsed.ok ? parsed : decodeAndParse(bytes, headers, limits, account)
}

function decodeAndParse<Account extends BodyAccount>(
  bytes: Uint8Array,
  headers: FieldValues,
  limits: BodyLimits<Account>,
  account: Account,
): Awaitable<ReceivedBody> {
  const { maxBytes, turnsOf, names, pending, form } = limits
  const said = parseContentEncoding(headers['content-encoding'])
  const coding = said === null && form?.parse !== undefined && beginsAsGzip(bytes) ? 'gzip' : said
  if (coding === 'unsupported') return UNSUPPORTED
  if (coding === null) return bytes.length > maxBytes ? TOO_LARGE : parse(bytes, bytes.length, limits)
  const room = {
    maxBytes,
    turns: turnsOf(account),
    whose: () => ({ key: names.keyOf(account), sender: names.senderOf(account) }),
    hold: (count: number) => pending.hold(account, count),
  }
  const decoded = decodeContent(bytes, coding, room, (content) => parse(content, content.length, limits))
  return chain(decoded, (result) => {
    if (typeof result !== 'string') return result
    if (result === 'too_large') return TOO_LARGE
    return result === 'busy' ? BUSY : INVALID_JSON
  })
}

function parseText(
  text: string,
  headers: FieldValues,
  limits: Parsing & { readonly maxBytes: number },
): ReceivedBody {
  const length = Buffer.byteLength(text)
  const parsed = length > limits.maxBytes ? TOO_LARGE : parse(text, length, limits)
  if (parsed.ok || !isGarbled(text)) return parsed
  const coding = parseContentEncoding(headers['content-encoding'])
  if (coding === null) return parsed
  if (coding === 'unsupported') return UNSUPPORTED
  throw new BodyTakenError(compressedText)
}

type Parsing = Pick<BodyLimits<BodyAccount>, 'form' | 'freeContainers'>

function parse(body: Uint8Array | string, length: number, { form, freeContainers }: Parsing): ReceivedBody {
  if (form?.parse !== undefined) {
    const formed = form.parse(body, freeContainers)
    return formed ? { ok: true, value: formed.value, bytes: length } : INVALID_JSON
  }
  const parsed = parseJsonBody(body, freeContainers)
  if (parsed === undefined) return INVALID_JSON
  return { ok: true, value: form === undefined ? parsed.value : form.shape(parsed.value), bytes: length }
}
