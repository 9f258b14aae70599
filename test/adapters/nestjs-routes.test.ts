import 'reflect-metadata'
import {
  All,
  Body,
  Controller,
  Get,
  type INestApplication,
  Post,
  UseGuards,
  Version,
  VersioningType,
} from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { describe, expect, it } from 'vitest'
import { SkipWriteKey, WriteKey, WriteKeyGuard } from '../../adapters/nestjs/index.ts'
import { nestAdapters, PlainController, type Setting, signedUp, startNest } from './nest-apps.ts'

describe.each(nestAdapters)('the routes of WriteKeyGuard on %s', (_, createAdapter) => {
  const start = (setting?: Setting) => startNest(createAdapter, setting)
  const preflight = ['Origin: https://app.example.com', 'Access-Control-Request-Method: POST']

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
})
