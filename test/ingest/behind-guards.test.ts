import 'reflect-metadata'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { All, Controller, Module, Req, Res, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ingestRoutes, writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as fastifyAuth, ingestRoutes as fastifyRoutes } from '../../adapters/fastify.ts'
import { writeKeyAuth as fetchAuth, ingestRoutes as fetchRoutes } from '../../adapters/fetch.ts'
import { writeKeyAuth as honoAuth, ingestRoutes as honoRoutes } from '../../adapters/hono.ts'
import { writeKeyAuth as koaAuth, ingestRoutes as koaRoutes } from '../../adapters/koa.ts'
import { WriteKeyGuard, WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { guardListener } from '../../adapters/node.ts'
import {
  type CreateKeyInput,
  createWriteKeys,
  type IngestEvent,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { createIngestApi, type IngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'
import { holdEvents } from './held-events.ts'

type CreateListener = (keys: WriteKeys, api: IngestApi) => RequestListener | Promise<RequestListener>

const apps: Record<string, CreateListener> = {
  guardListener: (keys, api) =>
    guardListener(
      express().use(ingestRoutes(api), (_, res) => void res.send('own')),
      keys,
      { path: '/' },
    ),
  'guardListener and writeKeyAuth': (keys, api) =>
    guardListener(
      express().use(writeKeyAuth(keys, { eventType: 'track' }), ingestRoutes(api), (_, res) => {
        res.send('own')
      }),
      keys,
      { path: '/' },
    ),
  'writeKeyAuth of Express': (keys, api) =>
    express().use(writeKeyAuth(keys), ingestRoutes(api), (_, res) => void res.send('own')),
  'writeKeyAuth of Koa': (keys, api) => {
    const app = new Koa().use(koaAuth(keys)).use(koaRoutes(api))
    app.use((ctx) => {
      ctx.body = 'own'
    })
    return app.callback()
  },
  'writeKeyAuth of Fastify': async (keys, api) => {
    let handle: RequestListener = () => {}
    const { createServer } = await import('node:http')
    const fastify = Fastify({
      serverFactory(handler) {
        handle = handler
        return createServer(handler)
      },
    })
    fastify.register(fastifyAuth(keys)).register(fastifyRoutes(api))
    fastify.post('/own/track', async () => 'own')
    await fastify.ready()
    onTestFinished(() => fastify.close())
    return handle
  },
  'guardListener and Fastify': async (keys, api) => {
    const fastify = Fastify()
    fastify.register(fastifyRoutes(api))
    fastify.post('/own/track', async () => 'own')
    await fastify.ready()
    onTestFinished(() => fastify.close())
    return guardListener((request, response) => fastify.routing(request, response), keys, { path: '/' })
  },
  'guardListener and Koa': (keys, api) => {
    const app = new Koa().use(koaRoutes(api))
    app.use((ctx) => {
      ctx.body = 'own'
    })
    return guardListener(app.callback(), keys, { path: '/' })
  },
  'guardListener and Hono': (keys, api) => {
    const app = new Hono().use(honoRoutes(api))
    const listener = getRequestListener(app.post('/own/track', (c) => c.text('own')).fetch)
    return guardListener(listener, keys, { path: '/' })
  },
  'writeKeyAuth of Hono': (keys, api) => {
    const app = new Hono().use(honoAuth(keys), honoAuth(keys, { eventType: 'track' }), honoRoutes(api))
    return getRequestListener(app.post('/own/track', (c) => c.text('own')).fetch)
  },
  'writeKeyAuth of writekey/fetch': (keys, api) => {
    const [auth, ingest] = [fetchAuth(keys), fetchRoutes(api)]
    return getRequestListener((request) =>
      auth(request, async (_, accepted) => (await ingest(accepted)) ?? new Response('own')),
    )
  },
  "Nest's guard": async (keys, api) => {
    const route = ingestRoutes(api)

    @Controller()
    @UseGuards(WriteKeyGuard)
    class IngestController {
      @All('*path')
      ingest(@Req() request: IncomingMessage, @Res() response: ServerResponse) {
        route(request, response, () => response.end('own'))
      }
    }

    @Module({ imports: [WriteKeyModule.forRoot({ keys })], controllers: [IngestController] })
    class AppModule {}

    const app = await NestFactory.create(AppModule, { logger: false })
    onTestFinished(() => app.close())
    await app.init()
    return app.getHttpAdapter().getInstance()
  },
}

it.each(Object.entries(apps))(
  'behind %s a request counts once, as what its sender was told',
  async (_, create) => {
    const decided: string[] = []
    const keys = createWriteKeys({
      logger: false,
      onEvent(event) {
        if (event.type === 'accepted' || event.type === 'refused') decided.push(event.type)
      },
    })
    const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other', rateLimitEps: 10 })
    const api = createIngestApi(keys, {
      onEvents([first]) {
        if (first?.type === 'track' && first.event === 'fail') throw new Error('the queue is away')
      },
    })
    const { url, close } = await serve(await create(keys, api))
    onTestFinished(() => {
      close()
      return keys.close()
    })
    const send = (path: string, event: string) =>
      fetch(url + path, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ event, userId: '42' }),
      })
    expect((await send('/v1/track', 'fail')).status).toBe(503)
    expect(await keys.usage(writeKey.id)).toMatchObject({ accepted: {}, refused: { handler_failed: 1 } })
    expect((await send('/v1/track', 'good')).status).toBe(200)
    const own = await send('/own/track', 'good')
    expect(await own.text()).toBe('own')
    await vi.waitFor(() => expect(decided).toEqual(['refused', 'accepted', 'accepted']))
    expect(await keys.usage(writeKey.id)).toMatchObject({
      accepted: { track: 2 },
      refused: { handler_failed: 1 },
    })
  },
)

