import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express5 from 'express'
import express4 from 'express4'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { ingestRoutes as expressRoutes } from '../../adapters/express.ts'
import { ingestRoutes as fastifyRoutes } from '../../adapters/fastify.ts'
import { ingestRoutes as fetchRoutes } from '../../adapters/fetch.ts'
import { ingestRoutes as honoRoutes } from '../../adapters/hono.ts'
import { ingestRoutes as koaRoutes } from '../../adapters/koa.ts'
import { ingestRoutes as nodeRoutes } from '../../adapters/node.ts'
import type { IngestApi } from '../../src/ingest/index.ts'
import { load } from '../neighbours/neighbour.ts'

/**
 * An app that has the endpoints below `/in`, and answers other paths with 404.
 * @param onClose called with what ends it
 */
export type CreateApp = (
  api: IngestApi,
  onClose: (close: () => unknown) => void,
) => RequestListener | Promise<RequestListener>

const createExpress =
  (express: typeof express5, parses: boolean): CreateApp =>
  (api) => {
    const app = express()
    if (parses) app.use(express.json())
    app.use('/in', expressRoutes(api))
    app.use((req, res) => void res.status(404).send(`app ${req.originalUrl}`))
    return app
  }

class Root {}
Module({})(Root)

async function createNest(
  api: IngestApi,
  onClose: (close: () => unknown) => void,
  onFastify: boolean,
): Promise<RequestListener> {
  const app = onFastify
    ? await NestFactory.create(Root, new FastifyAdapter(), { logger: false })
    : await NestFactory.create(Root, { logger: false })
  app.use('/in', nodeRoutes(api))
  await app.init()
  onClose(() => app.close())
  const instance = app.getHttpAdapter().getInstance()
  if (!onFastify) return instance
  await instance.ready()
  return (request, response) => instance.routing(request, response)
}

export const apps: readonly [string, CreateApp][] = [
  ['Express 5', createExpress(express5, false)],
  ['Express 5 behind a parser', createExpress(express5, true)],
  ['Express 4', createExpress(express4 as unknown as typeof express5, false)],
  [
    'Koa',
    (api) => {
      const app = new Koa()
      app.use(load('koa-mount')('/in', koaRoutes(api) as never) as never)
      return app.callback()
    },
  ],
  [
    'Fastify',
    async (api, onClose) => {
      const app = Fastify()
      app.register(fastifyRoutes(api), { prefix: '/in' })
      await app.ready()
      onClose(() => app.close())
      return (request, response) => app.routing(request, response)
    },
  ],
  [
    'Hono',
    (api) => {
      const app = new Hono()
      app.use(honoRoutes(api, { path: '/in' }))
      return getRequestListener(app.fetch)
    },
  ],
  [
    'fetch',
    (api) => {
      const ingest = fetchRoutes(api, { path: '/in' })
      return getRequestListener(
        async (request) => (await ingest(request)) ?? new Response('nothing here', { status: 404 }),
      )
    },
  ],
  [
    'node',
    (api) => {
      const routes = nodeRoutes(api)
      return (request, response) => {
        request.url = request.url?.replace(/^\/in/, '') ?? '/'
        routes(request, response)
      }
    },
  ],
  ['Nest on Express', (api, onClose) => createNest(api, onClose, false)],
  ['Nest on Fastify', (api, onClose) => createNest(api, onClose, true)],
]
