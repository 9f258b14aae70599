import 'reflect-metadata'
import type { IncomingMessage, RequestListener } from 'node:http'
import { inspect } from 'node:util'
import { createAdaptorServer } from '@hono/node-server'
import KoaRouter from '@koa/router'
import { All, Controller, Module, Req, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express5 from 'express'
import express4 from 'express4'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth as expressAuth } from '../../adapters/express.ts'
import { writeKeyAuth as fastifyAuth } from '../../adapters/fastify.ts'
import { writeKeyAuth as fetchAuth } from '../../adapters/fetch.ts'
import { writeKeyAuth as honoAuth } from '../../adapters/hono.ts'
import { writeKeyAuth as koaAuth } from '../../adapters/koa.ts'
import { WriteKeyGuard, WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { guardListener, writeKeyAuth as nodeAuth } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { serve } from '../neighbours/served.ts'

/** What error reports and logs print of a request. */
const inspected = (request: object) => inspect(request, { depth: 6, showHidden: true, customInspect: false })

/** Everything that a handler can see of a request, as text. */
type Seen = Record<string, unknown>

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

function ofNode(request: IncomingMessage): Seen {
  const { url, headers, rawHeaders } = request
  const { originalUrl, baseUrl, params, query, body } = request as unknown as Seen
  return {
    ...{ url, headers, rawHeaders, originalUrl, baseUrl, query, body },
    params: { ...(params as object) },
    inspected: inspected(request),
  }
}

const credentials = ['basic', 'header', { path: '/e/:key' }, 'query', 'body'] as const

type Start = (keys: WriteKeys, see: (seen: Seen) => void) => Promise<string>

async function listen(listener: RequestListener): Promise<string> {
  const { url, close } = await serve(listener)
  closers.push(close)
  return url
}

function startExpress(express: typeof express5, mount: 'route' | 'mount' | 'around' | 'param'): Start {
  return async (keys, see) => {
    const app = express()
    app.use((req, _, next) => next(void [req.query, req.path]))
    if (mount === 'param') app.use('/in/e/:key', expressAuth(keys))
    else if (mount !== 'route') app.use(mount === 'mount' ? '/in' : '/', expressAuth(keys))
    const guards = mount === 'route' ? [expressAuth(keys)] : []
    app.all(['/in/e/:key', '/in/track'], ...guards, (req, res) => {
      see(ofNode(req))
      res.json({})
    })
    return await listen(app)
  }
}

function startKoa(place: 'router' | 'app'): Start {
  return async (keys, see) => {
    const app = new Koa()
    app.use((ctx, next) => {
      void [ctx.query, ctx.URL, ctx.href]
      return next()
    })
    const router = new KoaRouter({ prefix: '/in' })
    if (place === 'app') app.use(koaAuth(keys))
    else router.use(koaAuth(keys) as never)
    const handle = (ctx: Koa.Context & { params?: unknown; captures?: unknown }) => {
      const { url, originalUrl, query, params, captures, path, href } = ctx
      see({
        ...ofNode(ctx.req),
        url,
        originalUrl,
        query,
        path,
        href,
        params,
        captures,
        own: ctx.request.originalUrl,
        inspected: inspected(ctx),
      })
      ctx.body = {}
    }
    router.all('/e/:key', handle as never)
    router.all('/track', handle as never)
    app.use(router.routes() as unknown as Koa.Middleware)
    return await listen(app.callback())
  }
}

const startFastify: Start = async (keys, see) => {
  const app = Fastify()
  app.addHook('onRequest', async (request) => void [request.query, request.originalUrl])
  app.register(
    async (ingest) => {
      ingest.register(fastifyAuth(keys))
      for (const url of ['/e/:key', '/track'])
        ingest.all(url, async (request) => {
          const { url, originalUrl, query, params, headers, raw, body } = request
          const own = inspected(request)
          see({ ...ofNode(raw), url, originalUrl, query, params, headers, body, own })
          return {}
        })
    },
    { prefix: '/in' },
  )
  await app.ready()
  closers.push(() => app.close())
  return await listen((request, response) => app.routing(request, response))
}

const startHono: Start = async (keys, see) => {
  const app = new Hono()
  app.use('/in/*', honoAuth(keys))
  const handle = async (c: import('hono').Context) => {
    const { req } = c
    const { url, path } = req
    see({
      url,
      path,
      raw: req.raw.url,
      param: req.param(),
      one: req.param('key'),
      query: req.query(),
      headers: req.header(),
      body: await req.text(),
      inspected: inspected(req),
    })
    return c.json({})
  }
  app.all('/in/e/:key', handle)
  app.all('/in/track', handle)
  const server = createAdaptorServer(app)
  return await listen((request, response) => void server.emit('request', request, response))
}

const startFetch: Start = async (keys, see) => {
  const auth = fetchAuth(keys)
  const app = new Hono()
  app.all('*', (c) =>
    auth(c.req.raw, async (_, request) => {
      see({ url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() })
      return Response.json({})
    }),
  )
  const server = createAdaptorServer(app)
  return await listen((request, response) => void server.emit('request', request, response))
}

const startNode: Start = async (keys, see) => {
  const auth = nodeAuth(keys)
  return await listen((request, response) =>
    auth(request, response, () => {
      see(ofNode(request))
      response.end('{}')
    }),
  )
}

const startGuarded: Start = async (keys, see) => {
  const app = express5()
  app.all(['/in/e/:key', '/in/track'], (req, res) => {
    see(ofNode(req))
    res.json({})
  })
  return await listen(guardListener(app, keys, { path: '/in' }))
}

function startNest(platform: 'express' | 'fastify'): Start {
  return async (keys, see) => {
    @Controller('in')
    @UseGuards(WriteKeyGuard)
    class IngestController {
      @All(['e/:key', 'track'])
      handle(@Req() request: IncomingMessage & { raw?: IncomingMessage }) {
        see({ ...ofNode(request.raw ?? request), ...ofNode(request) })
        return {}
      }
    }
    @Module({ imports: [WriteKeyModule.forRoot({ keys })], controllers: [IngestController] })
    class AppModule {}
    const adapter = platform === 'fastify' ? new FastifyAdapter() : undefined
    const app = await (adapter === undefined
      ? NestFactory.create<NestExpressApplication>(AppModule, { logger: false })
      : NestFactory.create(AppModule, adapter, { logger: false }))
    await app.listen(0, '127.0.0.1')
    closers.push(() => app.close())
    return await app.getUrl()
  }
}

const apps: [string, Start][] = [
  ...(['route', 'mount', 'around', 'param'] as const).flatMap((mount): [string, Start][] => [
    [`Express 5 (${mount})`, startExpress(express5, mount)],
    [`Express 4 (${mount})`, startExpress(express4 as unknown as typeof express5, mount)],
  ]),
  ['Koa (router)', startKoa('router')],
  ['Koa (app)', startKoa('app')],
  ['Fastify', startFastify],
  ['Hono', startHono],
  ['fetch', startFetch],
  ['node', startNode],
  ['guardListener', startGuarded],
  ['Nest on Express', startNest('express')],
  ['Nest on Fastify', startNest('fastify')],
]

const event = { type: 'track', event: 'Signed Up' }

describe.each(apps)('%s', (name, start) => {
  const ways = ['path', 'encoded path', 'query', 'header', 'body'].filter(
    (way) => way.includes('path') || !name.includes('param'),
  )

  it.each(ways)('shows handlers nothing of a key in the %s', async (way) => {
    const keys = createWriteKeys({ credentials })
    closers.push(() => keys.close())
    const seen: Seen[] = []
    const url = await start(keys, (one) => seen.push(one))
    const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other' })
    const path =
      way === 'path'
        ? `/in/e/${key}?a=1`
        : way === 'encoded path'
          ? `/in/e/${key.replaceAll('_', '%5f')}?a=1`
          : `/in/track?a=1${way === 'query' ? `&writeKey=${key}&b=2` : ''}`
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(way === 'header' && { 'X-Write-Key': key }) },
      body: JSON.stringify(way === 'body' ? { ...event, writeKey: key } : event),
    })
    expect(answer.status).toBeLessThan(300)
    expect(seen).toHaveLength(1)
    expect(JSON.stringify(seen)).not.toContain(key.slice(8))
    expect(JSON.stringify(seen)).toContain('Signed Up')
    expect(JSON.stringify(seen)).toContain(way === 'query' ? 'track?a=1&b=2' : 'a=1')
    const inUrl = way.includes('path') || way === 'query'
    expect(answer.headers.get('cache-control')).toBe(inUrl ? 'no-store' : null)
    if (way.includes('path')) expect(String(seen[0]?.url)).toContain(`/e/${writeKey.id}?a=1`)
    if (way.includes('path') && seen[0]?.params !== undefined && !/node|fetch/.test(name))
      expect(JSON.stringify(seen[0]?.params)).toBe(JSON.stringify({ key: writeKey.id }))
  })
})