it.each(Object.entries(apps))(
  'behind %s close() waits for onEvents and counts its events',
  async (_, create) => {
    const { keys, api, order, begun, go, close, authorization } = await holdEvents()
    const { url, close: stop } = await serve(await create(keys, api))
    onTestFinished(stop)
    const sent = fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"event":"good","userId":"42"}',
    })
    await begun.promise
    const closing = close()
    await new Promise((resolve) => setImmediate(resolve))
    go.resolve()
    expect((await sent).status).toBe(200)
    await closing
    expect(order).toEqual(['handled', 'counted', 'closed'])
  },
)

it('behind a guard a request whose client goes away before the answer counts as accepted', async () => {
  const decided: string[] = []
  const keys = createWriteKeys({
    onEvent: (event) => {
      if (event.type === 'accepted') decided.push(event.type)
    },
  })
  createIngestApi(keys, { onEvents() {} })
  const { key } = await keys.create({ name: 'Sender', sourceType: 'other' })
  const leaving = new AbortController()
  let whenGone: Promise<unknown> | undefined
  const listener = guardListener(
    (_, response) => {
      whenGone = once(response, 'close')
      leaving.abort()
    },
    keys,
    { path: '/' },
  )
  const { url, close } = await serve(listener)
  onTestFinished(() => {
    close()
    return keys.close()
  })
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const sent = fetch(`${url}/own`, {
    method: 'POST',
    headers,
    body: '{"type":"track"}',
    signal: leaving.signal,
  })
  await expect(sent).rejects.toThrow()
  await whenGone
  expect(decided).toEqual(['accepted'])
})

/** The fields of each sender's records, where a guard in front finds the type of an event and its key. */
const guardsReading: WriteKeysOptions = {
  credentials: ['basic', { path: '/e/:key' }, { body: 'api_key' }],
  batchFields: ['batch', 'events'],
  logger: false,
}

