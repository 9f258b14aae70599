import type { IncomingMessage } from 'node:http'
import { isEmptyObject, type ParsedBody } from '../http/parsed-body.ts'
import { computedProperty } from './computed-property.ts'
import { sayLengthOf } from './json-length.ts'
import { letPipe } from './piped-body.ts'
import { removeFields } from './removed-fields.ts'

/**
 * Puts the accepted events where handlers look, and makes the request say what its body is now, so that every parser behind us
 * passes on and a proxy sends on what was accepted: body-parser 1 asks `_body`, body-parser 2 whether the stream has ended, the
 * others look at the headers only, and proxies pipe. `rawHeaders` stays as it was sent.
 *
 * @param request Node's request, whose body has been read
 * @param holder where handlers look for the body: the request itself, or that of Koa or Fastify
 * @param says whether header fields tell the length of the accepted events
 */
export function setAcceptedBody(
  request: IncomingMessage,
  holder: ParsedBody,
  body: unknown,
  says: 'its length' | 'no length' = 'its length',
): void {
  const raw = request as IncomingMessage & { _body?: boolean; body?: unknown }
  holder.body = body
  if (holder !== raw) raw.body = body
  raw._body = true
  const { headers } = request
  const type = headers['content-type']
  if (type === undefined || !jsonInUtf8.test(type)) headers['content-type'] = 'application/json'
  if (headers['content-encoding'] !== undefined || headers['transfer-encoding'] !== undefined) {
    removeFields(request, ['content-encoding', 'transfer-encoding'])
  }
  if (says === 'its length') sayLengthOf(headers, body)
  // koa-body checks nothing else before it reads; its older versions then set an empty body.
  else delete headers['content-length']
  letPipe(request)
}

/**
 * Protects the body from parsers that set an empty object when there is nothing to read (koa-body before 6).
 * Any other value takes effect.
 */
export function keepBody(holder: ParsedBody): void {
  defineBody(holder, { body: holder.body })
}

const defineBody = computedProperty<{ body: unknown }>('body', {
  get: ({ body }) => body,
  set(kept, value) {
    if (!isEmptyObject(value)) kept.body = value
  },
})

const jsonInUtf8 = /^application\/(?:[\w.-]+\+)?json\s*(?:;\s*charset="?utf-?8"?\s*)?$/i
