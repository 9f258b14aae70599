import { parseContentEncoding } from '../http/content-coding.ts'
import { contentLengthOf } from '../http/content-length.ts'
import type { FieldValues } from '../http/ingest-request.ts'
import type { CheckedEvents } from './events.ts'

/**
 * The cost of a request in events: all events in its body, including dropped ones, or one for every
 * `eventBytes` begun, whichever is more.
 *
 * @param bytes the body's length once inflated; undefined when somebody else has parsed it. Then the
 * `Content-Length` of an unencoded body counts; the length of others is unknown.
 */
export function eventCost(
  checked: CheckedEvents,
  bytes: number | undefined,
  headers: FieldValues,
  eventBytes: number,
): number {
  const events = checked.events.length + checked.rejected.length
  const begun = Math.ceil((bytes ?? lengthIfUnencoded(headers)) / eventBytes)
  return Math.max(1, events, begun)
}

/** The least that a request with an unread body will cost. */
export function leastEventCost(headers: FieldValues, eventBytes: number): number {
  return Math.max(1, Math.ceil((contentLengthOf(headers) ?? 0) / eventBytes))
}

function lengthIfUnencoded(headers: FieldValues): number {
  return parseContentEncoding(headers['content-encoding']) === null ? (contentLengthOf(headers) ?? 0) : 0
}
