import 'reflect-metadata'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { All, Controller, Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express5, { type RequestHandler } from 'express'
import express4 from 'express4'
import Fastify from 'fastify'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth as expressAuth, ingestRoutes as expressIngest } from '../../adapters/express.ts'
import { writeKeyAuth as fastifyAuth } from '../../adapters/fastify.ts'
import { writeKeyAuth as koaAuth, ingestRoutes as koaIngest } from '../../adapters/koa.ts'
import { WriteKeyGuard, WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { guardListener, writeKeyAuth as nodeAuth } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { load } from '../neighbours/neighbour.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** What is written about a request once its answer is: by loggers in front of the guard, and by one that looks at everything. */
type Log = (line: unknown) => void
type Start = (keys: WriteKeys, log: Log) => RequestListener | Promise<RequestListener>

const looks = ['url', 'originalUrl', 'baseUrl', 'path', 'query', 'params', 'headers', 'rawHeaders'] as const

function lookAt(request: object): unknown {
  const seen = Object.fromEntries(looks.map((name) => [name, (request as Record<string, unknown>)[name]]))
  return { ...seen, params: { ...(seen.params as object) } }
}

/** Loggers of Connect, in front of everything. */
function watched(listener: RequestListener, log: Log): RequestListener {
  const write = { write: (line: string) => log(line) }
  const morgan = load('morgan')(':method :url :status :req[x-write-key]', { stream: write })
  return (request, response) => {
    response.on('finish', () => log(lookAt(request)))
    morgan(request, response, () => void listener(request, response))
  }
}

function inExpress(express: typeof express5): Start {
  return (keys, log) => {
    const app = express()
    const see: RequestHandler = (req, res, next) => {
      res.on('finish', () => log(lookAt(req)))
      next()
    }
    app.use(see)
    app.all(['/in/e/:key', '/in/track'], see, expressAuth(keys))
    app.use('/in', expressAuth(keys))
    return app
  }
}

const inKoa: Start = (keys, log) => {
  const app = new Koa()
  app.use(
    load('koa-logger')((_: string, [format, ...args]: string[]) => {
      // The line of what comes in is written before anybody could look.
      if (!format?.includes('<--')) log(args)
    }),
  )
  app.use(async (ctx, next) => {
    // Koa keeps what it has made of this.
    void ctx.query
    void ctx.URL
    await next()
    log([lookAt(ctx), lookAt(ctx.request), ctx.href, ctx.URL.href, ctx.search])
  })
  app.use(koaAuth(keys))
  return app.callback()
}

const inFastify: Start = async (keys, log) => {
  const app = Fastify()
  app.addHook('onResponse', async (request) => log([lookAt(request), lookAt(request.raw)]))
  app.register(
    async (ingest) => {
      ingest.register(fastifyAuth(keys))
      for (const url of ['/e/:key', '/track']) ingest.all(url, async () => ({}))
    },
    { prefix: '/in' },
  )
  await app.ready()
  closers.push(() => app.close())
  return (request, response) => app.routing(request, response)
}

function inNest(platform: 'express' | 'fastify'): Start {
  return async (keys, log) => {
    @Controller('in')
    @UseGuards(WriteKeyGuard)
    class IngestController {
      @All(['e/:key', 'track'])
      handle() {
        return {}
      }
    }
    @Module({ imports: [WriteKeyModule.forRoot({ keys })], controllers: [IngestController] })
    class AppModule {}
    const app =
      platform === 'express'
        ? await NestFactory.create(AppModule, { logger: false })
        : await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false })
    app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      response.on('finish', () => log(lookAt(request)))
      next()
    })
    await app.init()
    const instance = app.getHttpAdapter().getInstance()
    if (platform === 'fastify') await instance.ready()
    closers.push(() => app.close())
    return platform === 'fastify' ? instance.routing : instance
  }
}

const inNode: Start = (keys) => {
  const auth = nodeAuth(keys)
  return (request, response) => auth(request, response, () => response.end('{}'))
}

const apps: [string, Start][] = [
  ['Express 5', inExpress(express5)],
  ['Express 4', inExpress(express4 as unknown as typeof express5)],
  ['Koa', inKoa],
  ['Fastify', inFastify],
  ['Nest on Express', inNest('express')],
  ['Nest on Fastify', inNest('fastify')],
  ['node:http', inNode],
  ['guardListener', (keys) => guardListener((_, response) => void response.end(), keys, { path: '/in' })],
]

const preflight = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
const places = (key: string) => [`/in/e/${key}?a=1`, `/in/track?a=1&writeKey=${key}&b=2`]

/** Requests that are not accepted, whatever the key. */
const refusals: Record<
  string,
  { method?: string; headers?: Record<string, string>; body?: string; end?: string }
> = {
  'a preflight': { method: 'OPTIONS', headers: preflight },
  'no JSON': { body: '{' },
  'no event': { body: '[]' },
  'an ambiguous target': { end: '#x' },
  'a GET with a body': { method: 'GET', headers: { 'content-length': '2' }, body: '{}' },
  'two keys': { headers: { 'x-write-key': 'sk_live_other' }, body: '{}' },
}

