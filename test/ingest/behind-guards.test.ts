import 'reflect-metadata'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { All, Controller, Module, Req, Res, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ingestRoutes, writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as fastifyAuth, ingestRoutes as fastifyRoutes } from '../../adapters/fastify.ts'
import { writeKeyAuth as fetchAuth, ingestRoutes as fetchRoutes } from '../../adapters/fetch.ts'
import { writeKeyAuth as honoAuth, ingestRoutes as honoRoutes } from '../../adapters/hono.ts'
import { writeKeyAuth as koaAuth, ingestRoutes as koaRoutes } from '../../adapters/koa.ts'
import { WriteKeyGuard, WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi, type IngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'

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

it.each(['guardListener', 'writeKeyAuth'])(
  'behind %s the format of a sender says what its events are',
  async (guard) => {
    const keys = createWriteKeys({
      credentials: ['basic', 'body', { body: 'api_key' }],
      batchFields: ['batch', 'events'],
    })
    const { key } = await keys.create({ name: 'Tracks', sourceType: 'web', allowedEventTypes: ['track'] })
    const arrived: object[] = []
    const api = createIngestApi<object>(keys, {
      senders: ['posthog', 'amplitude', 'mixpanel'],
      onEvents: (events) => void arrived.push(...events),
    })
    const app = express()
    if (guard === 'writeKeyAuth') app.use(writeKeyAuth(keys))
    app.use(ingestRoutes(api))
    const { url, close } = await serve(
      guard === 'writeKeyAuth' ? app : guardListener(app, keys, { path: '/' }),
    )
    onTestFinished(() => {
      close()
      return keys.close()
    })
    const authorization = `Basic ${btoa(`${key}:`)}`
    const send = async (path: string, body: object) =>
      (await fetch(url + path, { method: 'POST', headers: { authorization }, body: JSON.stringify(body) }))
        .status
    const type = 'track'
    const refused: [string, object][] = [
      ['/capture/', { api_key: key, event: '$identify', type, properties: {} }],
      ['/capture/', { api_key: key, event: '$set', type }],
      ['/batch/', { batch: [{ event: '$identify', type }] }],
      ['/track', [{ event: '$identify', type, properties: { token: key } }]],
      ['/engage', [{ $token: key, $set: { plan: 'admin' }, event: 'x', type }]],
      ['/2/httpapi', { api_key: key, events: [{ event_type: '$identify', type }] }],
    ]
    for (const [path, body] of refused) expect([path, await send(path, body)]).toEqual([path, 403])
    const accepted: [string, object][] = [
      ['/capture/', { api_key: key, event: 'a', type, uuid: '1' }],
      ['/track', [{ event: 'b', type, properties: { token: key, x: 1 } }]],
      ['/2/httpapi', { api_key: key, events: [{ event_type: 'c', type }] }],
    ]
    for (const [path, body] of accepted) expect([path, await send(path, body)]).toEqual([path, 200])
    expect(arrived).toEqual([
      { event: 'a', type, uuid: '1', messageId: '1' },
      { event: 'b', type, properties: { x: 1 } },
      { event_type: 'c', event: 'c', type },
    ])
  },
)
