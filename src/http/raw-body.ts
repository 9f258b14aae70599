import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { bytesOfChunk } from './decoded-chunks.ts'
import { offError } from './error-listener.ts'
import type { ReadBody } from './ingest-request.ts'

/**
 * A Node request whose body is a stream: `http.IncomingMessage`, or what the HTTP/2 compatibility API hands
 * out.
 */
export type BodyStream = Readable & {
  readonly headers: IncomingHttpHeaders
  /** False when the stream ended before the whole message had arrived. */
  readonly complete?: boolean
  /**
   * True once the client has gone. An HTTP/2 stream then ends as if nothing had happened, and is not
   * `destroyed`.
   */
  readonly aborted?: boolean
}

/**
 * A {@link ReadBody} over a Node request stream. Reads nothing before it is called.
 *
 * A `Content-Length` above the limit resolves to `null` without reading. Otherwise bytes are counted as they
 * come. On overflow, when `hold` has no room or when others need it, the stream is left paused with the rest
 * unread. Rejects with an `Error` of `code: 'client_aborted'` when the client goes away, and with a
 * `BodyTakenError` for text that hides the bytes (`setEncoding`). Leaves no listener behind.
 *
 * @param letOthersRead lets others go on who call `read()`: each piece that they read comes here as well
 */
export function createBodyReader(request: BodyStream, letOthersRead?: () => void): ReadBody {
  return function readRawBody(maxBytes, hold = unbounded) {
    const length = Number(request.headers['content-length'])
    if (length > maxBytes) return null
    if (letOthersRead !== undefined) {
      const bytes = readAsItComes(request, maxBytes, hold)
      letOthersRead()
      return bytes
    }
    // Node hands a request on when it has parsed the head. A body in the same packet is there one microtask
    // later.
    return arrived.then(() => {
      const bytes = readArrived(request, length)
      if (bytes === undefined) return readAsItComes(request, maxBytes, hold)
      return hold(bytes.length) ? bytes : null
    })
  }
}

type Hold = NonNullable<Parameters<ReadBody>[1]>

function unbounded(): boolean {
  return true
}

const arrived = Promise.resolve()

/**
 * Reads a body that has arrived whole, as short ones do, in one read, without the four listeners that a
 * stream needs. `undefined`: it must be awaited.
 *
 * @param length what `Content-Length` says
 */
function readArrived(request: BodyStream, length: number): Buffer | undefined {
  if (!hasArrived(request, length)) return undefined
  // Somebody already listens, has paused the stream or wants text, or the client has gone.
  if (request.readableFlowing !== null || request.readableEncoding !== null || request.destroyed)
    return undefined
  // All of it: without a number Node 26 and Deno return one piece, and the rest would be lost.
  const bytes: unknown = request.read(length)
  // Only the end is left, which Node and others wait for.
  request.resume()
  return bytes instanceof Buffer ? bytes : undefined
}

/**
 * Whether all of a body can be read now. Node calls the request complete a little later.
 * @param length what `Content-Length` says
 */
export function hasArrived(request: Readable, length: number): boolean {
  return length > 0 && request.readableLength === length
}

function readAsItComes(request: BodyStream, maxBytes: number, hold: Hold): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    if (request.aborted) return reject(clientAborted())
    if (request.readableEnded) return resolve(Buffer.alloc(0))
    if (request.destroyed) return reject(clientAborted())

    let first: Buffer | undefined
    let rest: Buffer[] | undefined
    let length = 0

    function onData(chunk: Buffer | string): void {
      try {
        take(typeof chunk === 'string' ? bytesOfChunk(chunk, request.readableEncoding) : chunk)
      } catch (error) {
        stop()
        reject(error)
      }
    }

    function take(bytes: Buffer): void {
      length += bytes.length
      if (length > maxBytes || !hold(bytes.length, giveUp)) giveUp()
      else if (first === undefined) first = bytes
      else if (rest === undefined) rest = [first, bytes]
      else rest.push(bytes)
    }

    function giveUp(): void {
      stop()
      first = undefined
      rest = undefined
      resolve(null)
    }

    function stop(): void {
      detach()
      offError(request, onGone)
      request.pause()
    }

    function onEnd(): void {
      detach()
      offError(request, onGone)
      if (request.aborted || request.complete === false) reject(clientAborted())
      else resolve(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest, length))
    }

    function onGone(): void {
      detach()
      request.off('error', onGone)
      reject(clientAborted())
    }

    function detach(): void {
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('close', onGone)
    }

    request.on('end', onEnd)
    request.on('error', onGone)
    request.on('close', onGone)
    request.on('data', onData)
  })
}

export function clientAborted(): Error {
  return Object.assign(new Error('the client went away before its request body had arrived'), {
    code: 'client_aborted',
  })
}
