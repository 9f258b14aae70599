import { isBehindClose } from './connection-close.ts'
import type { ReadBody } from './ingest-request.ts'
import { BodyTakenError, nothingKept } from './parsed-body.ts'
import { type BodyStream, clientAborted, createBodyReader } from './raw-body.ts'

/**
 * A {@link ReadBody} over a stream that others may listen to as well. A listener that was added before us,
 * such as one that counts bytes, gets them when we do and not before, whether it waits for `'data'` or for `'readable'`. The
 * stream has ended when we hand the bytes out: parsers behind us look at that. A request that nothing can be answered to any more is
 * as one whose client has left.
 */
export function createStreamReader(request: BodyStream): ReadBody {
  const { method } = request as { method?: string }
  const isBodiless = method === 'GET' || method === 'HEAD'
  if (request.readableFlowing === true && !isBodiless) request.pause()
  const others = isBodiless ? undefined : holdReaders(request)
  const read = createBodyReader(request, others?.letRead)

  return function readStream(...limits) {
    if (request.readableDidRead) throw new BodyTakenError(nothingKept)
    const bytes = read(...limits)
    if (!(bytes instanceof Promise)) return bytes
    // A stream that somebody has paused does not resume for a new listener alone. Ours has been added by
    // then.
    if (request.readableFlowing === false) queueMicrotask(() => request.resume())
    return bytes.then((value) => {
      others?.leave()
      if (value === null) return null
      if (!request.readableEnded) return atEnd(request, value)
      if (isBehindClose(request)) throw clientAborted()
      return value
    })
  }
}

interface HeldReaders {
  /** Puts them back, and one that reads what they leave. */
  letRead(): void
  /** Takes that one away. */
  leave(): void
}

/**
 * Takes the listeners away that wait for `'readable'`, so that they read nothing before us: `pause` does not keep them from it.
 * Undefined: there are none.
 */
function holdReaders(request: BodyStream): HeldReaders | undefined {
  if (request.listenerCount('readable') === 0) return undefined
  const listeners = request.rawListeners('readable') as (() => void)[]
  request.removeAllListeners('readable')
  function readRest(): void {
    while (request.read() !== null);
  }
  return {
    letRead() {
      for (const listener of [...listeners, readRest]) request.on('readable', listener)
    },
    leave() {
      request.off('readable', readRest)
    },
  }
}

function atEnd<Value>(request: BodyStream, value: Value): Promise<Value> {
  return new Promise((resolve, reject) => {
    function onEnd(): void {
      request.off('close', onClose)
      if (isBehindClose(request)) reject(clientAborted())
      else resolve(value)
    }
    function onClose(): void {
      request.off('end', onEnd)
      reject(clientAborted())
    }
    request.once('end', onEnd)
    request.once('close', onClose)
  })
}
