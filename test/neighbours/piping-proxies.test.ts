import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import { PassThrough, pipeline } from 'node:stream'
import { gzipSync } from 'node:zlib'
import express5, { type RequestHandler } from 'express'
import express4 from 'express4'
import Fastify from 'fastify'
import Koa3, { type Middleware } from 'koa'
import Koa2 from 'koa2'
import { afterAll, describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onFastify from '../../adapters/fastify.ts'
import * as onKoa from '../../adapters/koa.ts'
import * as onNode from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { startedServers } from '../listening-servers.ts'
import { load } from './neighbour.ts'

const { closing, listen, closeAll } = startedServers()
afterAll(closeAll)

/** A server further in that answers with what it was sent. */
const startUpstream = () =>
  listen(
    createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += chunk
      const { headers, method, url } = request
      const { 'content-length': length, 'content-type': type, 'content-encoding': coding } = headers
      const isWhole = length === undefined || length === String(Buffer.byteLength(text))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ text, method, url, type, coding: coding ?? 'none', isWhole }))
    }),
  )

type NodeProxy = (target: string) => RequestHandler

const { createProxyMiddleware, fixRequestBody } = load('http-proxy-middleware')
const proxyWith =
  (options: object): NodeProxy =>
  (target) =>
    createProxyMiddleware({ target, ...options })

/** What sends a request on that Node handed out. Mounted where it sees the whole path. */
const proxies: Record<string, NodeProxy> = {
  'http-proxy': (target) => {
    const proxy = load('http-proxy').createProxyServer({ target })
    return (req, res) => proxy.web(req, res)
  },
  'http-proxy, told to send the body by itself': (target) => {
    const proxy = load('http-proxy').createProxyServer({ target })
    proxy.on('proxyReq', (proxyReq: ReturnType<typeof httpRequest>, req: { body: unknown }) => {
      const text = JSON.stringify(req.body)
      proxyReq.setHeader('content-length', Buffer.byteLength(text))
      proxyReq.write(text)
    })
    return (req, res) => proxy.web(req, res)
  },
  'http-proxy, and a logger of what it sends': (target) => {
    const proxy = load('http-proxy').createProxyServer({ target })
    proxy.on('proxyReq', (_: unknown, req: { body: unknown }) => {
      if (typeof req.body !== 'object') throw new Error('nothing to log')
    })
    return (req, res) => proxy.web(req, res)
  },
  'http-proxy with few connections': (target) => {
    const agent = new (load('node:http').Agent)({ keepAlive: true, maxSockets: 1 })
    closing.push(() => agent.destroy())
    const proxy = load('http-proxy').createProxyServer({ target, agent })
    return (req, res) => proxy.web(req, res)
  },
  'http-proxy-middleware': proxyWith({}),
  'http-proxy-middleware with fixRequestBody': proxyWith({ on: { proxyReq: fixRequestBody } }),
  'a handler that pipes': (target) => (req, res) => {
    const { method, url: path, headers } = req
    req.pipe(httpRequest(target, { method, path, headers }, (answer) => answer.pipe(res)))
  },
  'a handler that pipes to a connection in use': (target) => (req, res) => {
    const { method, url: path, headers } = req
    const sent = httpRequest(target, { method, path, headers }, (answer) => answer.pipe(res))
    sent.once('socket', () => setImmediate(() => req.pipe(sent)))
  },
  'a handler with pipeline()': (target) => (req, res) => {
    const { method, url: path, headers } = req
    const sent = httpRequest(target, { method, path, headers }, (answer) => pipeline(answer, res, () => {}))
    pipeline(req, sent, (error) => error && res.destroy(error))
  },
  'a handler that pipes through something': (target) => (req, res) => {
    const { method, url: path, headers } = req
    const sent = httpRequest(target, { method, path, headers }, (answer) => answer.pipe(res))
    req.pipe(new PassThrough()).pipe(sent)
  },
}

const expressProxies: Record<string, NodeProxy> = {
  ...proxies,
  'express-http-proxy': (target) => load('express-http-proxy')(target),
  'express-http-proxy that reads no body': (target) =>
    load('express-http-proxy')(target, { parseReqBody: false }),
}

/** Beside what sends on: parsers that have to pass on first. */
const nothing: RequestHandler = (_req, _res, next) => next()

function inExpress(
  express: typeof express5,
  parser: (made: typeof express5) => RequestHandler = () => nothing,
) {
  return (proxy: NodeProxy) => (keys: WriteKeys, target: string) =>
    express().use(onExpress.writeKeyAuth(keys)).use(parser(express)).use(proxy(target)) as RequestListener
}

function inKoa(Koa: typeof Koa3, ...parsers: Middleware[]) {
  return (proxy: NodeProxy) => (keys: WriteKeys, target: string) => {
    const app = new Koa()
    app.silent = true
    app.use(onKoa.writeKeyAuth(keys))
    for (const parser of parsers) app.use(parser)
    const handler = proxy(target)
    app.use((ctx) => {
      ctx.respond = false
      handler(ctx.req as never, ctx.res as never, () => {})
    })
    return app.callback() as RequestListener
  }
}

const inConnect = (proxy: NodeProxy) => (keys: WriteKeys, target: string) => {
  const [auth, handler] = [onNode.writeKeyAuth(keys), proxy(target)]
  return ((request, response) =>
    auth(request, response, () => handler(request as never, response as never, () => {}))) as RequestListener
}

