import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reply } from '../http/ingest-request.ts'
import type { HeaderTarget } from './cors-merge.ts'
import { keepHeaders } from './kept-headers.ts'
import { setReplyHeaders, withoutOrigin, writeReply } from './node-exchange.ts'
import { withoutOthersRate } from './own-rate.ts'

/** The part of Fastify's reply that is used here. */
export interface FastifyReplyLike {
  raw: ServerResponse
  sent: boolean
  getHeader(name: string): number | string | string[] | undefined
  getHeaders(): Record<string, number | string | string[] | undefined>
  header(name: string, value: unknown): unknown
  removeHeader(name: string): unknown
  hijack(): unknown
}

/** The headers that Fastify keeps until it answers. */
export function toFastifyHeaderTarget(reply: FastifyReplyLike): HeaderTarget {
  return {
    getHeader: (name) => reply.getHeader(name),
    setHeader: (name, value) => reply.header(name, value),
    removeHeader: (name) => reply.removeHeader(name),
  }
}

/** Sets the headers of an accepted request. False, without any effect, when somebody has answered already. */
export function trySetFastifyHeaders(
  reply: FastifyReplyLike,
  request: IncomingMessage,
  headers: Reply['headers'],
): boolean {
  if (reply.sent || reply.raw.headersSent) return false
  const target = toFastifyHeaderTarget(reply)
  const shown = withoutOthersRate(target, headers)
  const isFromPage = request.headers.origin !== undefined
  setReplyHeaders(target, isFromPage ? withoutOrigin(shown) : shown)
  if (isFromPage) keepHeaders(reply.raw, shown)
  return true
}

/** Fastify would add a charset to the content type and hand the body to serializers and hooks. */
export function answerPastFastify(reply: FastifyReplyLike, answer: Reply): void {
  const earlier = reply.getHeaders()
  reply.hijack()
  for (const name in earlier) {
    const value = earlier[name]
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  writeReply(reply.raw, answer)
}
