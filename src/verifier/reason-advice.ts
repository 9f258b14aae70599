import type { Reason } from './reasons.ts'

/** A reason in words for the person who has to act on it. The sender is told less: see `problems`. */
export interface ReasonAdvice {
  /** What happened: a sentence without its full stop, which the page shows as a heading. */
  readonly cause: string
  /** What to do about it, in whole sentences. */
  readonly advice: string
}

/**
 * Shown by the command line, the page and the documentation. The page's bundle includes this file, so it
 * imports only types.
 */
export const reasonAdvice: Readonly<Record<Reason, ReasonAdvice>> = {
  missing_key: {
    cause: 'No write key was sent',
    advice: 'Send the key as the user name of HTTP Basic authentication, with an empty password.',
  },
  malformed_key: {
    cause: 'What was sent is not a write key: its shape or its checksum is wrong',
    advice: 'Copy the whole key again. A character is missing, changed, or one too many.',
  },
  unknown_key: {
    cause: 'This store has no such key',
    advice:
      'The key was made for another store, it was deleted, or the pepper differs. Or the secret was rotated away: without grace, with its grace ended early, or before the last rotation. Then put the newest secret into the sender.',
  },
  revoked_key: {
    cause: 'The key was revoked',
    advice: 'Revocation cannot be undone. Create a new key and put it into the sender.',
  },
  expired_key: {
    cause: 'The secret has ended',
    advice:
      'Its grace after a rotation is over, or the key has expired. Put the newest secret into the sender, or rotate to get one.',
  },
  wrong_environment: {
    cause: 'The key belongs to another environment',
    advice: 'Use a key of this environment: a test key does not work in production, nor the other way round.',
  },
  wrong_workspace: {
    cause: 'The key belongs to another workspace, or to none',
    advice:
      'Use a key of the workspace that this address serves. If every key is refused, check the option workspace.',
  },
  origin_not_allowed: {
    cause: 'The origin of the page is not among the allowed origins',
    advice:
      'The browser shows a CORS error. If the site is yours, add its origin to the allowed origins, exactly as the browser sends it.',
  },
  ip_not_allowed: {
    cause: 'The address is not allowed, or is not known',
    advice: 'Check the allowed and denied addresses, and trustedProxies behind a proxy.',
  },
  event_type_not_allowed: {
    cause: 'The key may not send events of this type',
    advice: 'Add the type to the allowed event types, or stop sending it with this key.',
  },
  event_name_not_allowed: {
    cause: 'The key may not send events of this name',
    advice: 'Check the allowed and denied event names.',
  },
  rate_limited: {
    cause: 'The key sends more events per second than it may',
    advice: 'Send less often, in larger batches, or raise the rate limit.',
  },
  sender_rate_limited: {
    cause: 'One address sends more events per second than one sender may with this key',
    advice:
      'The others are not affected. Offices and mobile networks share one address: raise senderRateLimitEps if many people sit behind it, otherwise find out why it sends so much.',
  },
  quota_exceeded: {
    cause: 'The key has sent as many events this month as its plan gives it',
    advice:
      'Give the key a larger plan, or raise monthlyEvents of its plan. The count begins again with the month, in UTC.',
  },
  key_paused: {
    cause: 'The key was paused',
    advice:
      'If it still is, resume it when its events are wanted again. Senders try again for a while, and then throw events away.',
  },
  too_many_failures: {
    cause: 'Too many unknown keys came from this address',
    advice: 'A sender there keeps trying keys that do not exist. Find it and fix its key.',
  },
  invalid_path: {
    cause: 'The path can be read in different ways, or names two event types',
    advice:
      'Send to a plain path such as /v1/track. For a route such as /page/track, give writeKeyAuth an eventType.',
  },
  unexpected_body: {
    cause: 'A GET or HEAD request had a body',
    advice: 'Send events by POST.',
  },
  invalid_json: {
    cause: 'The body is not JSON',
    advice: 'Send one event, a list of events, or { "batch": […] }, as JSON in UTF-8.',
  },
  invalid_event: {
    cause:
      'The body holds no event, something that is not an event, or an event that does not fit its schema',
    advice:
      'Each event must be an object; its type, where present, a string; a batch needs at least one event. With `schemas`, the answer names index and field.',
  },
  event_type_mismatch: {
    cause: 'The path says one event type and the body another',
    advice: 'Send the event to the path of its type or to /batch, or leave the type out of the body.',
  },
  payload_too_large: {
    cause: 'The body is too large',
    advice: 'Send smaller batches, or raise maxBodyBytes.',
  },
  too_many_events: {
    cause: 'The batch holds too many events',
    advice: 'Send smaller batches, or raise maxEvents.',
  },
  unsupported_encoding: {
    cause: 'The content encoding is not known',
    advice: 'Use one that the answer names in Accept-Encoding, such as gzip, or send the body uncompressed.',
  },
  store_unavailable: {
    cause: 'The store does not answer, or a flood of unknown keys has used up the looks at it',
    advice:
      'Look at the database, and at who sends unknown keys if it is well. Senders try again by themselves.',
  },
  internal_error: {
    cause: 'Verification failed on the server; senders are told that the store is unavailable',
    advice: 'The log names what went wrong. Senders try again by themselves.',
  },
  busy: {
    cause: 'The server had no room for another request body, or no time to inflate it',
    advice:
      'Senders try again by themselves. If it goes on, find out who sends large or slow bodies. If all of them are wanted and the server has memory to spare, raise maxPendingBodyBytes.',
  },
  handler_failed: {
    cause: 'Your onEvents threw or rejected',
    advice:
      'What it threw is in the log and in the event. Senders try again by themselves; nothing was counted as accepted.',
  },
  client_aborted: {
    cause:
      'The sender closed the connection before its request body had arrived, or reset it before its address was known',
    advice: 'Check its network and its time-out. It got no answer, and nothing was counted.',
  },
}
