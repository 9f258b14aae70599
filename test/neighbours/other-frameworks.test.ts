import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import middie from '@fastify/middie'
import bodyParser from 'body-parser'
import express from 'express'
import Fastify from 'fastify'
import { fromNodeHandler, H3, serve as serveH3 } from 'h3'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth as expressAuth } from '../../adapters/express.ts'
import { writeKeyAuth as fetchAuth } from '../../adapters/fetch.ts'
import { writeKeyAuth as honoAuth, writeKeyOf as honoKeyOf } from '../../adapters/hono.ts'
import { writeKeyAuth, writeKeyOf } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'

/** What a handler has got: the body as the framework gives it. */
type See = (body: unknown, events: unknown) => object
type Start = (keys: WriteKeys, see: See) => Promise<string>

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** On the server that h3 brings along, whose requests only look like those of the runtime. */
async function listenBySrvx(fetch: (request: Request) => Response | Promise<Response>): Promise<string> {
  const server = serveH3({ fetch, '~middleware': [] } as never, {
    port: 0,
    hostname: '127.0.0.1',
    silent: true,
  })
  await server.ready()
  closers.push(() => server.close(true))
  return String(server.url).replace(/\/$/, '')
}

async function readByData(request: IncomingMessage): Promise<unknown> {
  let text = ''
  request.on('data', (chunk) => {
    text += chunk
  })
  await once(request, 'end')
  return JSON.parse(text)
}

async function readByIterating(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) text += chunk
  return JSON.parse(text)
}

/** A server without a framework, whose handler reads the body by itself. */
function reading(read: (request: IncomingMessage) => Promise<unknown>): Start {
  return (keys, see) => {
    const auth = writeKeyAuth(keys)
    return listen((request, response) =>
      auth(request, response, async () => {
        response.end(JSON.stringify(see(await read(request), writeKeyOf(request).events)))
      }),
    )
  }
}

/** The same with parsers behind the guard, as Connect and Polka run them. */
function parsedBy(parser: typeof bodyParser): Start {
  const [json, form] = [parser.json(), parser.urlencoded({ extended: true })]
  return (keys, see) => {
    const auth = writeKeyAuth(keys)
    return listen((request: NodeRequest, response) =>
      auth(request, response, () =>
        json(request, response, () =>
          form(request, response, () =>
            response.end(JSON.stringify(see(request.body, writeKeyOf(request).events))),
          ),
        ),
      ),
    )
  }
}

type NodeRequest = IncomingMessage & { body?: unknown }

const bodyParser1 = createRequire(import.meta.url)('body-parser1') as typeof bodyParser

const starts: Record<string, Start> = {
  'node:http, with body-parser 2 behind': parsedBy(bodyParser),
  'node:http, with body-parser 1 behind': parsedBy(bodyParser1 as typeof bodyParser),
  'node:http, by listening': reading(readByData),
  'node:http, by iterating': reading(readByIterating),
  async 'Fastify, as middleware of @fastify/middie'(keys, see) {
    const app = Fastify()
    await app.register(middie)
    app.use('/v1', writeKeyAuth(keys))
    app.post('/v1/:type', async ({ body, raw }) => see(body, writeKeyOf(raw).events))
    closers.push(() => app.close())
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  async 'Fastify, with an Express app in front as @fastify/express has it'(keys, see) {
    const inFront = express().use('/v1', expressAuth(keys))
    const app = Fastify()
    app.addHook('onRequest', (request, reply, next) => {
      Object.assign(reply.raw, { send: (body: unknown) => reply.send(body) })
      inFront(request.raw as express.Request, reply.raw as express.Response, next)
    })
    app.post('/v1/:type', async ({ body, raw }) => see(body, writeKeyOf(raw).events))
    closers.push(() => app.close())
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  'h3, by writekey/fetch': (keys, see) => {
    const auth = fetchAuth(keys)
    const app = new H3().all('/v1/**', (event) =>
      auth(event.req, async ({ events }, request) => Response.json(see(await request.json(), events))),
    )
    return listenBySrvx((request) => app.fetch(request))
  },
  'h3, by middleware for Node': (keys, see) => {
    const app = new H3()
    app.use('/v1/**', fromNodeHandler(writeKeyAuth(keys) as never))
    app.post('/v1/:type', async ({ req }) => {
      const { events } = writeKeyOf(req.runtime?.node?.req as object)
      return see(await req.json(), events)
    })
    return listenBySrvx((request) => app.fetch(request))
  },
  'Hono, on srvx': (keys, see) => {
    const app = new Hono()
    app.use('/v1/*', honoAuth(keys))
    app.post('/v1/:type', async (c) => c.json(see(await c.req.json(), honoKeyOf(c).events)))
    return listenBySrvx(app.fetch)
  },
}

describe.each(Object.entries(starts))('%s', (_, start) => {
  it('hands the accepted events to whatever reads the body, and runs for nobody else', async () => {
    const keys = createWriteKeys()
    closers.push(() => keys.close())
    const { key, writeKey } = await keys.create({
      name: 'Web',
      sourceType: 'web',
      allowedEventTypes: ['track'],
      rateLimitEps: 1_000,
    })
    let runs = 0
    const url = await start(keys, (body, events) => {
      runs++
      return { body, events }
    })
    const send = (path: string, init: RequestInit & { duplex?: 'half' } = {}, secret = key) =>
      fetch(url + path, {
        method: 'POST',
        body: '{"event":"a"}',
        signal: AbortSignal.timeout(5_000),
        ...init,
        headers: { authorization: `Basic ${btoa(`${secret}:`)}`, ...init.headers },
      } as RequestInit)
    const event = { event: 'a' }
    const sent: [object, object][] = [
      [{}, event],
      [{ headers: { 'content-type': 'application/json' } }, event],
      [
        {
          body: gzipSync('{"event":"a"}'),
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' },
        },
        event,
      ],
      [{ body: new Blob(['{"event":"a"}']).stream(), duplex: 'half' }, event],
    ]
    for (const [init, body] of sent) {
      const answered = await send('/v1/track', init)
      expect([answered.status, await answered.json()]).toEqual([200, { body, events: [event] }])
      expect(answered.headers.get('access-control-allow-origin')).toBe('*')
    }
    // Beyond the limit of most parsers.
    const batch = [{ type: 'track', event: 'a', text: 'x'.repeat(300_000) }]
    const large = await send('/v1/batch', { body: JSON.stringify({ batch }) })
    expect([large.status, await large.json()]).toEqual([200, { body: { batch }, events: batch }])
    expect(runs).toBe(5)

    expect((await send('/v1/identify')).status).toBe(403)
    expect((await send('/v1/track', {}, 'sk_live_wrong')).status).toBe(401)
    const asBrowser = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
    expect((await send('/v1/track', { method: 'OPTIONS', body: null, headers: asBrowser })).status).toBe(204)
    expect(runs).toBe(5)
    expect(await keys.usage(writeKey.id)).toMatchObject({ accepted: { track: 5 } })
  })
})

type RequestInit = NonNullable<ConstructorParameters<typeof Request>[1]>
