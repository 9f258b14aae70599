import type { ServerResponse } from 'node:http'
import { mostThrownAway } from '../http/connection-close.ts'
import { offError } from '../http/error-listener.ts'
import { isWhole, patienceMs } from '../http/unread-body.ts'
import { inBackground } from '../runtime/timers.ts'

/**
 * A client that has this much left when it reads its answer may have sent as much already when we wrote it.
 */
const mostDrained = 2 * mostThrownAway

/**
 * Lets an answer with `Connection: close` arrive while the client still sends its body. Closing a socket over
 * unread bytes resets it, and a reset makes the client's system drop the answer: the sender would see a
 * network error, and send again what was refused for good. So the answer is written in full, and the
 * connection closes when the body has ended, when the client has closed it, or after a second, whichever
 * comes first. Meanwhile at most 128 KiB of the body are read.
 *
 * Call it before the answer is ended, in any framework. Does nothing when the whole request has arrived, as
 * short ones have: holding back the end of an answer took 40 µs.
 *
 * Source: RFC 9112, 9.6.
 */
export function lingerOnClose(response: ServerResponse): void {
  // Node closes the connection as soon as an answer has ended, so the end must wait.
  if (!isWhole(response.req)) response.end = endingAfterClient(response)
}

/** Returned, not assigned where it is written: V8 would put it among its old objects, and keep the response until the next full collection. */
function endingAfterClient(response: ServerResponse): ServerResponse['end'] {
  const request = response.req
  const { end } = response

  return function endAfterClient(...parts: unknown[]): ServerResponse {
    response.end = end
    const [chunk] = parts
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
      if (!response.headersSent && !response.hasHeader('content-length')) {
        response.setHeader('content-length', Buffer.byteLength(chunk))
      }
      response.write(chunk, typeof parts[1] === 'string' ? (parts[1] as BufferEncoding) : 'utf8')
    } else {
      response.flushHeaders()
    }
    const callback = parts.find((part): part is () => void => typeof part === 'function')
    const timer = setTimeout(finish, patienceMs)
    inBackground(timer)
    let left = mostDrained

    function onData(bytes: Uint8Array): void {
      left -= bytes.length
      if (left <= 0) request.pause()
    }

    function finish(): void {
      clearTimeout(timer)
      request.off('data', onData)
      request.off('end', finish)
      offError(request, finish)
      response.off('close', finish)
      response.end(callback)
    }

    request.on('end', finish)
    request.on('error', finish)
    response.on('close', finish)
    request.on('data', onData)
    request.resume()
    return response
  } as typeof end
}
