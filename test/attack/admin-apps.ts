import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express5 from 'express'
import express4 from 'express4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { adminRoutes } from '../../adapters/express.ts'
import { adminRoutes as koaAdminRoutes } from '../../adapters/koa.ts'
import { WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { type AdminApi, createAdminApi } from '../../src/admin/index.ts'
import type { WriteKeys } from '../../src/index.ts'
import { tokens } from '../admin/admin-calls.ts'

export interface AdminApp {
  url: string
  stop(): Promise<unknown>
}

type StartAdminApp = (keys: WriteKeys) => Promise<AdminApp>

/** The management API in each framework, with nothing beside it. */
export const adminApps: readonly (readonly [string, StartAdminApp])[] = [
  ['node:http', (keys) => listen(adminRoutes(apiOf(keys)))],
  ['Express 5', (keys) => listen(express5().use(adminRoutes(apiOf(keys))))],
  ['Express 4', (keys) => listen(express4().use(adminRoutes(apiOf(keys))) as RequestListener)],
  [
    'Koa 3',
    (keys) =>
      listen(
        quietly(new Koa3())
          .use(koaAdminRoutes(apiOf(keys)))
          .callback(),
      ),
  ],
  [
    'Koa 2',
    (keys) =>
      listen(
        quietly(new Koa2() as unknown as Koa3)
          .use(koaAdminRoutes(apiOf(keys)))
          .callback(),
      ),
  ],
  ['Nest on Express', (keys) => startNest(keys, new ExpressAdapter())],
  ['Nest on Fastify', (keys) => startNest(keys, new FastifyAdapter())],
]

function apiOf(keys: WriteKeys): AdminApi {
  return createAdminApi(keys, { tokens })
}

function quietly(app: Koa3): Koa3 {
  app.silent = true
  return app
}

async function listen(handler: RequestListener): Promise<AdminApp> {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: urlOf(server), stop: async () => server.close() }
}

async function startNest(keys: WriteKeys, adapter: ExpressAdapter | FastifyAdapter): Promise<AdminApp> {
  @Module({ imports: [WriteKeyModule.forRoot({ keys, admin: apiOf })] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, adapter, { logger: false })
  await app.listen(0, '127.0.0.1')
  return { url: urlOf(app.getHttpServer()), stop: () => app.close() }
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
