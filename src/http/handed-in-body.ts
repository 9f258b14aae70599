import { nodeTypes } from '../runtime/built-ins.ts'
import { propertyOf } from '../runtime/thrown.ts'
import { readUnlessGivenUp } from './given-up-reading.ts'
import type { ReadBody } from './ingest-request.ts'
import { describeKind } from './plain-object.ts'
import { type BodyStream, createBodyReader } from './raw-body.ts'

/**
 * The caller of `verify` handed in a body that holds no JSON, or that somebody has read already. The caller
 * is at fault, not the sender, who may retry. The message names what was handed in and quotes nothing of the
 * request.
 */
export class UnusableBodyError extends TypeError {
  readonly code = 'unusable_body'
  override readonly name = 'UnusableBodyError'

  constructor(what: string) {
    super(
      `request.body is ${what}: hand in bytes, text, what JSON.parse made of them, or a function that reads them`,
    )
  }
}

/**
 * A reader for a body that must be read first: a promise, a `Request` or `Response`, a `Blob`, a web or Node
 * stream, or anything else that yields bytes when iterated.
 *
 * @throws UnusableBodyError for everything else, and for what has been read already.
 */
export function readerOf(body: unknown): ReadBody {
  const given = body as Partial<Request & Blob & ReadableStream<Uint8Array> & BodyStream> &
    PromiseLike<unknown>
  if (typeof body !== 'object' || body === null) throw new UnusableBodyError(describeKind(body))
  if (typeof given.then === 'function') return createPromiseReader(given)
  if (typeof given.getReader === 'function') return createWebReader(given as ReadableStream<Uint8Array>)
  if (typeof given.arrayBuffer === 'function') {
    return typeof given.size === 'number'
      ? createBlobReader(given as Blob)
      : createMessageReader(given as Request)
  }
  if (typeof given.pipe === 'function' && typeof given.on === 'function')
    return createNodeReader(given as BodyStream)
  if (typeof given[Symbol.asyncIterator] === 'function')
    return createChunkReader(given as AsyncIterable<unknown>)
  throw new UnusableBodyError(describeKind(body))
}

/** For example a `request.json()` or `request.text()` that nobody awaited. */
function createPromiseReader(promise: PromiseLike<unknown>): ReadBody {
  return async function readPromised() {
    try {
      return (await promise) as Uint8Array
    } catch (error) {
      // The sender's text is not JSON: treated as if the text itself had been handed in.
      if (propertyOf(error, 'name') === 'SyntaxError') return ''
      if (propertyOf(error, 'code') === 'client_aborted') throw error
      throw new UnusableBodyError('a promise that was rejected')
    }
  }
}

function createBlobReader(blob: Blob): ReadBody {
  return async function readBlob(maxBytes, hold = () => true) {
    return blob.size > maxBytes || !hold(blob.size) ? null : new Uint8Array(await blob.arrayBuffer())
  }
}

function createMessageReader(message: Request): ReadBody {
  if (message.bodyUsed) throw new UnusableBodyError(`${describeKind(message)} that has been read already`)
  const { body } = message
  if (body === null) return () => ''
  if (body === undefined) throw new UnusableBodyError(describeKind(message))
  return createWebReader(body)
}

function createWebReader(stream: ReadableStream<Uint8Array>): ReadBody {
  if (stream.locked) throw new UnusableBodyError('a ReadableStream that somebody else reads')
  return async function readWebStream(maxBytes, hold) {
    const reader = stream.getReader()
    const bytes = await collect(() => reader.read(), maxBytes, hold)
    // Nobody needs the rest; the stream may never answer.
    if (bytes === null) reader.cancel().catch(() => {})
    return bytes
  }
}

function createNodeReader(stream: BodyStream): ReadBody {
  const isRead = stream.readableDidRead === true || stream.readable === false
  if (isRead || stream.readableObjectMode === true) {
    throw new UnusableBodyError(`${describeKind(stream)} that has been read already, or holds no bytes`)
  }
  return stream.headers === undefined
    ? createBodyReader(Object.assign(stream, { headers: {} }))
    : createBodyReader(stream)
}

function createChunkReader(chunks: AsyncIterable<unknown>): ReadBody {
  return async function readChunks(maxBytes, hold) {
    const iterator = chunks[Symbol.asyncIterator]()
    const bytes = await collect(() => iterator.next(), maxBytes, hold)
    if (bytes === null) Promise.resolve(iterator.return?.()).catch(() => {})
    return bytes
  }
}

type Hold = NonNullable<Parameters<ReadBody>[1]>

function collect(
  next: () => Promise<{ done?: boolean; value?: unknown }>,
  maxBytes: number,
  hold: Hold = () => true,
): Promise<Uint8Array | null> {
  return readUnlessGivenUp((chunks, giveUp) =>
    collectAll(chunks, next, maxBytes, (bytes) => hold(bytes, giveUp)),
  )
}

async function collectAll(
  chunks: Uint8Array[],
  next: () => Promise<{ done?: boolean; value?: unknown }>,
  maxBytes: number,
  hold: (bytes: number) => boolean,
): Promise<Uint8Array | null> {
  let length = 0
  for (;;) {
    const { done, value } = await next()
    if (done === true) return Buffer.concat(chunks, length)
    if (typeof value !== 'string' && !ArrayBuffer.isView(value)) {
      throw new UnusableBodyError(`a stream of other things than bytes (${describeKind(value)})`)
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : bytesOf(value)
    length += bytes.length
    if (length > maxBytes || !hold(bytes.length)) return null
    chunks.push(bytes)
  }
}

/** The bytes of any view. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  if (nodeTypes().isUint8Array(view)) return view
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}
