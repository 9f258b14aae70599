import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import {
  Body,
  Controller,
  type INestApplication,
  Module,
  type ModuleMetadata,
  type NestApplicationOptions,
  Post,
  type Type,
  UseGuards,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { onTestFinished } from 'vitest'
import {
  WriteKey,
  type WriteKeyContext,
  WriteKeyGuard,
  WriteKeyModule,
  type WriteKeyModuleOptions,
  WriteKeysService,
} from '../../adapters/nestjs/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { type RawAnswer, sendRaw, toWire } from '../../src/testing/adapter/raw-http.ts'

export const nestAdapters: [string, () => ExpressAdapter | FastifyAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
]

export const signedUp = { type: 'track', event: 'Signed Up' }

interface Started {
  app: INestApplication
  key: string
  keyId: string
  send(
    request: Partial<{ start: string; key: string | null; headers: string[]; body: string }>,
  ): Promise<RawAnswer>
}

export interface Setting {
  module?: WriteKeyModuleOptions
  controllers?: Type[]
  providers?: ModuleMetadata['providers']
  imports?: ModuleMetadata['imports']
  configure?: (app: INestApplication) => void
  create?: NestApplicationOptions
}

@Controller('plain')
export class PlainController {
  @Post()
  echo(@Body() body: unknown) {
    return { body }
  }
}

@Controller('v1')
@UseGuards(WriteKeyGuard)
export class IngestController {
  @Post('track')
  track(@WriteKey() key: WriteKeyContext, @Body() body: unknown) {
    return { id: key.id, events: key.events, body }
  }
}

/** An app of Nest on a port of its own, with a key. Ends with the test. */
export async function startNest(
  createAdapter: () => ExpressAdapter | FastifyAdapter,
  setting: Setting = {},
): Promise<Started> {
  @Module({
    imports: setting.imports ?? [WriteKeyModule.forRoot(setting.module)],
    controllers: setting.controllers ?? [IngestController, PlainController],
    providers: setting.providers ?? [],
  })
  class AppModule {}

  const app: INestApplication = await NestFactory.create(AppModule, createAdapter(), {
    logger: false,
    abortOnError: false,
    ...setting.create,
  })
  onTestFinished(async () => {
    app.getHttpServer().closeAllConnections()
    await app.close()
  })
  setting.configure?.(app)
  await app.listen(0, '127.0.0.1')
  const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`
  const { key, writeKey } = await app
    .get(WriteKeysService)
    .create({ name: 'Web App', sourceType: 'web', rateLimitEps: 500 })
  return {
    app,
    key,
    keyId: writeKey.id,
    send({ start = 'POST /v1/track', key: presented = key, headers = [], body = JSON.stringify(signedUp) }) {
      const credential = presented === null ? [] : [`Authorization: ${basic(presented)}`]
      const type = headers.some((line) => /^content-type/i.test(line))
        ? []
        : ['Content-Type: application/json']
      const isBodyless = /^(GET|HEAD|OPTIONS)/.test(start)
      const length = isBodyless ? [] : [...type, `Content-Length: ${Buffer.byteLength(body)}`]
      const lines = ['Host: localhost', ...credential, ...length, ...headers]
      return sendRaw(url, toWire(`${start} HTTP/1.1`, lines, isBodyless ? '' : body), start.split(' ')[0])
    },
  }
}
