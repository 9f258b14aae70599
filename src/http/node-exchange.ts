import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IngestRequest, Reply } from './ingest-request.ts'
import { lingerOnClose } from './lingering-close.ts'
import { bodyOf, type ParsedBody, toHeaders } from './node-request.ts'
import { appendVary } from './vary.ts'

/** What an adapter knows beyond the Node request itself. */
export interface RequestHints {
  /** The URL as requested, mount points included; routers shorten `request.url`. Default: `request.url`. */
  url?: string | undefined
  /** Where body parsers leave their result when that is not the request itself (Koa, Fastify). */
  parsed?: ParsedBody
  /** Fixed event type of the route. */
  eventType?: string | undefined
}

/** A Node request, HTTP/1 or HTTP/2, as the verifier sees it. Reads no byte of the body. */
export function toIngestRequest(request: IncomingMessage, hints: RequestHints = {}): IngestRequest {
  const url = hints.url ?? request.url ?? '/'
  const queryStart = url.indexOf('?')
  const ingest: IngestRequest = {
    method: request.method ?? 'GET',
    path: queryStart === -1 ? url : url.slice(0, queryStart),
    query: queryStart === -1 ? '' : url.slice(queryStart + 1),
    headers: toHeaders(request),
    body: bodyOf(request, hints.parsed),
  }
  const address = request.socket?.remoteAddress
  if (address !== undefined) ingest.ip = address
  if (hints.eventType !== undefined) ingest.eventType = hints.eventType
  return ingest
}

/** Something that takes response headers: Node's response, or a framework's that keeps them itself. */
export interface HeaderTarget {
  getHeader(name: string): number | string | readonly string[] | undefined
  setHeader(name: string, value: string): unknown
}

/**
 * Sets headers on a response; `vary` is merged with what is there. With `connection: close` on Node's response, the
 * connection is held until the client has had a chance to read the answer, see `lingerOnClose`.
 */
export function setReplyHeaders(response: HeaderTarget, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) {
    const value = headers[name] as string
    if (name === 'connection' && isNodeResponse(response)) {
      // HTTP/2 has no such field (RFC 9113, 8.2.2), and ends one stream without the others.
      if (response.req.httpVersionMajor >= 2) continue
      if (value === 'close') lingerOnClose(response)
    }
    response.setHeader(name, name === 'vary' ? appendVary(response.getHeader('vary'), value) : value)
  }
}

function isNodeResponse(target: HeaderTarget): target is ServerResponse {
  const { req, end } = target as Partial<ServerResponse>
  return req !== undefined && typeof end === 'function'
}

/**
 * {@link setReplyHeaders} on Node's response; false, and nothing done, when the application has answered already. Tried instead of asked:
 * the two getters that tell take 1.2 µs each on a response of Express's.
 */
export function trySetReplyHeaders(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
): boolean {
  try {
    setReplyHeaders(response, headers)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_HTTP_HEADERS_SENT' || code === 'ERR_HTTP2_HEADERS_SENT') return false
    throw error
  }
}

/** Writes a reply out unchanged. Does nothing when the application has answered already. */
export function writeReply(response: ServerResponse, reply: Reply): void {
  if (!trySetReplyHeaders(response, reply.headers)) return
  response.statusCode = reply.status
  response.end(reply.body)
}
