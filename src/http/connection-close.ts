import type { ServerResponse } from 'node:http'
import { contentLengthOf } from './content-length.ts'
import type { FieldValues, IngestRequest } from './ingest-request.ts'

/** How much of an unread body is read and thrown away to keep the connection, in bytes. */
export const mostThrownAway = 65_536

/** A request, and what reading its body gave; undefined before it is read. */
type Unread = {
  request: Pick<IngestRequest, 'body' | 'method'> & { readonly headers: FieldValues }
  received: { readonly ok: true } | { readonly ok: false; readonly bodyLeft: boolean } | undefined
}

/**
 * Whether a refusal says `Connection: close`: bytes of the body may still be on their way, and the rest is not short.
 * On Node's response this is decided again when the answer is written, see {@link closingOf}.
 */
export function mustClose(unread: Unread): boolean {
  return isBodyLeft(unread) && !isSoonOver(unread.request.headers)
}

/** Whether the connection may still carry bytes of a body that nobody will read. */
function isBodyLeft({ request, received }: Unread): boolean {
  if (received !== undefined) return !received.ok && received.bodyLeft
  if (typeof request.body !== 'function') return false
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  if (coding !== undefined) return true
  if (length !== undefined) return length !== '0'
  return request.method !== 'GET' && request.method !== 'HEAD'
}

/**
 * What becomes of a refusal's `Connection: close` on Node's response. `'stream'`: HTTP/2 has no such field (RFC 9113,
 * 8.2.2), and ends one stream without the others. `'kept'`: the rest of the body is short, so the connection lives on.
 *
 * Asked when the answer is written: only then is it known whether a waiting client has got its `100 Continue`.
 */
export function closingOf(response: ServerResponse): 'closed' | 'kept' | 'stream' {
  if (response.req.httpVersionMajor >= 2) return 'stream'
  return isSoonOver(response.req.headers, isContinued(response)) ? 'kept' : 'closed'
}

/**
 * Whether the answer of a web-standard handler, such as the management API, says `Connection: close`.
 * @param isUnread whether the handler has left the body alone
 */
export function closesUnread(response: ServerResponse, isUnread: boolean): boolean {
  if (!isUnread || response.req?.httpVersionMajor !== 1) return false
  const { headers } = response.req
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/**
 * Whether the connection can live on although the body has not been read: the rest is short, of known length, and the
 * client does not wait for `100 Continue` before it sends it. A request without a length has no body (RFC 9112, 6.3).
 * @param isContinued whether `Expect: 100-continue` has been answered
 */
function isSoonOver(headers: FieldValues, isContinued = false): boolean {
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

/**
 * Whether nothing that is answered to a request would be sent: it was pipelined behind one whose answer says `Connection: close`, and a
 * sender that sees no answer sends its events again (RFC 9112, 9.6). Node parses such a request and has it handled.
 */
export function isBehindClose(request: object): boolean {
  const { socket, httpVersionMajor } = request as PipelinedRequest
  // Sockets of HTTP/2 throw once their session has ended.
  if (httpVersionMajor !== 1 || socket?._httpMessage === undefined) return false
  const { _httpMessage: answering, writableEnded, readableEnded } = socket
  // Node ends what a client has ended, too: that one may want no answer.
  if (writableEnded && !readableEnded) return true
  return answering !== null && answering.req !== request && answering._last === true
}

interface PipelinedRequest {
  readonly httpVersionMajor?: number
  readonly socket?: {
    readonly writableEnded?: boolean
    readonly readableEnded?: boolean
    /** The response that the connection sends: that of the oldest request without a whole answer. Null when there is none. */
    readonly _httpMessage?: { readonly req: object; readonly _last?: boolean } | null
  }
}
