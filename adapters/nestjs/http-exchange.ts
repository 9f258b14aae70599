import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionContext } from '@nestjs/common'
import {
  type HeaderTarget,
  type ParsedBody,
  type Reply,
  setReplyHeaders,
  trySetReplyHeaders,
  writeReply,
} from '../../src/index.ts'

/** Express's request, or Fastify's, which wraps Node's. */
export type PlatformRequest = ParsedBody & { originalUrl?: string; raw?: IncomingMessage }

/** Fastify's reply, as far as it is used here. Express's response is Node's. */
export interface FastifyReply {
  raw: ServerResponse
  sent: boolean
  getHeader(name: string): number | string | string[] | undefined
  getHeaders(): Record<string, number | string | string[] | undefined>
  header(name: string, value: unknown): unknown
  hijack(): unknown
}

/** One HTTP request and its response, on either platform. */
export interface HttpExchange {
  /** What handlers see. */
  request: PlatformRequest
  /** Node's. */
  rawRequest: IncomingMessage
  isAnswered(): boolean
  /** Sets headers for whatever answers later; false, and nothing done, when somebody has answered already. */
  setHeaders(headers: Reply['headers']): boolean
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
  return {
    request,
    rawRequest: request as unknown as IncomingMessage,
    isAnswered: () => response.headersSent || response.writableEnded,
    setHeaders: (headers) => trySetReplyHeaders(response, headers),
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
  }
  return {
    request,
    rawRequest,
    isAnswered,
    setHeaders(headers) {
      if (isAnswered()) return false
      setReplyHeaders(target, headers)
      return true
    },
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
