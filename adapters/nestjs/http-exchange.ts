import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionContext } from '@nestjs/common'
import {
  type HeaderTarget,
  keepHeaders,
  type ParsedBody,
  type Reply,
  setRefusalHeaders,
  setReplyHeaders,
  trySetAcceptedHeaders,
  writeReply,
} from '../../src/adapter/index.ts'

/** Express's request, or Fastify's, which wraps Node's. */
export type PlatformRequest = ParsedBody & { originalUrl?: string; baseUrl?: string; raw?: IncomingMessage }

/** Fastify's reply, as far as it is used here. Express's response is Node's. */
export interface FastifyReply {
  raw: ServerResponse
  sent: boolean
  getHeader(name: string): number | string | string[] | undefined
  getHeaders(): Record<string, number | string | string[] | undefined>
  header(name: string, value: unknown): unknown
  removeHeader(name: string): unknown
  hijack(): unknown
}

/** One HTTP request and its response, on either platform. */
export interface HttpExchange {
  /** What handlers see. */
  request: PlatformRequest
  /** Node's. */
  rawRequest: IncomingMessage
  isAnswered(): boolean
  /** Sets the headers of an accepted request; false, and nothing done, when somebody has answered already. */
  accept(headers: Reply['headers']): boolean
  /** Sets the headers of a refusal that a filter of the app will answer. */
  prepareRefusal(headers: Reply['headers']): void
  /** Answers now, past the framework, with the headers set so far and those of the reply. */
  answer(reply: Reply): void
}

export function toHttpExchange(context: ExecutionContext): HttpExchange {
  const http = context.switchToHttp()
  const request = http.getRequest<PlatformRequest>()
  const response = http.getResponse<ServerResponse | FastifyReply>()
  // The request first: looking for what an Express response does not have takes 1 µs.
  return request.raw !== undefined && isFastifyReply(response)
    ? toFastifyExchange(request, request.raw, response)
    : toExpressExchange(request, response as ServerResponse)
}

function toExpressExchange(request: PlatformRequest, response: ServerResponse): HttpExchange {
  const rawRequest = request as unknown as IncomingMessage
  return {
    request,
    rawRequest,
    isAnswered: () => response.headersSent || response.writableEnded,
    accept: (headers) => trySetAcceptedHeaders(response, headers),
    prepareRefusal: (headers) => setRefusalHeaders(response, headers, rawRequest.headers.origin),
    answer: (reply) => writeReply(response, reply),
  }
}

function toFastifyExchange(
  request: PlatformRequest,
  rawRequest: IncomingMessage,
  reply: FastifyReply,
): HttpExchange {
  const isAnswered = () => reply.sent || reply.raw.headersSent
  const target: HeaderTarget = {
    getHeader: (name) => reply.getHeader(name),
    setHeader: (name, value) => reply.header(name, value),
    removeHeader: (name) => reply.removeHeader(name),
  }
  return {
    request,
    rawRequest,
    isAnswered,
    accept(headers) {
      if (isAnswered()) return false
      setReplyHeaders(target, headers)
      if (rawRequest.headers.origin !== undefined) keepHeaders(reply.raw, headers)
      return true
    },
    prepareRefusal: (headers) => setRefusalHeaders(target, headers, rawRequest.headers.origin),
    answer: (answer) => answerPastFastify(reply, answer),
  }
}

/** Fastify would add a charset to the content type and hand the body to serializers and hooks. */
export function answerPastFastify(response: FastifyReply, reply: Reply): void {
  const earlier = response.getHeaders()
  response.hijack()
  for (const name in earlier) {
    const value = earlier[name]
    if (value !== undefined) response.raw.setHeader(name, value)
  }
  writeReply(response.raw, reply)
}

function isFastifyReply(response: object): response is FastifyReply {
  return 'raw' in response && 'hijack' in response
}
