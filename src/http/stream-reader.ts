import type { ReadBody } from './ingest-request.ts'
import { BodyTakenError, nothingKept } from './parsed-body.ts'
import { type BodyStream, clientAborted, createBodyReader } from './raw-body.ts'

/**
 * A {@link ReadBody} over a stream that others may listen to as well. A listener that was added before us,
 * such as one that counts bytes, gets them when we do and not before. The stream has ended when we hand the
 * bytes out: parsers behind us look at that.
 */
export function createStreamReader(request: BodyStream): ReadBody {
  const read = createBodyReader(request)
  const { method } = request as { method?: string }
  if (request.readableFlowing === true && method !== 'GET' && method !== 'HEAD') request.pause()

  return function readStream(...limits) {
    if (request.readableDidRead) throw new BodyTakenError(nothingKept)
    const bytes = read(...limits)
    if (!(bytes instanceof Promise)) return bytes
    // A stream that somebody has paused does not resume for a new listener alone. Ours has been added by
    // then.
    if (request.readableFlowing === false) queueMicrotask(() => request.resume())
    return bytes.then((value) => (value === null || request.readableEnded ? value : atEnd(request, value)))
  }
}

function atEnd<Value>(request: BodyStream, value: Value): Promise<Value> {
  return new Promise((resolve, reject) => {
    function onEnd(): void {
      request.off('close', onClose)
      resolve(value)
    }
    function onClose(): void {
      request.off('end', onEnd)
      reject(clientAborted())
    }
    request.once('end', onEnd)
    request.once('close', onClose)
  })
}
