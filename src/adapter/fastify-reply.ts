import type { ServerResponse } from 'node:http'
import type { Reply } from '../http/ingest-request.ts'
import type { HeaderTarget } from './cors-merge.ts'
import { writeReply } from './node-exchange.ts'

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
