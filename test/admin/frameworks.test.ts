import 'reflect-metadata'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { bodyParser } from '@koa/bodyparser'
import { Controller, HttpCode, type INestApplication, Module, Post, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express5 from 'express'
import express4 from 'express4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { adminRoutes as expressAdminRoutes, writeKeyAuth } from '../../adapters/express.ts'
import { adminRoutes as koaAdminRoutes, writeKeyAuth as koaWriteKeyAuth } from '../../adapters/koa.ts'
import { WriteKeyGuard, WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { type AdminApi, adminRoutes } from '../../src/admin/index.ts'
import { createMemoryStore, toIngestRequest, type WriteKeys, writeReply } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { adminContract, type ManagedServer } from '../contract/admin-contract.ts'
import { describeWithService } from '../services.ts'
import { useFolder, usePostgresDatabase } from '../stores/sql/databases.ts'

type Start = (keys: WriteKeys, api: AdminApi) => Promise<ManagedServer>

async function listen(listener: RequestListener): Promise<ManagedServer> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function onExpress(express: typeof express5, parsesBody: boolean): Start {
  return (keys, api) => {
    const app = express()
    if (parsesBody) app.use(express.json({ limit: '1mb' }), express.urlencoded({ extended: true }))
    app.use(expressAdminRoutes(api))
    app.use('/v1', writeKeyAuth(keys))
    app.post('/v1/:type', (_request, response) => {
      response.json({ success: true })
    })
    return listen(app)
  }
}

const onNode: Start = (keys, api) => {
  const manage = adminRoutes(api)
  return listen((request, response) => {
    manage(request, response, async () => {
      if (request.url?.startsWith('/v1/') !== true) return void response.writeHead(404).end()
      const verdict = await keys.verify(toIngestRequest(request))
      if (!verdict.ok) return writeReply(response, verdict.reply)
      response.end('{}')
    })
  })
}

function onKoa(Koa: typeof Koa3, parsesBody: boolean): Start {
  return (keys, api) => {
    const app = new Koa()
    app.silent = true
    if (parsesBody) app.use(bodyParser({ jsonLimit: '1mb', enableTypes: ['json', 'form', 'text'] }))
    app.use(koaAdminRoutes(api))
    app.use(async (ctx, next) => {
      if (ctx.path.startsWith('/v1/')) await next()
    })
    app.use(koaWriteKeyAuth(keys))
    app.use((ctx) => {
      ctx.body = { success: true }
    })
    return listen(app.callback())
  }
}

@Controller('v1')
@UseGuards(WriteKeyGuard)
class IngestController {
  @Post(':type')
  @HttpCode(200)
  ingest() {
    return { success: true }
  }
}

function onNest(createAdapter: () => ExpressAdapter | FastifyAdapter): Start {
  return async (keys, api) => {
    @Module({
      imports: [WriteKeyModule.forRoot({ keys, admin: () => api })],
      controllers: [IngestController],
    })
    class AppModule {}
    const app: INestApplication = await NestFactory.create(AppModule, createAdapter(), { logger: false })
    await app.listen(0, '127.0.0.1')
    const server = app.getHttpServer()
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async close() {
        server.closeAllConnections()
        await app.close()
      },
    }
  }
}

const folder = useFolder()
let files = 0
const onSqlite = () => createSqlStore({ url: `sqlite:${join(folder, `keys-${files++}.db`)}` })

adminContract('Express 5 and SQLite', onExpress(express5, false), onSqlite)
adminContract('Express 5 behind body parsers', onExpress(express5, true), createMemoryStore)
adminContract(
  'Express 4 behind body parsers',
  onExpress(express4 as unknown as typeof express5, true),
  createMemoryStore,
)
adminContract('Koa 3 and SQLite', onKoa(Koa3, false), onSqlite)
adminContract('Koa 2 behind a body parser', onKoa(Koa2 as unknown as typeof Koa3, true), createMemoryStore)
adminContract(
  'Nest over Express and SQLite',
  onNest(() => new ExpressAdapter()),
  onSqlite,
)
adminContract(
  'Nest over Fastify',
  onNest(() => new FastifyAdapter()),
  createMemoryStore,
)
adminContract('plain Node', onNode, createMemoryStore)

describeWithService('postgres', 'the management API on PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  const onPostgres = () => createSqlStore({ url: database.url })
  adminContract('Express 5 and PostgreSQL', onExpress(express5, false), onPostgres)
  adminContract('Koa 3 and PostgreSQL', onKoa(Koa3, true), onPostgres)
  adminContract(
    'Nest over Express and PostgreSQL',
    onNest(() => new ExpressAdapter()),
    onPostgres,
  )
})
