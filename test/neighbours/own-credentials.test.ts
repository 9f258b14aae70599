import type { RequestListener, ServerResponse } from 'node:http'
import express5, { type RequestHandler } from 'express'
import express4 from 'express4'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onFastify from '../../adapters/fastify.ts'
import * as onHono from '../../adapters/hono.ts'
import * as onKoa from '../../adapters/koa.ts'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { load } from './neighbour.ts'
import { serve } from './served.ts'

const page = 'https://page.example.com'
const admin = 'https://admin.example.com'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** What CORS middleware says: `cors` grants credentials whether or not it allows the page's origin. */
function answerOf(allowed: string, origin: string | undefined): Record<string, string> {
  return {
    ...(origin === allowed && { 'Access-Control-Allow-Origin': origin }),
    'Access-Control-Allow-Credentials': 'true',
  }
}

function sayOn(response: ServerResponse, fields: Record<string, string>): void {
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value)
}

function createKoa(allowed: string): Koa {
  return new Koa().use(async (ctx, next) => {
    sayOn(ctx.res, answerOf(allowed, ctx.req.headers.origin))
    await next()
    ctx.body = {}
  })
}

function withCors(app: express5.Express, allowed: string, guard?: RequestHandler): RequestListener {
  if (guard !== undefined) app.use(guard)
  app.use(load('cors')({ origin: [allowed], credentials: true }) as RequestHandler)
  app.use((_, res) => void res.json({}))
  return app as RequestListener
}

type Ask = (headers: Record<string, string>) => Promise<Response>

async function over(listener: RequestListener): Promise<Ask> {
  const { url, close } = await serve(listener)
  closers.push(close)
  return (headers) => fetch(`${url}/v1/track`, { method: 'POST', headers, body: '{}' })
}

function startFastify(app: Fastify.FastifyInstance, allowed: string): void {
  app.addHook(
    'preHandler',
    async ({ headers }, reply) => void reply.headers(answerOf(allowed, headers.origin)),
  )
  app.post('/v1/track', async () => ({}))
}

/** Each with CORS middleware behind the guard that allows one origin. */
const ways: Record<string, (keys: WriteKeys, allowed: string) => Promise<Ask>> = {
  'cors on Express 5': (keys, allowed) => over(withCors(express5(), allowed, onExpress.writeKeyAuth(keys))),
  'cors on Express 4': (keys, allowed) =>
    over(withCors(express4() as never, allowed, onExpress.writeKeyAuth(keys))),
  'cors on Express behind guardListener': (keys, allowed) =>
    over(guardListener(withCors(express5(), allowed), keys, { path: '/v1' })),
  Koa: (keys, allowed) => {
    const app = new Koa().use(onKoa.writeKeyAuth(keys))
    app.middleware.push(...createKoa(allowed).middleware)
    return over(app.callback())
  },
  'Koa behind guardListener': (keys, allowed) =>
    over(guardListener(createKoa(allowed).callback(), keys, { path: '/v1' })),
  'writeHead behind guardListener': (keys, allowed) =>
    over(
      guardListener(
        ({ headers }, response) => void response.writeHead(200, answerOf(allowed, headers.origin)).end('{}'),
        keys,
        { path: '/v1' },
      ),
    ),
  async Fastify(keys, allowed) {
    const app = Fastify()
    app.register(onFastify.writeKeyAuth(keys))
    startFastify(app, allowed)
    await app.ready()
    return over((request, response) => void app.server.emit('request', request, response))
  },
  async 'Fastify behind guardListener'(keys, allowed) {
    const app = Fastify()
    startFastify(app, allowed)
    await app.ready()
    const listener: RequestListener = (request, response) =>
      void app.server.emit('request', request, response)
    return over(guardListener(listener, keys, { path: '/v1' }))
  },
  async Hono(keys, allowed) {
    const app = new Hono().use(onHono.writeKeyAuth(keys))
    app.post('/v1/track', (c) => c.json({}, 200, answerOf(allowed, c.req.header('origin'))))
    return async (headers) => app.request('/v1/track', { method: 'POST', headers, body: '{}' })
  },
}

async function ask(way: string, { allowed, origins }: { allowed: string; origins: string[] | null }) {
  const keys = createWriteKeys({ logger: false })
  closers.push(() => keys.close())
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', allowedOrigins: origins })
  const send = await (ways[way] as (typeof ways)[string])(keys, allowed)
  const { status, headers } = await send({
    authorization: `Basic ${btoa(`${key}:`)}`,
    'content-type': 'application/json',
    origin: page,
  })
  return {
    status,
    origin: headers.get('access-control-allow-origin'),
    credentials: headers.get('access-control-allow-credentials'),
  }
}

describe.each(Object.keys(ways))('credentials that %s grants', (way) => {
  it('to another origin are not granted to the one that the key allows', async () => {
    expect(await ask(way, { allowed: admin, origins: [page] })).toEqual({
      status: 200,
      origin: page,
      credentials: null,
    })
  })

  it('to another origin do not stand beside *', async () => {
    expect(await ask(way, { allowed: admin, origins: null })).toEqual({
      status: 200,
      origin: '*',
      credentials: null,
    })
  })

  it.each([[[page]], [null]])('to this origin stay where the key allows %j', async (origins) => {
    expect(await ask(way, { allowed: page, origins })).toEqual({
      status: 200,
      origin: page,
      credentials: 'true',
    })
  })
})

it('a refusal of the origin by an inner guard takes back what the outer one allowed', async () => {
  const [outer, inner] = [createWriteKeys({ logger: false, credentials: ['header'] }), createWriteKeys()]
  closers.push(
    () => outer.close(),
    () => inner.close(),
  )
  const { key: open } = await outer.create({ name: 'Partner', sourceType: 'web' })
  const { key } = await inner.create({ name: 'Shop', sourceType: 'web', allowedOrigins: [admin] })
  const app = express5()
  app.use(onExpress.writeKeyAuth(outer), onExpress.writeKeyAuth(inner), (_, res) => void res.json({}))
  const send = await over(app)
  const headers = { authorization: `Basic ${btoa(`${key}:`)}`, 'x-write-key': open, origin: page }
  const answer = await send(headers)
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null])
})
