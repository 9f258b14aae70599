import 'reflect-metadata'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { All, Controller, Module, Req, Res, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import Fastify from 'fastify'
import { H3, toNodeHandler } from 'h3'
import { Hono } from 'hono'
import Koa from 'koa'
import { onTestFinished } from 'vitest'
import { ingestRoutes, writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as fastifyAuth, ingestRoutes as fastifyRoutes } from '../../adapters/fastify.ts'
import { writeKeyAuth as fetchAuth, ingestRoutes as fetchRoutes } from '../../adapters/fetch.ts'
import { writeKeyAuth as honoAuth, ingestRoutes as honoRoutes } from '../../adapters/hono.ts'
import { writeKeyAuth as koaAuth, ingestRoutes as koaRoutes } from '../../adapters/koa.ts'
import { WriteKeyGuard, WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { guardListener } from '../../adapters/node.ts'
import type { WriteKeys, WriteKeysOptions } from '../../src/index.ts'
import type { IngestApi } from '../../src/ingest/index.ts'

export type CreateListener = (keys: WriteKeys, api: IngestApi) => RequestListener | Promise<RequestListener>

export const apps: Record<string, CreateListener> = {
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
  'guardListener and writekey/fetch': (keys, api) => {
    const ingest = fetchRoutes(api)
    const listener = getRequestListener(async (request) => (await ingest(request)) ?? new Response('own'))
    return guardListener(listener, keys, { path: '/' })
  },
  'guardListener and writekey/fetch in h3': (keys, api) => {
    const ingest = fetchRoutes(api)
    const app = new H3().all('/**', async ({ req }) => (await ingest(req)) ?? new Response('own'))
    const listener = toNodeHandler(app)
    return guardListener((request, response) => void listener(request, response), keys, { path: '/' })
  },
  'guardListener and writeKeyAuth of writekey/fetch': (keys, api) => {
    const [auth, ingest] = [fetchAuth(keys), fetchRoutes(api)]
    const listener = getRequestListener((request) =>
      auth(request, async (_, accepted) => (await ingest(accepted)) ?? new Response('own')),
    )
    return guardListener(listener, keys, { path: '/' })
  },
  'guardListener and writeKeyAuth of Hono': (keys, api) => {
    const app = new Hono().use(honoAuth(keys), honoRoutes(api))
    const listener = getRequestListener(app.post('/own/track', (c) => c.text('own')).fetch)
    return guardListener(listener, keys, { path: '/' })
  },
  'guardListener and writeKeyAuth of Koa': (keys, api) => {
    const app = new Koa().use(koaAuth(keys)).use(koaRoutes(api))
    app.use((ctx) => {
      ctx.body = 'own'
    })
    return guardListener(app.callback(), keys, { path: '/' })
  },
  'guardListener and writeKeyAuth of Fastify': async (keys, api) => {
    const fastify = Fastify()
    fastify.register(fastifyAuth(keys)).register(fastifyRoutes(api))
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
  "Nest's guard": createNestListener,
  "guardListener and Nest's guard": async (keys, api) =>
    guardListener(await createNestListener(keys, api), keys, { path: '/' }),
}

async function createNestListener(keys: WriteKeys, api: IngestApi): Promise<RequestListener> {
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
}

/** The fields of each sender's records, where a guard in front finds the type of an event and its key. */
export const guardsReading: WriteKeysOptions = {
  credentials: ['basic', { path: '/e/:key' }, { body: 'api_key' }],
  batchFields: ['batch', 'events'],
  logger: false,
}
