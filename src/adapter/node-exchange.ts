import type { IncomingMessage, ServerResponse } from 'node:http'
import { closingOf, isContinued } from '../http/connection-close.ts'
import type { IngestRequest, ReadBody, Reply } from '../http/ingest-request.ts'
import type { ParsedBody } from '../http/parsed-body.ts'
import { routedTarget } from '../http/request-target.ts'
import { isReset } from '../http/reset-socket.ts'
import { throwRestAway } from '../http/unread-body.ts'
import { endUnreadStream } from '../http/unread-stream.ts'
import { allowOrigin, type HeaderTarget, mergeHeader, removeAllowedOrigin } from './cors-merge.ts'
import { keepOriginOut } from './kept-headers.ts'
import { lingerOnClose } from './lingering-close.ts'
import { bodyOf, hasUnsaidContent, toHeaders } from './node-request.ts'
import { leaveCountOpen } from './open-count.ts'

/** What an adapter knows beyond the Node request itself. */
export interface RequestHints {
  /** The URL as requested, mount points included; routers shorten `request.url`. Default: `request.url`. */
  url?: string | undefined
  /**
   * What mount points took off `request.url`, where the framework tells. Needed when somebody has rewritten
   * it.
   */
  mountPath?: string | undefined
  /** Where body parsers leave their result when that is not the request itself (Koa, Fastify). */
  parsed?: ParsedBody
  /**
   * The response. Where the server leaves `100 Continue` to the reader of the body, it is sent when the body
   * is going to be read. A response of a serverless adapter that does not know its request is given it.
   */
  response?: ServerResponse
  /**
   * The keys of a guard, together with `response`. Where endpoints of `createIngestApi` of the same keys
   * stand behind it, the request is counted by them, or else once it has been answered.
   */
  keys?: object
  /** Fixed event type of the route. */
  eventType?: string | undefined
  /** The workspace that the key must belong to, or a function that finds it. */
  workspace?: string | (() => unknown) | undefined
}

/** A Node request, HTTP/1 or HTTP/2, as the verifier sees it. Reads no byte of the body. */
export function toIngestRequest(request: IncomingMessage, hints: RequestHints = {}): IngestRequest {
  if (hints.response !== undefined) completeResponse(hints.response, request)
  const left = request.url ?? '/'
  const url = hints.url === undefined ? left : routedTarget(hints.url, left, hints.mountPath)
  const queryStart = url.indexOf('?')
  const ingest: IngestRequest = {
    method: request.method ?? 'GET',
    path: queryStart === -1 ? url : url.slice(0, queryStart),
    query: queryStart === -1 ? '' : url.slice(queryStart + 1),
    headers: hasUnsaidContent(request)
      ? { ...toHeaders(request), 'transfer-encoding': 'chunked' }
      : toHeaders(request),
    body: bodyOf(request, hints.parsed),
  }
  if (hints.response !== undefined && expectsContinue.test(request.headers.expect ?? ''))
    ingest.body = continued(ingest.body, hints.response)
  const address = request.socket?.remoteAddress
  if (address !== undefined) ingest.ip = address
  else if (isReset(request.socket)) ingest.isReset = true
  if (hints.eventType !== undefined) ingest.eventType = hints.eventType
  if (hints.workspace !== undefined) ingest.workspace = hints.workspace
  if (hints.keys !== undefined && hints.response !== undefined)
    return leaveCountOpen(ingest, hints.keys, hints.response)
  return ingest
}

/** Responses of serverless adapters know only the method of their request. */
function completeResponse(response: ServerResponse, request: IncomingMessage): void {
  if (response.req?.headers === undefined) Object.assign(response, { req: request })
}

/** Node's own test, which finds it in a list too. Where it says yes, Node leaves the word to us. */
const expectsContinue = /(?:^|\W)100-continue(?:$|\W)/i

