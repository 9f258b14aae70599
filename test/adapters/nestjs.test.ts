import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import { All, Controller, type INestApplication, Module, Req, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import nest from '@nestjs/core/package.json' with { type: 'json' }
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { WriteKeyGuard, WriteKeyModule, WriteKeysService } from '../../adapters/nestjs/index.ts'
import { undecodablePaths } from '../../src/testing/adapter/golden/event-paths.ts'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract,
  type Handled,
} from '../contract/adapter-contract.ts'

function startOn(createAdapter: () => ExpressAdapter | FastifyAdapter, wildcard: string) {
  return async function start(config: AdapterConfig): Promise<AdapterServer> {
    const handled: Handled[] = []

    @Controller('v1')
    @UseGuards(WriteKeyGuard)
    class IngestController {
      @All(['', wildcard])
      @UseGuards(...(config.mountedTwice ? [WriteKeyGuard] : []))
      ingest(@Req() request: { body: unknown }) {
        const { id, events } = Reflect.get(request, config.adapter.requestProperty ?? 'writeKey')
        handled.push({ writeKeyId: id, events, body: request.body })
        if (config.handlerThrows) throw new Error('the handler failed')
        return { success: true, accepted: events.length }
      }
    }

    @Module({
      imports: [
        WriteKeyModule.forRoot({
          ...config.options,
          ...config.adapter,
          bodyReader: config.parsesBody ? 'parser' : 'guard',
        }),
      ],
      controllers: [IngestController],
    })
    class AppModule {}

    const app: INestApplication = await NestFactory.create(AppModule, createAdapter(), { logger: false })
    await app.listen(0, '127.0.0.1')
    const server = app.getHttpServer()
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      keys: app.get(WriteKeysService),
      handled: () => handled,
      async close() {
        server.closeAllConnections()
        await app.close()
      },
    }
  }
}

const major = Number.parseInt(nest.version, 10)
const byRouter = Object.fromEntries(
  undecodablePaths.map((path) => [
    `${path} is ambiguous`,
    'both routers decode the path before they choose a route',
  ]),
)

adapterContract(
  `Nest ${major} on Express`,
  startOn(() => new ExpressAdapter(), major === 10 ? '*' : '*path'),
  { byRouter },
)
adapterContract(
  `Nest ${major} on Fastify`,
  startOn(() => new FastifyAdapter(), '*'),
  {
    byRouter: {
      ...byRouter,
      ...(major >= 12 && {
        'http://localhost/v1/page#/track is ambiguous': 'its version of Fastify takes no such target',
      }),
    },
    byParser: { 'constructor and prototype are fields like others': 'Fastify takes them for an attack' },
  },
)
