/** An internal reason in plain words, and what to do about it. */
export interface ReasonWords {
  title: string
  advice: string
}

const reasons: Record<string, ReasonWords> = {
  missing_key: {
    title: 'No write key was sent',
    advice: 'Send the key as the user name of HTTP Basic authentication, with an empty password.',
  },
  malformed_key: {
    title: 'What was sent is not a write key',
    advice: 'Copy the key again: a character is missing or changed, or another kind of token was used.',
  },
  unknown_key: {
    title: 'Nobody made this key here',
    advice: 'It belongs to another workspace, or its write key was deleted. Check where the key was created.',
  },
  revoked_key: {
    title: 'The key was revoked',
    advice: 'Revocation cannot be undone. Create a new key and put it into the sender.',
  },
  expired_key: {
    title: 'The secret has ended',
    advice:
      'Its grace after a rotation is over, or the key has expired. Put the newest secret into the sender.',
  },
  wrong_environment: {
    title: 'The key belongs to another environment',
    advice: 'Use a key of this environment: a test key does not work in production, nor the other way round.',
  },
  origin_not_allowed: {
    title: 'The page’s origin is not on the list',
    advice: 'The browser shows a CORS error. If the site is yours, add its origin to the allowed origins.',
  },
  ip_not_allowed: {
    title: 'The address is not allowed',
    advice: 'Check the address rules, and whether the trusted proxies are set right.',
  },
  event_type_not_allowed: {
    title: 'The key may not send this event type',
    advice: 'Add the type to the allowed event types, or stop sending it with this key.',
  },
  event_name_not_allowed: {
    title: 'The key may not send this event name',
    advice: 'Check the allowed and denied event names.',
  },
  rate_limited: {
    title: 'Over the rate limit',
    advice: 'Send less often, batch for longer, or raise the rate limit.',
  },
  too_many_failures: {
    title: 'Too many wrong keys from one address',
    advice: 'A sender there keeps trying keys that do not exist. Find it and fix its key.',
  },
  invalid_path: {
    title: 'The path can be read in two ways',
    advice:
      'Send to a plain path such as /v1/track. A route such as /page/track needs an eventType in its writeKeyAuth.',
  },
  unexpected_body: {
    title: 'A GET with a body',
    advice: 'Send events by POST.',
  },
  invalid_json: {
    title: 'The body is not JSON',
    advice: 'Send one event, an array of events, or { "batch": […] }, in UTF-8.',
  },
  invalid_event: {
    title: 'An event is malformed',
    advice:
      'Each event must be an object; its type, where present, a string; a batch needs at least one event.',
  },
  event_type_mismatch: {
    title: 'Path and event disagree',
    advice: 'The path says one event type, the event another. Send each type to its own path, or to /batch.',
  },
  payload_too_large: { title: 'The body is too large', advice: 'Send smaller batches.' },
  too_many_events: { title: 'Too many events in one request', advice: 'Send smaller batches.' },
  unsupported_encoding: {
    title: 'Unknown compression',
    advice: 'Use one that the answer names in Accept-Encoding, such as gzip, or send the body uncompressed.',
  },
  store_unavailable: {
    title: 'The key could not be checked',
    advice: 'The store did not answer in time. Senders try again by themselves; look at the database.',
  },
  internal_error: {
    title: 'Verification failed on the server',
    advice: 'The server’s log names what went wrong. Senders try again by themselves.',
  },
  busy: {
    title: 'Too many bodies at once',
    advice:
      'Senders try again by themselves. If it lasts, find who sends large bodies, or raise maxPendingBodyBytes.',
  },
  client_aborted: {
    title: 'The sender hung up',
    advice:
      'The connection ended before the body had arrived. Look at the sender’s network and its time-out.',
  },
}

export const reasonNames = Object.keys(reasons)

export function describeReason(reason: string): ReasonWords {
  return reasons[reason] ?? { title: reason, advice: 'See the documentation.' }
}
