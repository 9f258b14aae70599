import { asIngestRequest, toLowerCaseFields } from '../http/header-fields.ts'
import type { FieldValues, IngestRequest, IngestRequestInit } from '../http/ingest-request.ts'
import { findCarriedKey, mayCarryKey } from './carried-key.ts'
import { type Reading, readingOf } from './reading.ts'
import type { PreflightReply } from './verdict.ts'

/** Headers that a browser SDK may read on any answer. Without this, `Retry-After` is null in script. */
export const exposedHeaders =
  'Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset'

/** Longest `Access-Control-Request-Headers` that is echoed, in characters: a bomb of commas costs nothing. */
const maxRequestedHeadersLength = 1_024
/** Always allowed, by name: `*` does not cover `authorization` (Fetch standard, CORS-preflight fetch). */
const alwaysAllowed = ['authorization', 'content-type']
/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Answers a CORS preflight; undefined for every other request. The answer is the same for every origin: it
 * depends on no key, so it can tell nothing, and origins are enforced on the real request.
 */
export function answerPreflight(request: IngestRequestInit, usual?: Reading): PreflightReply | undefined {
  if (request.method !== 'OPTIONS') return undefined
  const headers = toLowerCaseFields(request.headers)
  if (headers.origin === undefined || headers['access-control-request-method'] === undefined) return undefined
  const carried = usual && carriedKeyOf(asIngestRequest(request), usual)
  return {
    status: 204,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': allowedHeaders(headers),
      'access-control-max-age': '7200',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    },
    body: '',
    ...(carried !== undefined && { carried }),
  }
}

/** Browsers ask at the URL that they are going to send to: a key in it is hidden as that of any request. */
function carriedKeyOf(request: IngestRequest, usual: Reading): PreflightReply['carried'] {
  const { credentials } = readingOf(request, usual)
  if (!mayCarryKey(credentials) || typeof request.path !== 'string') return undefined
  return findCarriedKey(credentials, request, undefined, undefined)
}

function allowedHeaders(headers: FieldValues): string {
  const requested = headers['access-control-request-headers']
  const text = typeof requested === 'string' ? requested : (requested?.join(',') ?? '')
  if (text.length > maxRequestedHeadersLength) return alwaysAllowed.join(', ')
  const names = new Set(alwaysAllowed)
  for (const part of text.split(',')) {
    const name = part.trim().toLowerCase()
    if (token.test(name)) names.add(name)
  }
  return [...names].join(', ')
}
