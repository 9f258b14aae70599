import { parseContentEncoding } from '../http/content-coding.ts'
import { contentLengthOf } from '../http/content-length.ts'
import type { FieldValues } from '../http/ingest-request.ts'
import type { CheckedEvents } from './events.ts'

/**
 * What a request takes out of the bucket, in events: all that its body holds, dropped ones as well, or one
 * for every `eventBytes` that were begun, whichever is more.
 *
 * @param bytes the body's length once inflated; undefined when somebody else has parsed it. Then the
 * `Content-Length` of an
 *   unencoded body is taken, and nothing is known of others.
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

/** The least that a request whose body has not been read will cost. */
export function leastEventCost(headers: FieldValues, eventBytes: number): number {
  return Math.max(1, Math.ceil((contentLengthOf(headers) ?? 0) / eventBytes))
}

function lengthIfUnencoded(headers: FieldValues): number {
  return parseContentEncoding(headers['content-encoding']) === null ? (contentLengthOf(headers) ?? 0) : 0
}
