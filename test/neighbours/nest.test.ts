import 'reflect-metadata'
import {
  All,
  Controller,
  type INestApplication,
  Module,
  Req,
  type Type,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { AnyFilesInterceptor, ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { WriteKeyGuard, WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { aroundContract } from './around.ts'
import { load, type OtherAnswers } from './neighbour.ts'

interface NestNeighbour {
  name: string
  prepare?(app: INestApplication): void
  interceptors?: Type[]
  bodyReader?: 'guard' | 'parser'
  others?: OtherAnswers
}

const credentials = { origin: true, credentials: true, exposedHeaders: ['X-Request-Id'] }
const common: NestNeighbour[] = [
  { name: 'nothing' },
  { name: 'enableCors', prepare: (app) => app.enableCors() },
  { name: 'enableCors with credentials', prepare: (app) => app.enableCors(credentials) },
]

const onExpress: NestNeighbour[] = [
  ...common,
  { name: 'helmet', prepare: (app) => app.use(load('helmet')()) },
  { name: 'compression', prepare: (app) => app.use(load('compression')({ threshold: 0 })) },
  { name: 'cookie-parser', prepare: (app) => app.use(load('cookie-parser')()) },
  {
    name: 'express-session',
    prepare: (app) =>
      app.use(load('express-session')({ secret: 's', resave: true, saveUninitialized: true })),
  },
  { name: 'an upload interceptor (multer)', interceptors: [AnyFilesInterceptor()] },
  {
    name: "Nest's parsers in front",
    bodyReader: 'parser',
    others: { 'JSON as a form (curl -d)': 503, 'gzip as a form (RudderStack)': 503, 'a form': 503 },
  },
]

function tryOn(
  platform: string,
  createAdapter: () => ExpressAdapter | FastifyAdapter,
  neighbour: NestNeighbour,
) {
  const { name, prepare, interceptors = [], bodyReader = 'guard', others } = neighbour
  aroundContract(
    `${name}, Nest on ${platform}`,
    async (keys, handled) => {
      @Controller('v1')
      @UseGuards(WriteKeyGuard)
      @UseInterceptors(...interceptors)
      class IngestController {
        @All(['track', 'batch'])
        ingest(@Req() request: { body: unknown; writeKey: { events: unknown } }) {
          handled.push({ events: request.writeKey.events, body: request.body })
        }
      }

      @Module({ imports: [WriteKeyModule.forRoot({ keys, bodyReader })], controllers: [IngestController] })
      class AppModule {}

      const app: INestApplication = await NestFactory.create(AppModule, createAdapter(), { logger: false })
      prepare?.(app)
      await app.init()
      const instance = app.getHttpAdapter().getInstance()
      if (platform === 'Express') return { listener: instance, close: () => app.close() }
      await instance.ready()
      return { listener: instance.routing, close: () => app.close() }
    },
    others,
  )
}

for (const neighbour of onExpress) tryOn('Express', () => new ExpressAdapter(), neighbour)
for (const neighbour of common) tryOn('Fastify', () => new FastifyAdapter(), neighbour)