describe.each(Object.entries(apps))('behind %s', (_, create) => {
  async function start(fields: Partial<CreateKeyInput>, options: WriteKeysOptions = {}) {
    const keys = createWriteKeys({ ...guardsReading, ...options })
    const { key } = await keys.create({ name: 'Sender', sourceType: 'web', ...fields })
    const arrived: IngestEvent[] = []
    const api = createIngestApi<IngestEvent>(keys, {
      senders: ['segment', 'inngest', 'posthog', 'amplitude', 'mixpanel'],
      onEvents: (events) => void arrived.push(...events),
    })
    const { url, close } = await serve(await create(keys, api))
    onTestFinished(() => {
      close()
      return keys.close()
    })
    async function post(path: string, body: (key: string) => unknown) {
      const isInPath = path === '/e/with-key'
      return await fetch(url + (isInPath ? `/e/${key}` : path), {
        method: 'POST',
        ...(!isInPath && { headers: { authorization: `Basic ${btoa(`${key}:`)}` } }),
        body: JSON.stringify(body(key)),
      })
    }
    return { arrived, post, key }
  }

  it.each<[string, (key: string) => unknown]>([
    ['/capture/', () => ({ event: '$identify', type: 'track', properties: {} })],
    ['/capture/', () => ({ event: '$set', type: 'track', $set: { plan: 'admin' } })],
    ['/capture/', () => ({ event: '$merge_dangerously', type: 'track' })],
    ['/batch/', () => ({ batch: [{ event: '$identify', type: 'track' }] })],
    ['/batch/', (key) => ({ api_key: key, batch: [{ event: '$groupidentify', type: 'track' }] })],
    ['/i/v0/e/', () => [{ event: '$create_alias', type: 'track' }]],
    ['/2/httpapi', () => ({ events: [{ event_type: '$identify', type: 'track', event: 'a' }] })],
    ['/batch', (key) => ({ api_key: key, events: [{ event_type: '$groupidentify', type: 'track' }] })],
    ['/track', (key) => [{ event: '$identify', type: 'track', properties: { token: key } }]],
    ['/track', () => [{ $set: { plan: 'admin' }, type: 'track' }]],
    ['/engage', (key) => [{ $token: key, type: 'track', event: 'a', $set: { plan: 'admin' } }]],
    ['/groups', (key) => [{ $token: key, type: 'track', event: 'a', $group_key: 'c', $delete: '' }]],
    ['/e/with-key', () => ({ name: 'a', type: 'track', event: 'a', data: {} })],
  ])('a record at %s is what its sender makes of it, whatever type it says (%#)', async (path, body) => {
    const { post, arrived } = await start({ allowedEventTypes: ['track'] })
    expect((await post(path, body)).status).toBe(403)
    expect(arrived).toEqual([])
  })

  it('good records of every sender arrive as without the guard, and no key with them', async () => {
    const { post, arrived, key } = await start({ allowedEventTypes: ['track', 'identify'] })
    const sent: [string, (key: string) => unknown][] = [
      ['/capture/', (key) => ({ api_key: key, token: key, event: 'a', type: 'track' })],
      ['/batch/', (key) => ({ batch: [{ event: 'b', type: 'track', properties: { token: key, x: 1 } }] })],
      ['/2/httpapi', (key) => ({ api_key: key, events: [{ event_type: 'c', type: 'track' }] })],
      ['/track', (key) => [{ event: 'd', type: 'track', properties: { token: key, $insert_id: 'i' } }]],
      ['/engage', (key) => [{ $token: key, type: 'track', $set: { a: 1 } }]],
    ]
    for (const [path, body] of sent) expect([path, (await post(path, body)).status]).toEqual([path, 200])
    expect(arrived).toEqual([
      { event: 'a', type: 'track' },
      { event: 'b', type: 'track', properties: { x: 1 } },
      { event_type: 'c', type: 'track', event: 'c' },
      { event: 'd', type: 'track', properties: { $insert_id: 'i' }, messageId: 'i' },
      { $set: { a: 1 }, type: 'identify' },
    ])
    expect(JSON.stringify(arrived)).not.toContain(key)
  })

  it('a key without a type rule takes records without a type, each as an event of its own', async () => {
    const { post, arrived } = await start({ deniedEventNames: ['secret'] })
    const events = [{ event_type: 'a' }, { event_type: 'b' }]
    expect((await post('/2/httpapi', (key) => ({ api_key: key, events }))).status).toBe(200)
    expect(
      (await post('/2/httpapi', () => ({ events: [{ event_type: 'secret', event: 'a' }] }))).status,
    ).toBe(403)
    expect((await post('/e/with-key', () => ({ name: 'fine', data: {} }))).status).toBe(200)
    expect((await post('/e/with-key', () => ({ name: 'secret', type: 'track', event: 'a' }))).status).toBe(
      403,
    )
    expect(arrived).toEqual([
      { event_type: 'a', type: 'track', event: 'a' },
      { event_type: 'b', type: 'track', event: 'b' },
      { name: 'fine', data: {}, id: expect.any(String) },
    ])
  })

  it('what is left out of a batch by guard and endpoint is counted from the batch that was sent', async () => {
    const { post, arrived } = await start({ allowedEventTypes: ['track'] }, { onForbiddenEvent: 'drop' })
    const batch = [null, ...['$identify', 'a', '$set', 'b'].map((event) => ({ event, type: 'track' }))]
    const answer = await post('/batch/', () => ({ batch }))
    const { rejected } = (await answer.json()) as { rejected: { index: number; type: string | null }[] }
    expect(rejected.map(({ index, type }) => [index, type])).toEqual([
      [0, null],
      [1, 'identify'],
      [3, 'identify'],
    ])
    expect(arrived.map(({ event }) => event)).toEqual(['a', 'b'])
  })
})

