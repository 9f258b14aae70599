import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionContext } from '@nestjs/common'
import { type HeaderTarget, type ParsedBody, type Reply, writeReply } from '../../src/index.ts'

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
  /** Takes headers for whatever answers later. */
  headers: HeaderTarget
  isAnswered(): boolean
  /** Answers now, past the framework, with the headers set so far and those of the reply. */
  answer(reply: Reply): void
}

export function toHttpExchange(context: ExecutionContext): HttpExchange {
  const http = context.switchToHttp()
  const request = http.getRequest<PlatformRequest>()
  const response = http.getResponse<ServerResponse | FastifyReply>()
  const rawRequest = request.raw ?? (request as unknown as IncomingMessage)
  if (!isFastifyReply(response)) {
    return {
      request,
      rawRequest,
      headers: response,
      isAnswered: () => response.headersSent || response.writableEnded,
      answer: (reply) => writeReply(response, reply),
    }
  }
  return {
    request,
    rawRequest,
    headers: {
      getHeader: (name) => response.getHeader(name),
      setHeader: (name, value) => response.header(name, value),
    },
    isAnswered: () => response.sent || response.raw.headersSent,
    answer: (reply) => answerPastFastify(response, reply),
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
