import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { inBackground } from '../runtime/timers.ts'
import { mostThrownAway } from './connection-close.ts'
import { patienceMs } from './unread-body.ts'

/**
 * Ends an HTTP/2 stream whose answer is written while its body still comes. Node does so itself only if nobody has begun
 * to read: any other stream it would keep, and what it holds of the body, until the client closes the connection. Once the
 * answer is out, at most 64 KiB more are read and thrown away, for at most a second. Then the client is told to
 * stop, by a reset without an error.
 *
 * Call it before the answer is ended. Does nothing on HTTP/1.
 *
 * Source: RFC 9113, 8.1.
 */
export function endUnreadStream(response: ServerResponse): void {
  const { req: request, stream } = response as ServerResponse & { stream?: ServerHttp2Stream }
  if (stream !== undefined && request.httpVersionMajor >= 2) endAfterAnswer(request, stream)
}

function endAfterAnswer(request: IncomingMessage, stream: ServerHttp2Stream): void {
  stream.once('finish', () => {
    if (stream.readableFlowing === null || stream.destroyed || request.readableEnded) return
    const timer = setTimeout(reset, patienceMs)
    inBackground(timer)
    let left = mostThrownAway

    function onData(bytes: Uint8Array): void {
      left -= bytes.length
      if (left <= 0) reset()
    }

    function reset(): void {
      clearTimeout(timer)
      request.off('data', onData)
      stream.close(noError)
      // What has arrived is thrown away: only a stream that has been read to its end is let go.
      request.resume()
    }

    stream.once('close', () => clearTimeout(timer))
    request.on('data', onData)
    request.resume()
  })
}

/** `NGHTTP2_NO_ERROR`. */
const noError = 0
