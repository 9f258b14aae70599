import type { FieldValues, FindKey, IngestRequest } from '../http/ingest-request.ts'
import type { PresentedSecret } from '../keys/secret.ts'
import { decodeBase64, decodedLength } from './base64.ts'
import type { PathPattern } from './path-credential.ts'

/** `undefined`: nothing is presented here. `null`: something is, and it cannot be a key. */
export type Presented = PresentedSecret | null | undefined

/** A place, compiled from its option. */
export type Source =
  /** Needs no body. */
  | { readonly at: 'head'; present(request: IngestRequest): Presented }
  | { readonly at: 'body'; present(body: unknown): Presented }
  | { readonly at: 'function'; readonly find: FindKey }

/** Where keys are looked for, and what handlers must never see of a request. */
export interface Credentials {
  /** In the order in which they are tried. */
  readonly sources: readonly Source[]
  /** Lower-case names of header fields, without `authorization`. */
  readonly headers: readonly string[]
  readonly queryNames: readonly string[]
  readonly paths: readonly PathPattern[]
  /** Properties of the body and of each event, beside `writeKey`. */
  readonly bodyFields: readonly string[]
  readonly hasFunctions: boolean
  /** As `placeText` spells them; null where a function finds keys. */
  readonly spelled: readonly string[] | null
}

/** Longest Basic or Bearer credential that is looked at, in bytes. */
const maxCredentialLength = 512

/**
 * The key in an HTTP Basic credential: the user name, with an empty password (RFC 7617). One key has one
 * spelling: canonical base64 (padding optional), so that proxies, caches and logs see the same credential as
 * we do.
 */
export function presentedByBasic(headers: FieldValues): Presented {
  const value = onlyValue(headers.authorization)
  if (typeof value !== 'string') return value
  const start = credentialStart(value)
  return start === -1 ? undefined : decodeCredential(value, start)
}

/** The key in an HTTP Bearer credential (RFC 6750). */
export function presentedByBearer(headers: FieldValues): Presented {
  const value = onlyValue(headers.authorization)
  if (typeof value !== 'string') return value
  const [, token] = /^ *bearer(?: +([\x21-\x7e]*))?[ \t]*$/i.exec(value) ?? []
  if (token !== undefined && token !== '') return token.length > maxCredentialLength ? null : token
  return /^ *bearer(?: |$)/i.test(value) ? null : undefined
}

/** Where the credential begins, after `Basic` in any case and spaces; -1 for another scheme. */
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

/**
 * Where the text ends without trailing spaces and tabs, RFC 9110's OWS. `trimEnd` would remove a no-break
 * space, and one key would have two spellings.
 */
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
  // A buffer for this request alone, without room for the colon. Up to 64 bytes live on V8's own heap, which
  // is cheap.
  const decoded = new Uint8Array(length)
  // A colon before the last byte is caught by the check of the key's alphabet, which has none.
  return decodeBase64(value, start, end, decoded, colon) === -1 ? null : decoded
}

/**
 * The key in a header field. With a repeated one, two readers could see two keys. A list is refused here;
 * values joined by a comma and a space fail the check of the key's alphabet. Node's `headersDistinct` puts
 * single values in a list, too.
 */
export function onlyValue(value: unknown): Presented {
  if (typeof value === 'string' || value === undefined) return value
  return Array.isArray(value) && value.length === 1 && typeof value[0] === 'string' ? value[0] : null
}

/** The key in a query parameter, under one of its names; refused when it is there twice. */
export function presentedByQuery(query: IngestRequest['query'], names: readonly string[]): Presented {
  const values = queryValues(query, names)
  if (values.length === 0) return undefined
  return values.length === 1 && typeof values[0] === 'string' ? values[0] : null
}

function queryValues(query: IngestRequest['query'], names: readonly string[]): unknown[] {
  if (query === undefined || query === '') return []
  const parsed = typeof query === 'string' ? new URLSearchParams(query) : query
  if (parsed instanceof URLSearchParams) return names.flatMap((name) => parsed.getAll(name))
  return names.flatMap((name) =>
    Object.hasOwn(parsed, name) && parsed[name] !== undefined ? parsed[name] : [],
  )
}

/** The key in a property of a parsed body. */
export function presentedByBody(body: unknown, field: string): Presented {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || !Object.hasOwn(body, field))
    return undefined
  const value = (body as Record<string, unknown>)[field]
  return typeof value === 'string' ? value : null
}
