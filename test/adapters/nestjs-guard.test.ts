import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import {
  All,
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Header,
  type INestApplication,
  Injectable,
  Module,
  type ModuleMetadata,
  type NestApplicationOptions,
  Post,
  type Type,
  UseGuards,
  Version,
  VersioningType,
} from '@nestjs/common'
import { APP_FILTER, APP_GUARD, ExternalContextCreator, NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import {
  EventType,
  SkipWriteKey,
  WriteKey,
  type WriteKeyContext,
  WriteKeyException,
  WriteKeyGuard,
  WriteKeyModule,
  type WriteKeyModuleOptions,
  WriteKeysService,
} from '../../adapters/nestjs/index.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { type RawAnswer, sendRaw, toWire } from '../../src/testing/adapter/raw-http.ts'
import { garbageCollector } from '../garbage-collector.ts'

const running: INestApplication[] = []

afterEach(async () => {
  for (const app of running.splice(0)) {
    app.getHttpServer().closeAllConnections()
    await app.close()
  }
})

const signedUp = { type: 'track', event: 'Signed Up' }

interface Started {
  app: INestApplication
  key: string
  keyId: string
  send(
    request: Partial<{ start: string; key: string | null; headers: string[]; body: string }>,
  ): Promise<RawAnswer>
}

interface Setting {
  module?: WriteKeyModuleOptions
  controllers?: Type[]
  providers?: ModuleMetadata['providers']
  imports?: ModuleMetadata['imports']
  configure?: (app: INestApplication) => void
  create?: NestApplicationOptions
}

@Controller('v1')
@UseGuards(WriteKeyGuard)
class IngestController {
  @Post('track')
  track(@WriteKey() key: WriteKeyContext, @Body() body: unknown) {
    return { id: key.id, events: key.events, body }
  }
}

@Controller('plain')
class PlainController {
  @Post()
  echo(@Body() body: unknown) {
    return { body }
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('WriteKeyGuard on %s', (_, createAdapter: () => ExpressAdapter | FastifyAdapter) => {
  async function start(setting: Setting = {}): Promise<Started> {
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
    running.push(app)
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
      send({
        start = 'POST /v1/track',
        key: presented = key,
        headers = [],
        body = JSON.stringify(signedUp),
      }) {
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

  const preflight = ['Origin: https://app.example.com', 'Access-Control-Request-Method: POST']

  it('writes to the logger of the application, once', async () => {
    const written: unknown[] = []
    // Nest warns of its own start, too: on a busy machine that a module took long to serialize.
    const note = (...parts: unknown[]) => {
      if (parts.at(-1) === 'WriteKeyModule') written.push(parts)
    }
    const logger = { log() {}, error: note, warn: note }
    const { send } = await start({ create: { logger } })
    await send({ headers: ['X-Forwarded-For: 203.0.113.7'] })
    await send({ headers: ['X-Forwarded-For: 203.0.113.8'] })
    expect(written).toEqual([[expect.stringContaining('trustedProxies is not set'), 'WriteKeyModule']])
  })

  it('hands the key and its events to the handler', async () => {
    const { send, keyId } = await start()
    const answer = await send({})
    expect(answer.status).toBe(201)
    expect(JSON.parse(answer.body)).toEqual({ id: keyId, events: [signedUp], body: signedUp })
  })

  describe('however the path is spelled', () => {
    const spellings = [
      '/v1/track',
      '/v1/track/',
      '/v1//track',
      '//v1/track',
      '/V1/Track',
      '/v1/%74rack',
      '/v1/track?a=b',
      '/v1/./track',
      '/v1/x/../track',
      '/v1/track;x',
      '/v1%2ftrack',
      '/v1/track%2f',
      '/v1/track/.',
      '/v1/trac%6b/',
      '/v1/tracK',
      '/v1/track%00',
      '/v1/track#x',
      'http://localhost/v1/track',
      '/v1/track%20',
      '/v1/t%C5%97ack',
    ]

    it.each(spellings)('runs no handler without a key at %s', async (path) => {
      let handled = 0

      @Controller('v1')
      @UseGuards(WriteKeyGuard)
      class CountingController {
        @Post('track')
        track() {
          handled++
        }

        @Get('track')
        read() {
          handled++
        }
      }
      const { send } = await start({ controllers: [CountingController] })
      for (const method of ['POST', 'GET', 'HEAD']) {
        const refused = await send({ start: `${method} ${path}`, key: null })
        expect([400, 401, 404]).toContain(refused.status)
        expect(handled).toBe(0)
        const reached = refused.status === 401
        const { status } = await send({ start: `${method} ${path}` })
        expect(status < 300).toBe(reached)
        expect(handled).toBe(reached ? 1 : 0)
        handled = 0
      }
    })
  })

  it('guards below a global prefix and a version, and answers their preflights', async () => {
    @Controller({ path: 'ingest', version: '2' })
    @UseGuards(WriteKeyGuard)
    class VersionedController {
      @Post(':type')
      track() {
        return 'ok'
      }
    }
    const { send } = await start({
      controllers: [VersionedController],
      configure(app) {
        app.setGlobalPrefix('api')
        app.enableVersioning({ type: VersioningType.URI })
      },
    })
    expect((await send({ start: 'POST /api/v2/ingest/track', key: null })).status).toBe(401)
    expect((await send({ start: 'POST /api/v2/ingest/track' })).status).toBe(201)
    expect((await send({ start: 'OPTIONS /api/v2/ingest/track', headers: preflight })).status).toBe(204)
    expect((await send({ start: 'OPTIONS /api/v1/ingest/track', headers: preflight })).status).toBe(404)
  })

  it('reads the bodies of a route for all methods with a parameter itself', async () => {
    @Controller('any')
    @UseGuards(WriteKeyGuard)
    class AnyController {
      @All(':type')
      take() {
        return 'ok'
      }
    }
    const { send } = await start({ controllers: [AnyController] })
    const csv = { start: 'PUT /any/track', headers: ['Content-Type: text/csv'] }
    expect((await send(csv)).status).toBe(200)
    expect((await send({ ...csv, key: null })).status).toBe(401)
  })

  it('answers preflights of guarded routes only, and no other OPTIONS', async () => {
    const { send } = await start()
    const answer = await send({ start: 'OPTIONS /v1/track', key: null, headers: preflight })
    expect(answer.status).toBe(204)
    expect(answer.headers['access-control-allow-headers']).toBe('authorization, content-type')
    expect((await send({ start: 'OPTIONS /plain', headers: preflight })).status).toBe(404)
    expect((await send({ start: 'OPTIONS /v1/track' })).status).toBe(404)
  })

  it('leaves the body parser of other routes alone', async () => {
    const { send } = await start()
    const json = await send({ start: 'POST /plain' })
    expect(JSON.parse(json.body)).toEqual({ body: signedUp })
    const form = ['Content-Type: application/x-www-form-urlencoded']
    expect(JSON.parse((await send({ start: 'POST /plain', headers: form, body: 'a=b' })).body)).toEqual({
      body: { a: 'b' },
    })
  })

  it('parses bodies where a guarded and an open handler share a path by version', async () => {
    @Controller('v1')
    class MixedController {
      @Version('1')
      @Post('track')
      @UseGuards(WriteKeyGuard)
      guarded(@WriteKey('events') events: unknown) {
        return { events }
      }

      @Version('2')
      @Post('track')
      open(@Body() body: unknown) {
        return { body }
      }
    }
    const { send } = await start({
      controllers: [MixedController],
      configure: (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
    })
    expect(JSON.parse((await send({ headers: ['X-Version: 1'] })).body)).toEqual({ events: [signedUp] })
    expect(JSON.parse((await send({ headers: ['X-Version: 2'], key: null })).body)).toEqual({
      body: signedUp,
    })
    expect((await send({ headers: ['X-Version: 1'], key: null })).status).toBe(401)
  })

  it.each([
    ['APP_GUARD', { providers: [{ provide: APP_GUARD, useClass: WriteKeyGuard }] }],
    ['APP_GUARD of the existing guard', { providers: [{ provide: APP_GUARD, useExisting: WriteKeyGuard }] }],
    [
      'useGlobalGuards',
      { configure: (app: INestApplication) => void app.useGlobalGuards(app.get(WriteKeyGuard)) },
    ],
  ])('guards every handler but skipped ones as %s', async (_, setting: Setting) => {
    @Controller('open')
    @SkipWriteKey()
    class OpenController {
      @Post()
      echo(@Body() body: unknown) {
        return { body }
      }

      @Post('closed')
      @SkipWriteKey(false)
      closed() {
        return 'ok'
      }
    }
    const { send } = await start({ ...setting, controllers: [PlainController, OpenController] })
    expect((await send({ start: 'POST /plain', key: null })).status).toBe(401)
    expect((await send({ start: 'POST /plain', headers: ['Content-Type: text/plain'] })).status).toBe(201)
    expect((await send({ start: 'OPTIONS /plain', headers: preflight })).status).toBe(204)
    expect(JSON.parse((await send({ start: 'POST /open', key: null })).body)).toEqual({ body: signedUp })
    expect((await send({ start: 'OPTIONS /open', headers: preflight })).status).toBe(404)
    expect((await send({ start: 'POST /open/closed', key: null })).status).toBe(401)
  })

  describe('under a global exception filter', () => {
    const caught: unknown[] = []

    @Catch()
    class EverythingFilter implements ExceptionFilter {
      catch(exception: unknown, host: ArgumentsHost) {
        caught.push(exception)
        const response = host.switchToHttp().getResponse()
        response.header('content-type', 'text/plain').status(418).send('filtered')
      }
    }
    const providers = [{ provide: APP_FILTER, useClass: EverythingFilter }]
    afterEach(() => caught.splice(0))

    it('answers refusals itself, to the last byte', async () => {
      const { send } = await start({ providers })
      const plain = await start()
      const bytes = ({ headers: { date: _, ...headers }, ...answer }: RawAnswer) => ({ ...answer, headers })
      expect(bytes(await send({ key: 'sk_live_no' }))).toEqual(bytes(await plain.send({ key: 'sk_live_no' })))
      expect(caught).toEqual([])
      expect((await send({})).status).toBe(201)
    })

    it('throws refusals to it when asked to', async () => {
      const { send } = await start({ providers, module: { throwRefusals: true } })
      const answer = await send({ key: 'sk_live_no', headers: ['Origin: https://app.example.com'] })
      expect(answer).toMatchObject({ status: 418, body: 'filtered' })
      expect(answer.headers['access-control-allow-origin']).toBe('*')
      expect(caught).toEqual([expect.any(WriteKeyException)])
      expect(caught).toMatchObject([{ reason: 'malformed_key', reply: { status: 401 } }])
      expect((await send({})).status).toBe(201)
    })
  })

  it('answers a thrown refusal by the filter of Nest with the problem and its headers', async () => {
    const { send } = await start({ module: { throwRefusals: true } })
    const { status, headers, body } = await send({ key: 'sk_live_no' })
    expect(status).toBe(401)
    expect(JSON.parse(body)).toMatchObject({ status: 401, code: 'invalid_write_key' })
    expect(headers['www-authenticate']).toContain('Basic')
    expect(headers['cache-control']).toBe('no-store')
  })

  it('keeps headers that the application had set before it refused', async () => {
    const { send } = await start({
      configure(app) {
        const instance = app.getHttpAdapter().getInstance()
        if (app.getHttpAdapter().getType() === 'express') {
          app.use((_: unknown, response: { set(name: string, value: string): void }, next: () => void) => {
            response.set('x-own', '1')
            response.set('vary', 'Accept-Encoding')
            next()
          })
        } else {
          instance.addHook(
            'onRequest',
            (_: unknown, reply: { header(n: string, v: string): void }, done: () => void) => {
              reply.header('x-own', '1')
              reply.header('vary', 'Accept-Encoding')
              done()
            },
          )
        }
      },
    })
    for (const key of [undefined, 'sk_live_no']) {
      const { headers } = await send(key === undefined ? {} : { key })
      expect(headers['x-own']).toBe('1')
      expect(headers.vary).toBe('Accept-Encoding, Origin')
    }
  })

  it('knows the event type of a handler before that of its controller and of the module', async () => {
    @Controller()
    @UseGuards(WriteKeyGuard)
    @EventType('page')
    class HookController {
      @Post('pages')
      pages(@WriteKey('name') name: string) {
        return { name }
      }

      @Post('signups')
      @EventType('identify')
      signups() {
        return 'ok'
      }
    }
    const { app, send } = await start({ controllers: [HookController], module: { eventType: 'track' } })
    const { key } = await app
      .get(WriteKeysService)
      .create({ name: 'Pages', sourceType: 'web', allowedEventTypes: ['page'] })
    const answer = await send({ start: 'POST /pages', key, body: '{"name":"Home"}' })
    expect(answer).toMatchObject({ status: 201, body: '{"name":"Pages"}' })
    expect((await send({ start: 'POST /pages', key, body: '{"type":"track"}' })).status).toBe(400)
    expect((await send({ start: 'POST /signups', key, body: '{}' })).status).toBe(403)
  })

  it.each([
    ['gzip that its parser has inflated', [], undefined],
    ['JSON that its parser took for a form', ['Content-Type: application/x-www-form-urlencoded'], undefined],
  ])('reads what rawBody kept of %s', async (_, headers) => {
    const { send } = await start({ module: { bodyReader: 'parser' }, create: { rawBody: true } })
    const answer = await send({ headers })
    expect(JSON.parse(answer.body)).toMatchObject({ events: [signedUp], body: signedUp })
  })

  it('reads every body itself in an app without a body parser', async () => {
    const { send } = await start({ create: { bodyParser: false } })
    for (const type of [
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'x/y',
      'nonsense',
    ]) {
      const answer = await send({ headers: [`Content-Type: ${type}`] })
      expect(JSON.parse(answer.body)).toMatchObject({ events: [signedUp] })
    }
  })

  it('shows handlers the headers of the body that it read', async () => {
    @Controller('v1')
    @UseGuards(WriteKeyGuard)
    class HeadersController {
      @Post('track')
      @Header('x-own', '1')
      track(@WriteKey('rejected') rejected: unknown, @Body() _: unknown) {
        return { rejected }
      }
    }
    const { send } = await start({ controllers: [HeadersController] })
    const answer = await send({})
    expect(answer).toMatchObject({ status: 201, body: '{"rejected":[]}' })
    expect(answer.headers['x-own']).toBe('1')
  })

  it('reports once, however often it guards', async () => {
    const seen: WriteKeyEvent[] = []
    const { send } = await start({
      providers: [{ provide: APP_GUARD, useClass: WriteKeyGuard }],
      module: { onEvent: (event) => seen.push(event) },
    })
    const answer = await send({})
    expect(answer.headers['x-ratelimit-remaining']).toBe('499')
    await send({ key: 'sk_live_no' })
    expect(seen.map(({ type }) => type)).toEqual(['accepted', 'refused'])
  })

  it('verifies and charges once behind the middleware for Express', async () => {
    const seen: WriteKeyEvent[] = []
    const { send } = await start({
      module: { onEvent: (event) => seen.push(event) },
      configure: (app) => void app.use('/v1', writeKeyAuth(app.get(WriteKeysService))),
    })
    const answer = await send({})
    expect(answer.headers['x-ratelimit-remaining']).toBe('499')
    expect(JSON.parse(answer.body)).toMatchObject({ events: [signedUp], body: signedUp })
    expect((await send({ key: 'sk_live_no' })).status).toBe(401)
    expect(seen.map(({ type }) => type)).toEqual(['accepted', 'refused'])
  })

  it('leaves nothing behind of the requests it refused', async () => {
    const contexts: WeakRef<ExecutionContext>[] = []

    @Injectable()
    class ObservedGuard extends WriteKeyGuard {
      override canActivate(context: ExecutionContext) {
        contexts.push(new WeakRef(context))
        return super.canActivate(context)
      }
    }

    @Controller('v1')
    @UseGuards(ObservedGuard)
    class ObservedController {
      @Post('track')
      track() {
        return 'ok'
      }
    }
    const { send } = await start({ controllers: [ObservedController] })
    for (let count = 0; count < 20; count++) expect((await send({ key: 'sk_live_no' })).status).toBe(401)
    const collect = garbageCollector()
    for (let tries = 0; tries < 50 && contexts.some((context) => context.deref() !== undefined); tries++) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    // The last one or two may still be on the stack of the server's parser.
    expect(contexts.filter((context) => context.deref() !== undefined).length).toBeLessThan(3)
  })

  it('serves the management API at its own path, with its own tokens', async () => {
    const token = 'a-token-of-at-least-thirty-two-characters'
    const { send, keyId } = await start({
      module: { admin: (keys) => createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] }) },
      providers: [{ provide: APP_GUARD, useClass: WriteKeyGuard }],
      configure: (app) => void app.setGlobalPrefix('api'),
    })
    const path = '/api/v1/events/write-keys'
    const headers = [`Authorization: Bearer ${token}`]
    const listed = await send({ start: `GET ${path}`, key: null, headers })
    expect(listed.status).toBe(200)
    expect(JSON.parse(listed.body)).toMatchObject({ data: [{ id: keyId }] })
    expect((await send({ start: `GET ${path}` })).status).toBe(401)
    const body = '{"name":"Mobile","source_type":"mobile"}'
    const created = await send({ start: `POST ${path}`, key: null, headers, body })
    expect(created.status).toBe(201)
    expect((await send({ start: 'POST /api/v1/track', key: JSON.parse(created.body).key })).status).toBe(201)
  })

  it('refuses calls that are not HTTP, and says what to do, unless they are skipped', async () => {
    @Injectable()
    @UseGuards(WriteKeyGuard)
    class Resolver {
      resolve() {
        return 'data'
      }

      @SkipWriteKey()
      skipped() {
        return 'data'
      }
    }
    const { app } = await start({ providers: [Resolver] })
    const creator = app.get(ExternalContextCreator)
    const resolver = app.get(Resolver)
    const call = (name: 'resolve' | 'skipped') =>
      creator.create(
        resolver,
        resolver[name],
        name,
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        'graphql',
      )
    await expect(call('resolve')({})).rejects.toThrow(
      'WriteKeyGuard guards HTTP handlers, and Resolver.resolve is called by graphql: mark it with @SkipWriteKey()',
    )
    expect(await call('skipped')({})).toBe('data')
  })
})

describe('WriteKeyModule', () => {
  const keys = createWriteKeys()

  @Injectable()
  class Settings {
    createWriteKeyOptions() {
      return { keys }
    }
  }

  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  async function create(imports: ModuleMetadata['imports']): Promise<INestApplication> {
    @Module({ imports: imports ?? [], controllers: [IngestController] })
    class AppModule {}
    return NestFactory.create(AppModule, new ExpressAdapter(), { logger: false, abortOnError: false })
  }

  it.each([
    ['forRoot', () => [WriteKeyModule.forRoot({ keys })]],
    [
      'useFactory',
      () => [
        WriteKeyModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: async (settings: Settings) => settings.createWriteKeyOptions(),
        }),
      ],
    ],
    ['useClass', () => [WriteKeyModule.forRootAsync({ useClass: Settings })]],
    [
      'useExisting',
      () => [WriteKeyModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings })],
    ],
    ['isGlobal: false', () => [WriteKeyModule.forRoot({ keys, isGlobal: false })]],
  ])('takes its options from %s', async (_, imports) => {
    const app = await create(imports())
    expect(app.get(WriteKeysService)).toBe(keys)
    await app.init()
    await app.close()
  })

  it('is seen by every module unless told otherwise', async () => {
    @Module({ controllers: [IngestController] })
    class FeatureModule {}
    const app = await create([WriteKeyModule.forRoot({ keys }), FeatureModule])
    await app.close()
    await expect(create([WriteKeyModule.forRoot({ keys, isGlobal: false }), FeatureModule])).rejects.toThrow(
      'WriteKeyGuard',
    )
  })

  it('gives its service to an application without HTTP', async () => {
    @Module({ imports: [WriteKeyModule.forRoot()] })
    class WorkerModule {}
    const app = await NestFactory.createApplicationContext(WorkerModule, {
      logger: false,
      abortOnError: false,
    })
    expect(await app.get(WriteKeysService).list()).toMatchObject({ data: [] })
    await app.close()
  })

  it('closes the keys it made when the application shuts down, and no others', async () => {
    const request = { method: 'POST', path: '/', headers: {}, body: {} }
    const own = await create([WriteKeyModule.forRoot({ environment: 'production' })])
    const made = own.get(WriteKeysService)
    const { key } = await made.create({ name: 'A', sourceType: 'web' })
    const signed = { ...request, headers: { authorization: basic(key) } }
    expect(await made.verify(signed)).toMatchObject({ ok: true })
    await own.close()
    expect(await made.verify(signed)).toMatchObject({ ok: false, reason: 'store_unavailable' })

    const given = await create([WriteKeyModule.forRoot({ keys })])
    await given.close()
    const kept = await keys.create({ name: 'B', sourceType: 'web' })
    expect(await keys.verify({ ...request, headers: { authorization: basic(kept.key) } })).toMatchObject({
      ok: true,
    })
  })

  it.each([
    [{ enviroment: 'x' }, 'enviroment'],
    [{ keys, pepper: 'p'.repeat(20) }, 'pepper'],
    [{ enviroment: 'x' }, 'Did you mean "environment"?'],
    [{ bodyreader: 'guard' }, 'Did you mean "bodyReader"?'],
    [{ bodyReader: 'parsr' }, "Did you mean 'parser'?"],
    [{ isGlobal: 'no' }, 'isGlobal must be true or false'],
    [{ bodyReader: 'nest' }, 'bodyReader'],
    [{ throwRefusals: 'yes' }, 'throwRefusals'],
    [{ eventType: '' }, 'eventType'],
    [{ keys: {} }, 'keys'],
    [{ admin: {} }, 'admin'],
  ])('refuses the options %j', async (options, text) => {
    await expect(async () =>
      create([WriteKeyModule.forRoot(options as WriteKeyModuleOptions)]),
    ).rejects.toThrow(text)
  })

  it('refuses options that come from nowhere or from two places', () => {
    expect(() => WriteKeyModule.forRootAsync({})).toThrow('useFactory')
    expect(() => WriteKeyModule.forRootAsync({ useFactroy: () => ({}) } as object)).toThrow(
      'Did you mean "useFactory"?',
    )
    expect(() => WriteKeyModule.forRootAsync({ useClass: Settings, useExisting: Settings })).toThrow(
      'useFactory',
    )
  })
})
