/** Why a request is refused, as `onEvent` and logs see it. The client sees `code`, which says less. */
export type Reason =
  | 'missing_key'
  | 'malformed_key'
  | 'unknown_key'
  | 'revoked_key'
  | 'expired_key'
  | 'wrong_environment'
  | 'wrong_workspace'
  | 'origin_not_allowed'
  | 'ip_not_allowed'
  | 'event_type_not_allowed'
  | 'event_name_not_allowed'
  | 'rate_limited'
  | 'sender_rate_limited'
  | 'quota_exceeded'
  | 'key_paused'
  | 'too_many_failures'
  | 'invalid_path'
  | 'unexpected_body'
  | 'invalid_json'
  | 'invalid_event'
  | 'event_type_mismatch'
  | 'payload_too_large'
  | 'too_many_events'
  | 'unsupported_encoding'
  | 'store_unavailable'
  | 'busy'
  /** `onEvents` of `writekey/ingest` threw or rejected. */
  | 'handler_failed'
  /** A bug, a function of the application that threw, or a body handed in as something that holds none. */
  | 'internal_error'
  | 'client_aborted'

/** What a client is told. Texts are fixed: nothing of the request is quoted. */
export interface Problem {
  readonly status: 400 | 401 | 403 | 413 | 415 | 429 | 499 | 503
  readonly code: string
  readonly title: string
  readonly detail: string
}

/** The same for every cause, so that an answer never tells whether a key exists, existed or is mistyped. */
const unauthorized: Problem = {
  status: 401,
  code: 'invalid_write_key',
  title: 'Invalid write key',
  detail: 'Send a valid write key as the user name of HTTP Basic authentication, with an empty password.',
}

const unavailable: Problem = {
  status: 503,
  code: 'store_unavailable',
  title: 'Temporarily unavailable',
  detail: 'The write key cannot be checked right now. Send the same request again after Retry-After seconds.',
}

/**
 * The one table of refusals. Senders act on the status: 4xx except 429 makes them drop data, 429 and 503 make
 * them retry.
 */
export const problems: Readonly<Record<Reason, Problem>> = {
  missing_key: unauthorized,
  malformed_key: unauthorized,
  unknown_key: unauthorized,
  revoked_key: unauthorized,
  expired_key: unauthorized,
  wrong_environment: unauthorized,
  wrong_workspace: unauthorized,
  origin_not_allowed: {
    status: 403,
    code: 'origin_not_allowed',
    title: 'Origin not allowed',
    detail: 'This write key does not accept events from this origin.',
  },
  ip_not_allowed: {
    status: 403,
    code: 'ip_not_allowed',
    title: 'Address not allowed',
    detail: 'This write key does not accept events from this network address.',
  },
  event_type_not_allowed: {
    status: 403,
    code: 'event_type_not_allowed',
    title: 'Event type not allowed',
    detail: 'This write key may not send events of this type. No event of this request was accepted.',
  },
  event_name_not_allowed: {
    status: 403,
    code: 'event_name_not_allowed',
    title: 'Event name not allowed',
    detail: 'This write key may not send events of this name. No event of this request was accepted.',
  },
  rate_limited: {
    status: 429,
    code: 'rate_limited',
    title: 'Too many events',
    detail:
      'This write key sends more events per second than it may. Send the same request again after Retry-After seconds.',
  },
  sender_rate_limited: {
    status: 429,
    code: 'sender_rate_limited',
    title: 'Too many events from one sender',
    detail:
      'This network address sends more events per second than one sender may with this write key. Send the same request again after Retry-After seconds.',
  },
  quota_exceeded: {
    status: 429,
    code: 'quota_exceeded',
    title: 'Monthly quota used up',
    detail:
      'This write key has sent as many events this month as it may. Send the same request again after Retry-After seconds.',
  },
  key_paused: {
    status: 429,
    code: 'key_paused',
    title: 'Write key paused',
    detail: 'This write key is paused. Send the same request again after Retry-After seconds.',
  },
  too_many_failures: {
    status: 429,
    code: 'too_many_failures',
    title: 'Too many invalid write keys',
    detail:
      'Too many invalid write keys came from this network address. Try again after Retry-After seconds.',
  },
  invalid_path: {
    status: 400,
    code: 'invalid_path',
    title: 'Invalid path',
    detail:
      'The path of the request can be read in more than one way: it must have no fragment, backslash, semicolon, dot segment or encoded delimiter, be UTF-8, and name one event type.',
  },
  unexpected_body: {
    status: 400,
    code: 'unexpected_body',
    title: 'Unexpected body',
    detail: 'A GET or HEAD request must have no body. Send events by POST.',
  },
  invalid_json: {
    status: 400,
    code: 'invalid_json',
    title: 'Invalid JSON',
    detail:
      'The request body must be JSON in UTF-8: one event, an array of events, or an object with a batch of events.',
  },
  invalid_event: {
    status: 400,
    code: 'invalid_event',
    title: 'Invalid event',
    detail:
      'Each event must be a JSON object whose type, where present, is a string; a batch must hold at least one event.',
  },
  event_type_mismatch: {
    status: 400,
    code: 'event_type_mismatch',
    title: 'Event type mismatch',
    detail: 'The type of an event differs from the type that the path of the request says.',
  },
  payload_too_large: {
    status: 413,
    code: 'payload_too_large',
    title: 'Payload too large',
    detail: 'The request body, or what it inflates to, is too large. Send smaller batches.',
  },
  too_many_events: {
    status: 413,
    code: 'too_many_events',
    title: 'Too many events in one request',
    detail: 'The batch holds too many events. Send smaller batches.',
  },
  unsupported_encoding: {
    status: 415,
    code: 'unsupported_encoding',
    title: 'Unsupported content encoding',
    detail: 'Use one of the content encodings that Accept-Encoding names, or none.',
  },
  store_unavailable: unavailable,
  // Faults on our side are for the operator only.
  internal_error: unavailable,
  busy: {
    status: 503,
    code: 'busy',
    title: 'Too busy',
    detail:
      'Too many request bodies are being received right now. Send the same request again after Retry-After seconds.',
  },
  handler_failed: {
    status: 503,
    code: 'handler_failed',
    title: 'Temporarily unavailable',
    detail: 'The events could not be taken right now. Send the same request again after Retry-After seconds.',
  },
  /** Nobody is left to read it: hooks get it, but it is never written. */
  client_aborted: {
    status: 499,
    code: 'client_aborted',
    title: 'Client closed the connection',
    detail: 'The connection was closed before the request body had arrived.',
  },
}

/** Every reason there is. */
export const reasons: readonly Reason[] = Object.keys(problems) as Reason[]