/** fetch() sends neither fragments nor bodies of a GET. */
async function send(
  url: string,
  target: string,
  { method = 'POST', headers = {}, body = '' },
): Promise<number> {
  const { hostname, port } = new URL(url)
  const socket = connectSocket(Number(port), hostname)
  const length = { 'content-type': 'application/json', 'content-length': `${body.length}` }
  const fields = { host: hostname, connection: 'close', ...(body !== '' && length), ...headers }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  socket.end([`${method} ${target} HTTP/1.1`, ...lines, '', body].join('\r\n'))
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1])
}

describe.each(apps)('%s', (_, start) => {
  async function run() {
    const keys = createWriteKeys({
      credentials: ['basic', 'header', { path: '/e/:key' }, 'query'],
      logger: false,
    })
    closers.push(() => keys.close())
    const lines: unknown[] = []
    const log = (line: unknown) => lines.push(line)
    const { url, close } = await serve(watched(await start(keys, log), log))
    closers.push(close)
    const { key } = await keys.create({ name: 'Sender', sourceType: 'other' })
    return { url, key, lines }
  }

  it.each(Object.entries(refusals))('writes no key of a URL into logs for %s', async (name, request) => {
    const { url, key, lines } = await run()
    for (const target of places(key)) {
      const status = await send(url, target + (request.end ?? ''), request)
      expect(status).toBe(name === 'a preflight' ? 204 : name === 'two keys' ? status : 400)
    }
    expect(lines.length).toBeGreaterThan(3)
    expect(JSON.stringify(lines)).not.toContain(key)
    expect(JSON.stringify(lines)).toContain('/in/track?a=1&b=2')
  })

  it.each(['sk_live_nonsense', `sk_live_${'a'.repeat(38)}`, 'imported-elsewhere-16'])(
    'writes no key that it does not know into logs: %s',
    async (key) => {
      const { url, lines } = await run()
      for (const target of places(key)) {
        expect(await send(url, target, { body: '{}' })).toBe(401)
        expect(await send(url, target, { method: 'OPTIONS', headers: preflight })).toBe(204)
      }
      expect(JSON.stringify(lines)).not.toContain(key)
    },
  )
})

describe('over HTTP/2', () => {
  it.each([
    ['Koa', (keys: WriteKeys, log: Log) => inKoa(keys, log)],
    [
      'guardListener',
      (keys: WriteKeys) =>
        guardListener((_: IncomingMessage, res: ServerResponse) => void res.end(), keys, { path: '/in' }),
    ],
  ])('the target is hidden in the headers of %s too, accepted or not', async (_, build) => {
    const keys = createWriteKeys({
      credentials: ['basic', 'header', { path: '/e/:key' }, 'query'],
      logger: false,
    })
    closers.push(() => keys.close())
    const lines: unknown[] = []
    const listener = (await build(keys, (line) => lines.push(line))) as unknown as (
      a: object,
      b: object,
    ) => void
    const server = createHttp2Server((request, response) => {
      response.on('finish', () => lines.push(lookAt(request)))
      listener(request, response)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    closers.push(
      () => server.close(),
      () => session.close(),
    )
    const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other' })
    const statuses: unknown[] = []
    for (const path of [...places(key), '/in/track']) {
      for (const [method, body] of [
        ['POST', '{"type":"track"}'],
        ['POST', '{'],
        ['OPTIONS', ''],
      ] as const) {
        const stream = session.request(
          {
            ':method': method,
            ':path': path,
            ...preflight,
            ...(path === '/in/track' && { 'x-write-key': key }),
          },
          { endStream: false },
        )
        stream.end(body)
        const [headers] = await once(stream, 'response')
        statuses.push(headers[':status'])
        stream.resume()
        await once(stream, 'close')
      }
    }
    expect(statuses.filter((status) => status === 204)).toHaveLength(3)
    expect(statuses.filter((status) => status === 400)).toHaveLength(3)
    expect(lines.length).toBeGreaterThanOrEqual(9)
    // A header that carries the key is not asked for by a preflight.
    expect(JSON.stringify(lines.filter((line) => !JSON.stringify(line).includes('OPTIONS')))).not.toContain(
      key,
    )
    expect(JSON.stringify(lines)).toContain(`/in/e/${writeKey.id}?a=1`)
    expect(JSON.stringify(lines)).toContain('/in/track?a=1&b=2')
  })
})

describe.each([
  [
    'Express',
    (api: ReturnType<typeof createIngestApi>) => express5().use(expressIngest(api)) as RequestListener,
  ],
  ['Koa', (api: ReturnType<typeof createIngestApi>) => new Koa().use(koaIngest(api)).callback()],
])('the endpoints of senders in %s', (_, build) => {
  it('write no key of a preflight into logs', async () => {
    const keys = createWriteKeys()
    closers.push(() => keys.close())
    const lines: unknown[] = []
    const listener = build(createIngestApi(keys, { onEvents: () => {} }))
    const { url, close } = await serve(watched(listener, (line) => lines.push(line)))
    closers.push(close)
    const { key } = await keys.create({ name: 'Sender', sourceType: 'other' })
    expect(await send(url, `/e/${key}`, { method: 'OPTIONS', headers: preflight })).toBe(204)
    expect(lines.length).toBeGreaterThan(1)
    expect(JSON.stringify(lines)).not.toContain(key)
  })
})
