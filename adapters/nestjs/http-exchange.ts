import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExecutionContext } from '@nestjs/common'
import {
  type AcceptedHeaders,
  answerPastFastify,
  type FastifyReplyLike,
  type ParsedBody,
  type Reply,
  setRefusalHeaders,
  shareShape,
  toFastifyHeaderTarget,
  trySetAcceptedHeaders,
  trySetFastifyHeaders,
  writeReply,
} from '../../src/adapter/index.ts'

/** Express's request, or Fastify's, which wraps Node's. */
type PlatformRequest = ParsedBody & { originalUrl?: string; baseUrl?: string; raw?: IncomingMessage }

/** One HTTP request and its response, on either platform. */
export interface HttpExchange {
  /** What handlers see. */
  request: PlatformRequest
  /** Node's, as the next one. */
  rawRequest: IncomingMessage
  rawResponse: ServerResponse
  isAnswered(): boolean
  /**
   * Sets the headers of an accepted request. Undefined, without any effect, when somebody has answered already.
   */
  accept(headers: Reply['headers']): AcceptedHeaders | undefined
  /** Sets the headers of a refusal that a filter of the app will answer. */
  prepareRefusal(headers: Reply['headers']): void
  /** Answers now, past the framework, with the headers set so far and those of the reply. */
  answer(reply: Reply): void
}

export function toHttpExchange(context: ExecutionContext): HttpExchange {
  const http = context.switchToHttp()
  const request = http.getRequest<PlatformRequest>()
  const response = http.getResponse<ServerResponse | FastifyReplyLike>()
  // The request first: looking for a missing property of an Express response takes 1 µs.
  return request.raw !== undefined && isFastifyReply(response)
    ? toFastifyExchange(request, request.raw, response)
    : toExpressExchange(request, response as ServerResponse)
}

function toExpressExchange(request: PlatformRequest, response: ServerResponse): HttpExchange {
  const rawRequest = request as unknown as IncomingMessage
  shareShape(rawRequest, 'statusMessage')
  shareShape(response, 'sendDate')
  return {
    request,
    rawRequest,
    rawResponse: response,
    isAnswered: () => response.headersSent || response.writableEnded,
    accept: (headers) => trySetAcceptedHeaders(response, headers),
    prepareRefusal: (headers) => setRefusalHeaders(response, headers, rawRequest.headers.origin),
    answer: (reply) => writeReply(response, reply),
  }
}

function toFastifyExchange(
  request: PlatformRequest,
  rawRequest: IncomingMessage,
  reply: FastifyReplyLike,
): HttpExchange {
  return {
    request,
    rawRequest,
    rawResponse: reply.raw,
    isAnswered: () => reply.sent || reply.raw.headersSent,
    accept: (headers) => trySetFastifyHeaders(reply, rawRequest, headers),
    prepareRefusal: (headers) =>
      setRefusalHeaders(toFastifyHeaderTarget(reply), headers, rawRequest.headers.origin, reply.raw),
    answer: (answer) => answerPastFastify(reply, answer),
  }
}

function isFastifyReply(response: object): response is FastifyReplyLike {
  return 'raw' in response && 'hijack' in response
}