/** A client that waits for `100 Continue` sends its body after it. */
function continued(body: unknown, response: ServerResponse): unknown {
  if (typeof body !== 'function' || isContinued(response)) return body
  const read = body as ReadBody
  return function readContinued(...limits: Parameters<ReadBody>) {
    response.writeContinue()
    response.writeContinue = writeNoMore
    return read(...limits)
  }
}

/**
 * `writeContinue` of a response whose client has been told: who comes after the guard, a framework's listener of `checkContinue`
 * among them, would tell it again. A client that sends its body for each has an error then.
 */
function writeNoMore(this: ServerResponse, told?: () => void): boolean {
  if (typeof told === 'function') process.nextTick(told)
  // What HTTP/2 returns.
  return !this.headersSent
}

/**
 * Sets headers on a response, merged with what the application has set: see `mergeHeader`. With `connection:
 * close` on Node's response, the connection is held until the client could read the answer, see
 * `lingerOnClose`; or it lives on, see `closingOf`.
 */
export function setReplyHeaders(response: HeaderTarget, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) {
    const value = headers[name] as string
    if (name === 'connection' && isNodeResponse(response)) {
      const closing = closingOf(response)
      if (closing === 'stream') continue
      if (value === 'close') {
        if (closing === 'kept') {
          throwRestAway(response)
          continue
        }
        lingerOnClose(response)
      }
    }
    mergeHeader(response, name, value)
  }
}

function isNodeResponse(target: object): target is ServerResponse {
  const { req, end } = target as Partial<ServerResponse>
  return req !== undefined && typeof end === 'function'
}

/**
 * Sets the headers of a reply that replaces the application's answer. What the application said about its own
 * content is removed, and so is the origin it has allowed when the reply allows none.
 *
 * @param origin the request's
 * @param response Node's, if `target` is another one
 */
export function setRefusalHeaders(
  target: HeaderTarget,
  headers: Readonly<Record<string, string>>,
  origin: string | undefined,
  response: object = target,
): void {
  // Removing a missing header would keep Node from setting the length itself.
  for (const name of contentHeaders) if (target.getHeader(name) !== undefined) target.removeHeader(name)
  const isPreflight = headers['access-control-allow-methods'] !== undefined
  // A preflight gets the same answer for every origin, so an origin that the app allows to others counts as
  // none.
  const isOthers = isPreflight && target.getHeader(allowOrigin) !== origin
  if (isOthers || headers[allowOrigin] === undefined) removeAllowedOrigin(target)
  if (headers[allowOrigin] === undefined) keepOriginOut(response)
  setReplyHeaders(target, headers)
  if (isNodeResponse(response) && response.req.httpVersionMajor >= 2) endUnreadStream(response)
  else if (headers.connection === undefined && isNodeResponse(target)) throwRestAway(target)
}

/** Headers that describe the content of an answer (RFC 9110, 8), or lead away from it. */
const contentHeaders = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-location',
  'content-range',
  'content-disposition',
  'transfer-encoding',
  'trailer',
  'etag',
  'last-modified',
  'expires',
  'accept-ranges',
  'location',
]

/** Writes a reply unchanged. Does nothing when the application has answered already. */
export function writeReply(response: ServerResponse, { status, headers, body }: Reply): void {
  const { origin } = response.req.headers
  if (!tryOn(() => setRefusalHeaders(response, headers, origin))) return
  // Node adds none where one has been removed, and inject() of Fastify none at all.
  if (body !== '') response.setHeader('content-length', Buffer.byteLength(body))
  response.statusCode = status
  // HTTP/2 has none, and warns those who ask.
  if (response.req.httpVersionMajor < 2) response.statusMessage = ''
  response.end(body)
}

/** False when the headers are out. It tries instead of asking: the two getters that tell take 1.2 µs each on a response of Express's. */
export function tryOn(setHeaders: () => void): boolean {
  try {
    setHeaders()
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_HTTP_HEADERS_SENT' || code === 'ERR_HTTP2_HEADERS_SENT') return false
    throw error
  }
}
