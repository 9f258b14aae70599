import type { FieldValues, IngestRequest } from '../http/ingest-request.ts'
import type { PresentedSecret } from '../keys/secret.ts'
import { type Awaitable, chain } from '../runtime/awaitable.ts'
import { decodeBase64, decodedLength } from './base64.ts'

/** A place where a key may be presented, or a function that finds it. The function's throw refuses the request with 503. */
export type CredentialSource =
  | 'basic'
  | 'header'
  | 'query'
  | 'body'
  | ((request: IngestRequest) => Awaitable<string | undefined | null>)

/** `undefined`: nothing is presented here. `null`: something is, and it cannot be a key. */
export type Presented = PresentedSecret | null | undefined

/** What is presented at a place that can be looked at before the body is read. */
export function presentedAt(source: CredentialSource, request: IngestRequest): Awaitable<Presented> {
  if (source === 'basic') return presentedByBasic(request.headers)
  if (source === 'header') return presentedByHeader(request.headers)
  if (source === 'query') return presentedByQuery(request.query)
  if (typeof source === 'function') {
    return chain(source(request) as Awaitable<unknown>, (value) =>
      value === undefined || value === null ? undefined : typeof value === 'string' ? value : null,
    )
  }
  return undefined
}

/** Longest Basic credential that is decoded, in bytes. Keys need less than 150. */
const maxCredentialLength = 512

/**
 * The key in an HTTP Basic credential: the user name, with an empty password (RFC 7617). One key has one spelling:
 * canonical base64 (padding optional), so that proxies, caches and logs see the same credential as we do.
 */
export function presentedByBasic(headers: FieldValues): Presented {
  const value = onlyValue(headers.authorization)
  if (typeof value !== 'string') return value
  const start = credentialStart(value)
  return start === -1 ? undefined : decodeCredential(value, start)
}

/** Where the credential begins, behind `Basic` in any case and spaces; -1 for another scheme. */
function credentialStart(value: string): number {
  let begin = 0
  while (value.charCodeAt(begin) === 32) begin++
  if (
    (value.charCodeAt(begin) | 32) !== 98 ||
    (value.charCodeAt(begin + 1) | 32) !== 97 ||
    (value.charCodeAt(begin + 2) | 32) !== 115 ||
    (value.charCodeAt(begin + 3) | 32) !== 105 ||
    (value.charCodeAt(begin + 4) | 32) !== 99
  ) {
    return -1
  }
  let index = begin + 5
  if (index < value.length && value.charCodeAt(index) !== 32) return -1
  while (value.charCodeAt(index) === 32) index++
  return index
}

/** Where the text ends but for spaces and tabs, RFC 9110's OWS: `trimEnd` would take a no-break space, and one key would have two spellings. */
function endBeforeBlanks(text: string): number {
  let end = text.length
  while (end > 0 && (text.charCodeAt(end - 1) === 32 || text.charCodeAt(end - 1) === 9)) end--
  return end
}

const colon = 58
function decodeCredential(value: string, start: number): Uint8Array | null {
  const end = endBeforeBlanks(value)
  if (end <= start || end - start > maxCredentialLength) return null
  const length = decodedLength(value, start, end) - 1
  if (length < 1) return null
  // Of this request alone, with no room for the colon. Up to 64 bytes lie on V8's own heap, which is cheap.
  const decoded = new Uint8Array(length)
  // A colon before the last byte is left to the check of the key's alphabet, which has none.
  return decodeBase64(value, start, end, decoded, colon) === -1 ? null : decoded
}

/** The key in `X-Write-Key`. */
function presentedByHeader(headers: FieldValues): Presented {
  return onlyValue(headers['x-write-key'])
}

/** A repeated header would let two readers see two keys. Node's `headersDistinct` has single ones in a list, too. */
function onlyValue(value: unknown): Presented {
  if (typeof value === 'string' || value === undefined) return value
  return Array.isArray(value) && value.length === 1 && typeof value[0] === 'string' ? value[0] : null
}

/** The key in `?writeKey=` (or `?writekey=`); refused when it is there twice. */
function presentedByQuery(query: IngestRequest['query']): Presented {
  const values = queryValues(query)
  if (values.length === 0) return undefined
  return values.length === 1 ? (values[0] as string) : null
}

function queryValues(query: IngestRequest['query']): unknown[] {
  if (query === undefined || query === '') return []
  const parsed = typeof query === 'string' ? new URLSearchParams(query) : query
  if (parsed instanceof URLSearchParams) return [...parsed.getAll('writeKey'), ...parsed.getAll('writekey')]
  return ['writeKey', 'writekey'].flatMap((name) =>
    Object.hasOwn(parsed, name) && parsed[name] !== undefined ? parsed[name] : [],
  )
}

/** The key in the `writeKey` of a parsed body. */
export function presentedByBody(body: unknown): Presented {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || !Object.hasOwn(body, 'writeKey'))
    return undefined
  const { writeKey } = body as { writeKey: unknown }
  return typeof writeKey === 'string' ? writeKey : null
}
