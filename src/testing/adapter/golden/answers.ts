import type { ExpectedAnswer, GoldenRequest } from './golden-request.ts'

// Copied on purpose instead of imported: a change in the sources that senders would notice must fail here.

const exposed =
  'Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset'

/** One header less or more than usual; `null` = not there. */
export type HeaderChanges = Readonly<Record<string, string | null>>

/** The event that is sent by default. */
export const signedUp = { type: 'track', event: 'Signed Up', userId: 'u1' }

/** The request passes, and the handler gets these events. */
export function passes(
  handled: readonly unknown[] = [signedUp],
  changes: HeaderChanges = {},
): Pick<GoldenRequest, 'expected' | 'handled'> {
  return {
    expected: answer(200, { 'content-type': 'application/json; charset=utf-8', ...changes }, false, {
      success: true,
      accepted: handled.length,
    }),
    handled,
  }
}

const problems = {
  invalid_write_key: [
    401,
    'Invalid write key',
    'Send a valid write key as the user name of HTTP Basic authentication, with an empty password.',
  ],
  origin_not_allowed: [403, 'Origin not allowed', 'This write key does not accept events from this origin.'],
  ip_not_allowed: [
    403,
    'Address not allowed',
    'This write key does not accept events from this network address.',
  ],
  event_type_not_allowed: [
    403,
    'Event type not allowed',
    'This write key may not send events of this type. No event of this request was accepted.',
  ],
  event_name_not_allowed: [
    403,
    'Event name not allowed',
    'This write key may not send events of this name. No event of this request was accepted.',
  ],
  rate_limited: [
    429,
    'Too many events',
    'This write key sends more events per second than it may. Send the same request again after Retry-After seconds.',
  ],
  too_many_failures: [
    429,
    'Too many invalid write keys',
    'Too many invalid write keys came from this network address. Try again after Retry-After seconds.',
  ],
  invalid_path: [
    400,
    'Invalid path',
    'The path of the request can be read in more than one way: it must have no fragment, backslash, semicolon, dot segment or encoded delimiter, be UTF-8, and name one event type.',
  ],
  unexpected_body: [400, 'Unexpected body', 'A GET or HEAD request must have no body. Send events by POST.'],
  invalid_json: [
    400,
    'Invalid JSON',
    'The request body must be JSON in UTF-8: one event, an array of events, or an object with a batch of events.',
  ],
  invalid_event: [
    400,
    'Invalid event',
    'Each event must be a JSON object whose type, where present, is a string; a batch must hold at least one event.',
  ],
  event_type_mismatch: [
    400,
    'Event type mismatch',
    'The type of an event differs from the type that the path of the request says.',
  ],
  payload_too_large: [
    413,
    'Payload too large',
    'The request body, or what it inflates to, is too large. Send smaller batches.',
  ],
  too_many_events: [
    413,
    'Too many events in one request',
    'The batch holds too many events. Send smaller batches.',
  ],
  unsupported_encoding: [
    415,
    'Unsupported content encoding',
    'Use one of the content encodings that Accept-Encoding names, or none.',
  ],
  store_unavailable: [
    503,
    'Temporarily unavailable',
    'The write key cannot be checked right now. Send the same request again after Retry-After seconds.',
  ],
  busy: [
    503,
    'Too busy',
    'Too many request bodies are being received right now. Send the same request again after Retry-After seconds.',
  ],
} as const

/** What a 415 says besides. */
export const unsupported = (changes: RefusalChanges = {}) =>
  refuses('unsupported_encoding', {
    ...changes,
    headers: {
      'accept-encoding': hasZstd ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br',
      ...changes.headers,
    },
  })

const hasZstd = 'createZstdDecompress' in process.getBuiltinModule('node:zlib')

export type ProblemCode = keyof typeof problems

export interface RefusalChanges {
  /** Default: false, because most refusals come after the body was read. */
  closes?: boolean
  headers?: HeaderChanges
  /** Further members of the problem body, in order. */
  members?: Readonly<Record<string, unknown>>
}

/** The request is refused, and the handler does not run. */
export function refuses(code: ProblemCode, changes: RefusalChanges = {}): Pick<GoldenRequest, 'expected'> {
  const [status, title, detail] = problems[code]
  const headers = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...changes.headers,
  }
  const body = { title, status, detail, code, ...changes.members }
  return { expected: answer(status, headers, changes.closes ?? false, body) }
}

export const basicChallenge = 'Basic realm="events", charset="UTF-8"'
export const customChallenge = 'WriteKey realm="events"'

/** The one answer for whatever is wrong with a key. */
export function unauthorized(challenge = basicChallenge, closes = false): Pick<GoldenRequest, 'expected'> {
  return refuses('invalid_write_key', { closes, headers: { 'www-authenticate': challenge } })
}

/** The `RateLimit*` fields of draft-ietf-httpapi-ratelimit-headers and their older spelling. */
export function rateHeaders(
  limit: number,
  windowSeconds: number,
  remaining: number,
  resetSeconds: number,
): Readonly<Record<string, string>> {
  return {
    'ratelimit-policy': `"events";q=${limit};w=${windowSeconds}`,
    ratelimit: `"events";r=${remaining};t=${resetSeconds}`,
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(resetSeconds),
  }
}

/** A 429 of the rate limit. */
export function limited(
  rate: Readonly<Record<string, string>>,
  retryAfterSeconds: number,
  changes: RefusalChanges = {},
): Pick<GoldenRequest, 'expected'> {
  return refuses('rate_limited', {
    ...changes,
    headers: { ...rate, 'retry-after': String(retryAfterSeconds), ...changes.headers },
    members: { retry_after: retryAfterSeconds },
  })
}

/** A preflight passes; it allows these headers. */
export function preflights(allowedHeaders = 'authorization, content-type'): Pick<GoldenRequest, 'expected'> {
  return {
    expected: {
      status: 204,
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': allowedHeaders,
        'access-control-max-age': '7200',
        vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      },
      body: '',
      closes: false,
    },
  }
}

function answer(status: number, changes: HeaderChanges, closes: boolean, body: unknown): ExpectedAnswer {
  const headers = {
    vary: 'Origin',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': exposed,
    ...changes,
  }
  const present = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null)
  return { status, headers: Object.fromEntries(present), body: JSON.stringify(body), closes }
}