describe('a route that ends in a wildcard', () => {
  const wildcards: Record<string, (keys: WriteKeys, see: (params: unknown) => void) => Promise<string>> = {
    async 'Express 5'(keys, see) {
      const app = express5()
      app.all('/in/*rest', expressAuth(keys), (req, res) => {
        see(req.params)
        res.json({})
      })
      return await listen(app)
    },
    async 'Express 4'(keys, see) {
      const app = (express4 as unknown as typeof express5)()
      app.all('/in/*', expressAuth(keys), (req, res) => {
        see(req.params)
        res.json({})
      })
      return await listen(app)
    },
    async Koa(keys, see) {
      const router = new KoaRouter()
      router.all(
        '/in/{*rest}',
        koaAuth(keys) as never,
        ((ctx: Koa.Context & { params?: unknown }) => {
          see(ctx.params)
          ctx.body = {}
        }) as never,
      )
      const app = new Koa()
      app.use(router.routes() as unknown as Koa.Middleware)
      return await listen(app.callback())
    },
    async Fastify(keys, see) {
      const app = Fastify()
      app.register(fastifyAuth(keys))
      app.register(async (ingest) => {
        ingest.all('/in/*', async (request) => {
          see(request.params)
          return {}
        })
      })
      await app.ready()
      closers.push(() => app.close())
      return await listen((request, response) => app.routing(request, response))
    },
  }

  it.each(Object.entries(wildcards))('shows the id of the key in its place, in %s', async (_, start) => {
    const keys = createWriteKeys({ credentials })
    closers.push(() => keys.close())
    const seen: unknown[] = []
    const url = await start(keys, (params) => seen.push({ ...(params as object) }))
    const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other' })
    for (const written of [key, key.replace('s', '%73')]) {
      const answer = await fetch(`${url}/in/a/e/${written}`, { method: 'POST', body: JSON.stringify(event) })
      expect(answer.status).toBe(200)
    }
    expect(seen).toHaveLength(2)
    for (const params of seen) {
      expect(JSON.stringify(params)).not.toContain(key)
      expect([Object.values(params as object)].flat(2).join('/')).toBe(`a/e/${writeKey.id}`)
    }
  })
})
