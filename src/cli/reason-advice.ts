import type { Reason } from '../index.ts'

/** Why a request is refused, in words for the person who has to mend it. */
export const reasonAdvice: Readonly<Record<Reason, { status: number; cause: string; advice: string }>> = {
  missing_key: {
    status: 401,
    cause: 'No write key was sent.',
    advice: 'Send it as the user name of HTTP Basic authentication, with an empty password.',
  },
  malformed_key: {
    status: 401,
    cause: 'This is no write key: its shape or its checksum is wrong.',
    advice: 'Copy it again as a whole: a character is missing, changed or too many.',
  },
  unknown_key: {
    status: 401,
    cause: 'This store has no such key.',
    advice:
      'It was made for another store, its key was deleted, or the pepper differs: check --store and WRITEKEY_PEPPER.',
  },
  revoked_key: {
    status: 401,
    cause: 'The key was revoked, which is final.',
    advice: 'Create a new key and put it into the sender.',
  },
  expired_key: {
    status: 401,
    cause: 'The secret has ended: the grace after a rotation is over, or the key has expired.',
    advice: 'Put the newest secret into the sender, or rotate to get one.',
  },
  wrong_environment: {
    status: 401,
    cause: 'The key belongs to another environment.',
    advice: 'Use a key of this environment; WRITEKEY_ENVIRONMENT says which one that is here.',
  },
  origin_not_allowed: {
    status: 403,
    cause: 'The origin is not among the allowed origins. A browser shows a CORS error.',
    advice: 'Add the origin, exactly as the browser sends it: writekey update ID --allowed-origins …',
  },
  ip_not_allowed: {
    status: 403,
    cause: 'The address is not allowed, or could not be told.',
    advice: 'Check the allowed and denied addresses, and trustedProxies behind a proxy.',
  },
  event_type_not_allowed: {
    status: 403,
    cause: 'The key may not send events of this type.',
    advice: 'Check the allowed event types: writekey update ID --allowed-event-types …',
  },
  event_name_not_allowed: {
    status: 403,
    cause: 'The key may not send events of this name.',
    advice: 'Check the allowed and denied event names.',
  },
  rate_limited: {
    status: 429,
    cause: 'The key sends more events per second than it may.',
    advice: 'Send less often, in larger batches, or raise the rate limit.',
  },
  too_many_failures: {
    status: 429,
    cause: 'Too many unknown keys came from this address.',
    advice: 'Find the sender with the wrong key and mend it.',
  },
  invalid_path: {
    status: 400,
    cause: 'Routers read the path in different ways, or it names two event types.',
    advice:
      'Send to a plain path such as /v1/track. For a route such as /page/track, give writeKeyAuth an eventType.',
  },
  unexpected_body: {
    status: 400,
    cause: 'A GET or HEAD request had a body.',
    advice: 'Send events by POST.',
  },
  invalid_json: { status: 400, cause: 'The body is no JSON.', advice: 'Send JSON in UTF-8.' },
  invalid_event: {
    status: 400,
    cause: 'The body holds no event.',
    advice: 'Send one event, a list of events, or { "batch": […] }.',
  },
  event_type_mismatch: {
    status: 400,
    cause: 'The path says one event type and the body another.',
    advice: 'Send the event to the path of its type, or leave the type out of the body.',
  },
  payload_too_large: { status: 413, cause: 'The body is too large.', advice: 'Send smaller batches.' },
  too_many_events: {
    status: 413,
    cause: 'The batch holds too many events.',
    advice: 'Send smaller batches.',
  },
  unsupported_encoding: {
    status: 415,
    cause: 'The content encoding is not known.',
    advice: 'Use one of those that the answer names in Accept-Encoding, such as gzip, or none.',
  },
  store_unavailable: {
    status: 503,
    cause: 'The store does not answer.',
    advice: 'Look at the database; senders try again by themselves.',
  },
  internal_error: {
    status: 503,
    cause: 'Verification failed on this side; senders are told that the store is unavailable.',
    advice: 'Look into the log, which names what went wrong.',
  },
  busy: {
    status: 503,
    cause: 'More request bodies are under way than maxPendingBodyBytes allows, or none was inflated in time.',
    advice:
      'Find the sender of the large bodies, or raise maxPendingBodyBytes; senders try again by themselves.',
  },
  client_aborted: {
    status: 499,
    cause: 'The client closed the connection before its request body had arrived.',
    advice: "Look at the sender's network and time-out; nothing was answered, and nothing counted.",
  },
}
