import 'reflect-metadata'
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Header,
  Injectable,
  Post,
  UseGuards,
} from '@nestjs/common'
import { APP_FILTER, APP_GUARD, ExternalContextCreator } from '@nestjs/core'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import {
  EventType,
  SkipWriteKey,
  WriteKey,
  WriteKeyException,
  WriteKeyGuard,
  WriteKeysService,
} from '../../adapters/nestjs/index.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import type { WriteKeyEvent } from '../../src/index.ts'
import type { RawAnswer } from '../../src/testing/adapter/raw-http.ts'
import { garbageCollector } from '../garbage-collector.ts'
import { nestAdapters, type Setting, signedUp, startNest } from './nest-apps.ts'

describe.each(nestAdapters)('WriteKeyGuard on %s', (_, createAdapter) => {
  const start = (setting?: Setting) => startNest(createAdapter, setting)
  const _preflight = ['Origin: https://app.example.com', 'Access-Control-Request-Method: POST']

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
