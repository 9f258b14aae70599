import type { ServerResponse } from 'node:http'
import { contentLengthOf } from './content-length.ts'
import type { FieldValues } from './ingest-request.ts'

/** How much of an unread body is read and thrown away to keep the connection, in bytes. */
export const mostThrownAway = 65_536

/**
 * Whether a refusal can do without `Connection: close` although the body has not been read: the rest is short, of known
 * length, and the client does not wait for `100 Continue` before it sends it. A request without a length has no body
 * (RFC 9112, 6.3).
 * @param isContinued whether `Expect: 100-continue` has been answered
 */
export function isSoonOver(headers: FieldValues, isContinued = false): boolean {
  if (headers['transfer-encoding'] !== undefined) return false
  if (headers.expect !== undefined && !isContinued) return false
  if (headers['content-length'] === undefined) return true
  return (contentLengthOf(headers) ?? Infinity) <= mostThrownAway
}

/** Whether Node or the application has sent `100 Continue`. */
export function isContinued(response: ServerResponse): boolean {
  const { _sent100, stream } = response as { _sent100?: boolean; stream?: InformedStream }
  return _sent100 === true || stream?.sentInfoHeaders?.some((fields) => fields[':status'] === 100) === true
}

/** A stream of `node:http2`. */
interface InformedStream {
  readonly sentInfoHeaders?: readonly Readonly<Record<string, unknown>>[]
}
