import { textAnswer } from '../runtime/option-answer.ts'
import { markFailed } from './failed-request.ts'
import { readUnlessGivenUp } from './given-up-reading.ts'
import { toLowerCaseFields } from './header-fields.ts'
import type { FieldValues, IngestRequest, ReadBody } from './ingest-request.ts'
import { BodyTakenError, nothingKept } from './parsed-body.ts'
import { clientAborted } from './raw-body.ts'
import { isAmbiguousPath } from './request-target.ts'

/** What an adapter knows beyond the request itself. */
export interface FetchRequestHints {
  /** The client's address, or a function that finds it. */
  ip?: string | (() => unknown) | undefined
  /** Whether the sender has reset its connection, so that its address is no longer known. */
  isReset?: boolean | undefined
  /** Fixed event type of the route. */
  eventType?: string | undefined
  /** The workspace that the key must belong to, or a function that finds it. */
  workspace?: string | (() => unknown) | undefined
  /** Whether content may follow although no header announces it, as in HTTP/2. */
  hasUnsaidContent?: boolean
  /** Reads the body from whoever read it first and kept it. */
  readTaken?: ReadBody
  /** Reads the body in place of `request.body`, where the runtime has a shorter way to it. */
  readBody?: ReadBody | undefined
  /** The header fields, where the runtime has them at hand. Default: `request.headers`. */
  headers?: FieldValues | undefined
  /** The path that the router takes, decoded or not, if it may be another than the URL's, which is judged otherwise. */
  routedPath?: string | undefined
}

/** A web-standard `Request` as the verifier sees it. Reads no byte of the body. */
export function toFetchIngestRequest(request: Request, hints: FetchRequestHints = {}): IngestRequest {
  const target = targetOf(request)
  const queryStart = target.indexOf('?')
  const headers = hints.headers ?? toLowerCaseFields(request.headers)
  const path = queryStart === -1 ? target : target.slice(0, queryStart)
  const neutral: IngestRequest = {
    method: request.method,
    path: isOtherPath(path, hints.routedPath) ? (hints.routedPath as string) : path,
    query: queryStart === -1 ? '' : target.slice(queryStart + 1),
    headers: hints.hasUnsaidContent ? { ...headers, 'transfer-encoding': 'chunked' } : headers,
    body: target === refusedTarget ? undefined : (hints.readBody ?? bodyOf(request, hints.readTaken)),
  }
  if (hints.isReset) neutral.isReset = true
  if (hints.eventType !== undefined) neutral.eventType = hints.eventType
  if (hints.workspace !== undefined) neutral.workspace = hints.workspace
  return hints.ip === undefined ? neutral : withAddress(neutral, hints.ip)
}

/** A path that can be read in two ways stays as it was sent: it is refused. */
function isOtherPath(path: string, routed: string | undefined): boolean {
  if (routed === undefined || routed === path || isAmbiguousPath(path)) return false
  try {
    return decodeURIComponent(routed) !== decodeURIComponent(path)
  } catch {
    return true
  }
}

/** A function that cannot tell the address fails the request, once it is verified. */
function withAddress(neutral: IngestRequest, ip: string | (() => unknown)): IngestRequest {
  try {
    const address = typeof ip === 'function' ? textAnswer('ip', ip()) : ip
    if (address !== undefined) neutral.ip = address
    return neutral
  } catch (error) {
    return markFailed(neutral, error)
  }
}

/** The path of a request, as the URL has it: whatever normalised the URL did so for the router as well. */
export function fetchPathOf(request: Request): string {
  const target = targetOf(request)
  const queryStart = target.indexOf('?')
  return queryStart === -1 ? target : target.slice(0, queryStart)
}

/** Where the path of a request's URL begins. Bun gives the path alone for one whose Host it cannot read, or that has none. */
export function pathStartOf(url: string): number {
  return url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
}

function targetOf({ url }: Request): string {
  const pathStart = pathStartOf(url)
  return hasUserInfo(url.slice(0, pathStart)) ? refusedTarget : url.slice(pathStart)
}

/**
 * A Request never has user info in its URL. Where a server builds one lazily from an absolute target with
 * user info, touching the body fails.
 */
function hasUserInfo(origin: string): boolean {
  return origin.includes('@')
}

/** Every target with a `#` is refused as `invalid_path`. */
const refusedTarget = '/#'

function bodyOf(request: Request, readTaken: ReadBody = refuseTaken): unknown {
  if (request.bodyUsed) return readTaken
  return mayHaveBody(request) ? createFetchReader(request) : undefined
}

/** For GET and HEAD a lazy request would create a stream that nobody ends. */
function mayHaveBody({ method }: Request): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/** The body of a request; null when it has none or cannot have one. */
export function bodyStreamOf(request: Request): ReadableStream<Uint8Array> | null {
  if (!mayHaveBody(request)) return null
  const { url } = request
  return hasUserInfo(url.slice(0, pathStartOf(url))) ? null : request.body
}

function refuseTaken(): never {
  throw new BodyTakenError(nothingKept)
}

/**
 * A {@link ReadBody} over a web-standard body. The stream is not asked for before it is read: once it has been, srvx, which h3 and
 * Nitro run on, no longer throws away what a refusal leaves unread, and resets the connection. What exceeds the limit stays unread:
 * cancelling the stream makes some servers close the connection before their answer is out, see {@link leaveRest}.
 */
function createFetchReader(request: Request): ReadBody {
  return function readFetchBody(maxBytes, hold = () => true) {
    if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return null
    const { body } = request
    if (body === null) return ''
    return readUnlessGivenUp((chunks, giveUp) =>
      collect(body, chunks, maxBytes, (bytes) => hold(bytes, giveUp)),
    )
  }
}

async function collect(
  body: ReadableStream<Uint8Array>,
  chunks: Uint8Array[],
  maxBytes: number,
  hold: (bytes: number) => boolean,
): Promise<Uint8Array | null> {
  const reader = body.getReader()
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > maxBytes || !hold(value.length)) {
        leaveRest(reader)
        return null
      }
      chunks.push(value)
    }
  } catch (error) {
    if (isTooLarge(error)) return null
    throw clientAborted()
  } finally {
    reader.releaseLock()
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : concat(chunks, length)
}

/**
 * Deno throws away the rest of a body that is cancelled. Of one that was begun and left it reads nothing more, so a sender that reads
 * the answer only after all of its body would hang. Bun throws the rest away by itself.
 */
function leaveRest(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  if ('Deno' in globalThis) reader.cancel().catch(() => {})
}

const tooLarge = 'body_too_large'

/** Servers end a body that is above a limit of their own with an error that names the status. */
export function isTooLarge(error: unknown): boolean {
  const { code, status, statusCode } = Object(error) as Record<string, unknown>
  return code === tooLarge || status === 413 || statusCode === 413
}

/** The error of a stream that has more bytes than it may hand on. */
export function bodyTooLarge(): Error {
  return Object.assign(new Error('the request body is too large'), { code: tooLarge })
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
