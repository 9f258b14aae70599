import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import { writeKeyAuth as expressAuth } from '../../../adapters/express.ts'
import { writeKeyAuth as fastifyAuth } from '../../../adapters/fastify.ts'
import { writeKeyAuth as koaAuth } from '../../../adapters/koa.ts'
import { guardListener, writeKeyOf } from '../../../adapters/node.ts'
import type { WriteKeyContext, WriteKeys } from '../../../src/index.ts'
import { serve } from '../../neighbours/served.ts'

/** What a handler found. */
export interface Handled {
  /** undefined: the request was let through unverified. */
  readonly context: WriteKeyContext | undefined
  readonly body: unknown
  /** Everything else that a handler can read of a request. */
  readonly rest: readonly unknown[]
}

/** What handlers found, by the number of the request. */
export type Log = Map<string, Handled[]>

export interface Server {
  readonly url: string
  readonly framework: string
  /** The first segment below which requests are guarded; undefined = all are. */
  readonly guardedPrefix?: string
  close(): unknown
}

type Start = (keys: WriteKeys, eventType: string | undefined, log: Log) => Promise<Server>

const numberField = 'x-request-number'

function note(log: Log, request: IncomingMessage, handled: Handled): void {
  const number = String(request.headers[numberField])
  log.set(number, [...(log.get(number) ?? []), handled])
}

const onlyWith = (eventType: string | undefined) => (eventType === undefined ? {} : { eventType })

export const starts: readonly Start[] = [
  async function onExpress(keys, eventType, log) {
    const app = express()
    app.use(expressAuth(keys, onlyWith(eventType)))
    app.use((req, res) => {
      const rest = [req.url, req.originalUrl, req.headers, req.rawHeaders, req.query, req.params]
      note(log, req, { context: req.writeKey, body: req.body, rest })
      res.json({ success: true })
    })
    return { framework: 'Express 5', ...(await serve(app)) }
  },
  async function onKoa(keys, eventType, log) {
    const app = new Koa()
    app.silent = true
    app.use(koaAuth(keys, onlyWith(eventType)))
    app.use((ctx) => {
      const rest = [ctx.url, ctx.originalUrl, ctx.headers, ctx.req.rawHeaders, ctx.query]
      const { body } = ctx.request as { body?: unknown }
      note(log, ctx.req, { context: ctx.state.writeKey, body, rest })
      ctx.body = { success: true }
    })
    return { framework: 'Koa 3', ...(await serve(app.callback())) }
  },
  async function onFastify(keys, eventType, log) {
    const app = Fastify()
    app.register(fastifyAuth(keys, onlyWith(eventType)))
    app.register(async (context) => {
      for (const url of ['/', '/*'])
        context.all(url, async (request) => {
          const { raw, headers, query, params } = request
          const rest = [
            request.url,
            request.originalUrl,
            raw.url,
            headers,
            raw.headers,
            raw.rawHeaders,
            query,
            params,
          ]
          note(log, raw, { context: request.writeKey, body: request.body, rest })
          return { success: true }
        })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const url = `http://127.0.0.1:${app.addresses()[0]?.port}`
    return { framework: 'Fastify', url, close: () => app.close() }
  },
  async function onNode(keys, eventType, log) {
    const listener = (
      request: IncomingMessage & { body?: unknown; writeKey?: unknown },
      response: ServerResponse,
    ) => {
      const context = request.writeKey === undefined ? undefined : writeKeyOf(request)
      const rest = [request.url, request.headers, request.rawHeaders]
      note(log, request, { context, body: request.body, rest })
      response.statusCode = context === undefined ? 404 : 200
      response.setHeader('content-type', 'application/json')
      response.end('{"success":true}')
    }
    const guarded = guardListener(listener, keys, { path: '/v1', ...onlyWith(eventType) })
    return { framework: 'guardListener', guardedPrefix: 'v1', ...(await serve(guarded)) }
  },
]