it('a guard of keys that wrap those of the endpoints does not speak for their formats', async () => {
  const keys = createWriteKeys({ logger: false })
  const wrapped = {
    preflight: keys.preflight,
    verify: async (request: Parameters<typeof keys.verify>[0]) => ({ ...(await keys.verify(request)) }),
  }
  const { key } = await keys.create({ name: 'Sender', sourceType: 'web', allowedEventTypes: ['track'] })
  const arrived: IngestEvent[] = []
  const api = createIngestApi<IngestEvent>(wrapped, {
    senders: ['posthog'],
    onEvents: (events) => void arrived.push(...events),
  })
  const app = express().use(writeKeyAuth(wrapped, { eventType: 'batch' }), ingestRoutes(api))
  const { url, close } = await serve(app)
  onTestFinished(() => {
    close()
    return keys.close()
  })
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const body = JSON.stringify({ event: '$identify', type: 'track' })
  expect((await fetch(`${url}/capture/`, { method: 'POST', headers, body })).status).toBe(403)
  expect(arrived).toEqual([])
})

it('a guard in front takes no body but JSON, and no events of a GET: none gets through unread', async () => {
  const keys = createWriteKeys(guardsReading)
  const { key } = await keys.create({ name: 'Sender', sourceType: 'web' })
  const arrived: IngestEvent[] = []
  const api = createIngestApi<IngestEvent>(keys, {
    senders: ['posthog', 'mixpanel'],
    onEvents: (events) => void arrived.push(...events),
  })
  const { url, close } = await serve(guardListener(express().use(ingestRoutes(api)), keys, { path: '/' }))
  onTestFinished(() => {
    close()
    return keys.close()
  })
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const data = `data=${encodeURIComponent('{"event":"a","properties":{}}')}`
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
  const answers = [
    await fetch(`${url}/track`, { method: 'POST', headers: form, body: data }),
    await fetch(`${url}/e/`, { method: 'POST', headers, body: gzipSync('{"event":"a"}') }),
    await fetch(`${url}/track?${data}`, { headers }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
  expect(arrived).toEqual([])
})
