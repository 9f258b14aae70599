import Router from '@koa/router'
import express5 from 'express'
import express4 from 'express4'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { writeKeyAuth as koaWriteKeyAuth } from '../../adapters/koa.ts'
import { type CreateKeyInput, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { sendRaw, toWire } from '../../src/testing/adapter/raw-http.ts'
import { serve } from '../neighbours/served.ts'

interface Guarded {
  url: string
  close(): void
}

/** An outer guard under `/v1`, and routes with guards of their own that say another type. */
type StartGuarded = (keys: WriteKeys, handled: unknown[]) => Promise<Guarded>

function onExpress(express: typeof express5): StartGuarded {
  return (keys, handled) => {
    const app = express()
    app.use('/v1', writeKeyAuth(keys))
    app.use('/v1/rewritten', (req, _res, next) => {
      req.url = '/page'
      next()
    })
    app.use('/v1/overridden', (req, _res, next) => {
      req.method = 'POST'
      next()
    })
    const note: express5.RequestHandler = (req, res) => {
      handled.push(req.body)
      res.json(writeKeyOf(req).eventType)
    }
    app.post('/v1/users/:id', writeKeyAuth(keys, { eventType: 'identify' }), note)
    app.use('/v1/rewritten', writeKeyAuth(keys), note)
    app.post('/v1/overridden/track', express.json(), writeKeyAuth(keys), note)
    app.post('/v1/track', express.json(), note)
    app.get('/v1/track', express.json(), note)
    return serve(app)
  }
}

const onKoa: StartGuarded = (keys, handled) => {
  const app = new Koa()
  app.silent = true
  const router = new Router()
  const note: Koa.Middleware = (ctx) => {
    handled.push((ctx.request as { body?: unknown }).body)
    ctx.body = JSON.stringify(ctx.state.writeKey.eventType)
  }
  app.use(koaWriteKeyAuth(keys))
  app.use(async (ctx, next) => {
    if (ctx.path.startsWith('/v1/rewritten')) ctx.path = '/v1/page'
    if (ctx.path.startsWith('/v1/overridden')) ctx.method = 'POST'
    await next()
  })
  router.post('/v1/users/:id', koaWriteKeyAuth(keys, { eventType: 'identify' }), note)
  router.post('/v1/page', koaWriteKeyAuth(keys), note)
  router.post('/v1/overridden/track', koaWriteKeyAuth(keys), note)
  router.post('/v1/track', note)
  router.get('/v1/track', note)
  app.use(router.routes())
  return serve(app.callback())
}

describe.each([
  ['Express 5', onExpress(express5)],
  ['Express 4', onExpress(express4 as unknown as typeof express5)],
  ['Koa 3', onKoa],
])('a guard within a guard on %s', (_, start) => {
  const closing: (() => unknown)[] = []
  afterEach(() => Promise.all(closing.splice(0).map((close) => close())))

  async function setUp(rules: Partial<CreateKeyInput>) {
    const keys = createWriteKeys()
    const handled: unknown[] = []
    const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 100, ...rules })
    const { url, close } = await start(keys, handled)
    closing.push(close, () => keys.close())
    async function send(method: string, target: string, body: unknown) {
      const text = body === undefined ? '' : JSON.stringify(body)
      const head = ['Host: localhost', `Authorization: ${basic(key)}`, 'Content-Type: application/json']
      const bytes = toWire(`${method} ${target} HTTP/1.1`, [...head, `Content-Length: ${text.length}`], text)
      const { status, body: answer, headers } = await sendRaw(url, bytes, method)
      return {
        status,
        code: status < 300 ? undefined : JSON.parse(answer).code,
        remaining: headers['x-ratelimit-remaining'],
      }
    }
    return { send, handled }
  }

  it('refuses a type of its route that the key may not send', async () => {
    const { send, handled } = await setUp({ allowedEventTypes: ['track'] })
    expect(await send('POST', '/v1/users/track', { userId: 'u1' })).toMatchObject({
      status: 403,
      code: 'event_type_not_allowed',
    })
    expect(await send('POST', '/v1/users/track', { type: 'track' })).toMatchObject({
      status: 400,
      code: 'event_type_mismatch',
    })
    expect(handled).toEqual([])
  })

  it('lets a type through that the key may send, and charges once', async () => {
    const { send, handled } = await setUp({ allowedEventTypes: ['track', 'identify'] })
    expect(await send('POST', '/v1/users/track', { userId: 'u1' })).toMatchObject({
      status: 200,
      remaining: '99',
    })
    expect(handled).toEqual([{ userId: 'u1' }])
  })

  it('judges by the target that it has been rewritten to', async () => {
    const { send, handled } = await setUp({ allowedEventTypes: ['track'] })
    expect(await send('POST', '/v1/rewritten/track', { event: 'a' })).toMatchObject({
      code: 'event_type_not_allowed',
    })
    expect(await send('POST', '/v1/rewritten/track?x=/page', { event: 'a' })).toMatchObject({
      code: 'event_type_not_allowed',
    })
    expect(handled).toEqual([])
  })

  it('takes no events of a GET that has become a POST', async () => {
    const { send, handled } = await setUp({})
    expect(await send('GET', '/v1/overridden/track', undefined)).toMatchObject({
      status: 400,
      code: 'invalid_json',
    })
    expect(await send('GET', '/v1/overridden/track', [{ event: 'a' }])).toMatchObject({
      code: 'unexpected_body',
    })
    expect(handled).toEqual([])
  })

  it('hands no body of a GET to a parser behind', async () => {
    const { send, handled } = await setUp({ allowedEventTypes: ['page'] })
    const batch = Array.from({ length: 1_000 }, () => ({ type: 'identify' }))
    expect(await send('GET', '/v1/track', batch)).toMatchObject({ status: 400, code: 'unexpected_body' })
    expect(handled).toEqual([])
    expect(await send('GET', '/v1/track', undefined)).toMatchObject({ status: 200 })
  })

  it.each(['/v1/track#/page', '/v1/page/../track', 'http://x/v1\\track', '/v1/track;/page'])(
    'runs no handler for %s',
    async (target) => {
      const { send, handled } = await setUp({ allowedEventTypes: ['page'] })
      expect(await send('POST', target, { type: 'page' })).toMatchObject({
        status: 400,
        code: 'invalid_path',
      })
      expect(handled).toEqual([])
    },
  )
})
