import type { IncomingMessage, ServerResponse } from 'node:http'
import { inBackground } from '../runtime/timers.ts'
import { contentLengthOf } from './content-length.ts'
import type { FieldValues } from './ingest-request.ts'
import { hasArrived } from './raw-body.ts'

/** How much of a body that nobody wants is read and thrown away, in bytes. */
export const mostThrownAway = 65_536
/** How long, in milliseconds, a connection is kept for the rest of such a body. */
export const patienceMs = 1_000

/**
 * Whether a connection may live on although the request's body has not been read: its end is known, near, and not waiting for
 * a word from us. Without a length there is none (RFC 9112, 6.3).
 * @param isContinued whether `Expect: 100-continue` has been answered
 */
export function isSoonOver(headers: FieldValues, isContinued = false): boolean {
  if (headers['transfer-encoding'] !== undefined) return false
  if (headers.expect !== undefined && !isContinued) return false
  if (headers['content-length'] === undefined) return true
  return (contentLengthOf(headers) ?? Infinity) <= mostThrownAway
}

/** Whether nothing of a request is on its way any more. */
export function isWhole(request: IncomingMessage): boolean {
  return (
    request.complete || request.destroyed || hasArrived(request, Number(request.headers['content-length']))
  )
}

/**
 * Lets a connection serve the next request once this one is answered and the rest of its body has been thrown away, which
 * Node does by itself, for as long as it takes. A client that does not send the rest within a second is not waited for.
 *
 * To be called before the answer is ended.
 */
export function throwRestAway(response: ServerResponse): void {
  const request = response.req
  if (isWhole(request)) return
  response.once('finish', () => {
    if (isWhole(request)) return
    const timer = setTimeout(() => request.destroy(), patienceMs)
    inBackground(timer)
    const stop = () => clearTimeout(timer)
    request.once('end', stop)
    request.once('close', stop)
  })
}

/** Whether Node, or the application, has told a client that waits for it to go on. */
export function isContinued(response: ServerResponse): boolean {
  const { _sent100, stream } = response as { _sent100?: boolean; stream?: InformedStream }
  return _sent100 === true || stream?.sentInfoHeaders?.some((fields) => fields[':status'] === 100) === true
}

/** Of `node:http2`. */
interface InformedStream {
  readonly sentInfoHeaders?: readonly Readonly<Record<string, unknown>>[]
}