const koaOwn: Record<string, (target: string) => Middleware> = {
  'koa-proxies': (target) => load('koa-proxies')('/v1', { target }),
  'koa-better-http-proxy': (target) => load('koa-better-http-proxy')(target, {}),
  'koa-better-http-proxy that reads no body': (target) =>
    load('koa-better-http-proxy')(target, { parseReqBody: false }),
}

type Build = (keys: WriteKeys, target: string) => RequestListener | Promise<RequestListener>
const older4 = express4 as unknown as typeof express5
const older2 = Koa2 as unknown as typeof Koa3

const apps: [string, Build][] = [
  ...Object.entries(expressProxies).flatMap(([name, proxy]): [string, Build][] => [
    [`${name} in Express 5`, inExpress(express5)(proxy)],
    [`${name} in Express 4`, inExpress(older4)(proxy)],
    [`${name} in Express 5 behind express.json()`, inExpress(express5, (made) => made.json())(proxy)],
    [`${name} in Express 4 behind express.json()`, inExpress(older4, (made) => made.json())(proxy)],
    [`${name} in Express 5 behind multer`, inExpress(express5, () => load('multer')().any())(proxy)],
  ]),
  ...Object.entries(proxies).flatMap(([name, proxy]): [string, Build][] => [
    [`${name} in Koa 3`, inKoa(Koa3)(proxy)],
    [`${name} in Koa 2`, inKoa(older2)(proxy)],
    [`${name} in Koa 3 behind koa-body`, inKoa(Koa3, load('koa-body').koaBody({ multipart: true }))(proxy)],
    [`${name} in Koa 3 behind @koa/bodyparser`, inKoa(Koa3, load('@koa/bodyparser').bodyParser())(proxy)],
    [`${name} behind the guard of node:http`, inConnect(proxy)],
  ]),
  ...Object.entries(koaOwn).map(([name, middleware]): [string, Build] => [
    `${name} in Koa`,
    (keys, target) => {
      const app = new Koa3().use(onKoa.writeKeyAuth(keys)).use(middleware(target))
      app.silent = true
      return app.callback() as RequestListener
    },
  ]),
  [
    '@fastify/http-proxy in Fastify',
    async (keys, target) => {
      const app = Fastify()
      app.register(async (guarded) => {
        guarded.register(onFastify.writeKeyAuth(keys))
        guarded.register(load('@fastify/http-proxy'), {
          upstream: target,
          prefix: '/v1',
          rewritePrefix: '/v1',
        })
      })
      closing.push(() => app.close())
      await app.ready()
      return app.routing as RequestListener
    },
  ],
]

const event = { type: 'track', event: 'Größe', properties: { plan: 'a&b' } }
const text = JSON.stringify(event)
const batch = JSON.stringify({
  batch: Array.from({ length: 1_000 }, () => event),
})
const json = { 'content-type': 'application/json' }

interface Sent {
  path: string
  headers?: Record<string, string>
  body: string | Uint8Array
  method?: string
  /** Default: the body, which is text. */
  upstream?: string
}

const sent: Record<string, (key: string) => Sent> = {
  JSON: () => ({ path: '/v1/track', headers: json, body: text }),
  'JSON with spaces': () => ({
    path: '/v1/track',
    headers: json,
    body: JSON.stringify(event, null, 2),
    upstream: text,
  }),
  gzip: () => ({
    path: '/v1/track',
    headers: { ...json, 'content-encoding': 'gzip' },
    body: gzipSync(text),
    upstream: text,
  }),
  'a form that is JSON': () => ({
    path: '/v1/track',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: text,
  }),
  'a large batch': () => ({ path: '/v1/batch', headers: json, body: batch }),
  'a body with its key': (key) => ({
    path: '/v1/track',
    headers: json,
    body: JSON.stringify({ writeKey: key, ...event }),
    upstream: text,
  }),
  'what is left of a batch': () => ({
    path: '/v1/batch',
    headers: json,
    body: JSON.stringify({ batch: [{ type: 'page' }, event] }),
    upstream: JSON.stringify({ batch: [event] }),
  }),
  DELETE: () => ({ path: '/v1/track', headers: json, body: text, method: 'DELETE' }),
}

/** No `Content-Length` in Koa's headers, and Node's client frames no body of a DELETE that has none. */
const isUnframed = (app: string, name: string) => /through something in Koa/.test(app) && name === 'DELETE'

const keys = createWriteKeys({ credentials: ['basic', 'body'], onForbiddenEvent: 'drop' })
closing.push(() => keys.close())
const created = keys.create({ name: 'Web App', sourceType: 'web', allowedEventTypes: ['track'] })
const upstreamUrl = startUpstream()

describe.each(apps)('%s', (app, build) => {
  const url = upstreamUrl.then(async (target) => listen(createServer(await build(keys, target))))
  const here = Object.entries(sent).filter(([name]) => !isUnframed(app, name))

  it.each(here)('sends on what was accepted of %s, once and whole', async (name, toSent) => {
    const { key } = await created
    const { path, headers, body, method = 'POST', upstream = body } = toSent(key)
    const isInBody = name === 'a body with its key'
    const answer = await fetch((await url) + path, {
      method,
      headers: { ...(!isInBody && { authorization: `Basic ${btoa(`${key}:`)}` }), ...headers },
      body,
      signal: AbortSignal.timeout(5_000),
    })
    expect(await answer.json()).toEqual({
      text: upstream,
      method,
      url: path,
      type: 'application/json',
      coding: 'none',
      isWhole: true,
    })
  })
})
