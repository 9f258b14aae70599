import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa3 from 'koa'
import olderBodyParser from 'koa-bodyparser'
import Koa2 from 'koa2'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { adminRoutes, writeKeyAuth } from '../../adapters/koa.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys, type WriteKeyContext, type WriteKeyEvent } from '../../src/index.ts'

const running: Server[] = []

afterEach(() => {
  for (const server of running.splice(0)) server.close()
})

async function listen(app: Pick<Koa3, 'silent' | 'callback'>): Promise<string> {
  app.silent = true
  const server = createServer(app.callback())
  running.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/track`
}

function send(url: string, key: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${key}:`)}`, connection: 'close', ...headers },
    body: JSON.stringify({ type: 'track', event: 'Signed Up' }),
  })
}

async function createKey(options: Parameters<typeof createWriteKeys>[0] = {}) {
  const keys = createWriteKeys(options)
  const { key, writeKey } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 500 })
  return { keys, key, id: writeKey.id }
}

describe.each([
  ['Koa 3', Koa3],
  ['Koa 2', Koa2 as unknown as typeof Koa3],
])('writeKeyAuth on %s, when something after it fails', (_, Koa) => {
  it.each([
    ['throws an error', () => Promise.reject(new Error('no'))],
    ['throws a text', () => Promise.reject('no')],
    ['throws a plain object', () => Promise.reject({ headers: { 'x-own': '1' } })],
  ])('keeps CORS and rate headers when it %s', async (_, fail) => {
    const { keys, key } = await createKey()
    const app = new Koa()
    const reported: unknown[] = []
    app.on('error', (error) => reported.push(error))
    app.use(writeKeyAuth(keys)).use(fail)
    const answer = await send(await listen(app), key, { origin: 'https://app.example.com' })
    expect(answer.status).toBe(500)
    expect(await answer.text()).toBe('Internal Server Error')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('vary')).toBe('Origin')
    expect(answer.headers.get('x-ratelimit-limit')).toBe('500')
    expect(reported).toMatchObject([expect.any(Error)])
  })

  it('leaves status, message and headers of ctx.throw as they are, and merges Vary', async () => {
    const { keys, key } = await createKey()
    const app = new Koa()
    app.use(writeKeyAuth(keys)).use((ctx) => {
      ctx.throw(409, 'seen before', { headers: { 'x-own': '1', vary: 'Accept' } })
    })
    const answer = await send(await listen(app), key)
    expect(answer.status).toBe(409)
    expect(await answer.text()).toBe('seen before')
    expect(answer.headers.get('x-own')).toBe('1')
    expect(answer.headers.get('vary')).toBe('Accept, Origin')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('leaves the answer of an error handler further out to it', async () => {
    const { keys, key } = await createKey()
    const app = new Koa()
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch {
        ctx.status = 422
        ctx.body = { error: 'mine' }
      }
    })
    app.use(writeKeyAuth(keys)).use(() => Promise.reject(new Error('no')))
    const answer = await send(await listen(app), key)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toEqual({ error: 'mine' })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('writeKeyAuth on Koa', () => {
  it.each([
    ['@koa/bodyparser', bodyParser],
    ['koa-bodyparser', olderBodyParser],
  ])('lets %s come after it', async (_, parser) => {
    const { keys, key } = await createKey()
    const app = new Koa3()
    const bodies: unknown[] = []
    app.use(writeKeyAuth(keys)).use(parser())
    app.use((ctx) => {
      bodies.push(ctx.request.body)
      ctx.body = 'ok'
    })
    const answer = await send(await listen(app), key, { 'content-type': 'application/json' })
    expect(answer.status).toBe(200)
    expect(bodies).toEqual([{ type: 'track', event: 'Signed Up' }])
  })

  it.each([
    ['@koa/bodyparser', bodyParser],
    ['koa-bodyparser', olderBodyParser],
  ])('reads JSON that %s took for a form', async (_, parser) => {
    const { keys, key } = await createKey()
    const app = new Koa3()
    const events: unknown[] = []
    app.use(parser()).use(writeKeyAuth(keys))
    app.use((ctx) => {
      events.push(ctx.state.writeKey.events)
      ctx.body = 'ok'
    })
    const url = await listen(app)
    const answer = await send(url, key, { 'content-type': 'application/x-www-form-urlencoded' })
    expect(answer.status).toBe(200)
    expect(events).toEqual([[{ type: 'track', event: 'Signed Up' }]])
  })

  it('takes the address of the socket, whatever app.proxy makes of X-Forwarded-For', async () => {
    const seen: WriteKeyEvent[] = []
    const { keys, key } = await createKey({ onEvent: (event) => seen.push(event) })
    const app = new Koa3({ proxy: true })
    app.use(writeKeyAuth(keys)).use((ctx) => {
      ctx.body = ctx.ip
    })
    const answer = await send(await listen(app), key, { 'x-forwarded-for': '6.6.6.6' })
    expect(await answer.text()).toBe('6.6.6.6')
    expect(seen).toMatchObject([
      { type: 'forwarded_for_ignored' },
      { type: 'accepted', address: '127.0.0.1' },
    ])
  })

  it('writes nothing more when onRefused has answered', async () => {
    const { keys } = await createKey()
    const app = new Koa3()
    app.use(
      writeKeyAuth(keys, {
        onRefused(refused, ctx) {
          ctx.status = 418
          ctx.body = { why: refused.reason }
        },
      }),
    )
    const answer = await send(await listen(app), 'sk_live_nonsense')
    expect(answer.status).toBe(418)
    expect(await answer.json()).toEqual({ why: 'malformed_key' })
  })

  it('lets middleware further out see a refusal', async () => {
    const { keys } = await createKey()
    const app = new Koa3()
    const seen: unknown[] = []
    app.use(async (ctx, next) => {
      await next()
      seen.push(ctx.status, ctx.type)
    })
    app.use(writeKeyAuth(keys))
    expect((await send(await listen(app), 'sk_live_nonsense')).status).toBe(401)
    expect(seen).toEqual([401, 'application/problem+json'])
  })

  it('keeps CORS headers when a body stream fails on Koa 2 (Koa 3 closes the connection)', async () => {
    const { keys, key } = await createKey()
    const app = new Koa2()
    app.use(writeKeyAuth(keys)).use((ctx) => {
      ctx.body = new Readable({ read: () => undefined, construct: (done) => done(new Error('no such file')) })
    })
    const answer = await send(await listen(app), key)
    expect(answer.status).toBe(500)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('guards a single route of @koa/router', async () => {
    const { keys, key, id } = await createKey()
    const router = new Router()
    router.post('/v1/track', writeKeyAuth(keys), (ctx) => {
      ctx.body = ctx.state.writeKey?.id
    })
    const url = await listen(new Koa3().use(router.routes()))
    expect(await (await send(url, key)).text()).toBe(id)
    expect((await send(url, 'sk_live_nonsense')).status).toBe(401)
  })

  it('adds its state to that of the application', () => {
    const keys = createWriteKeys()
    new Koa3<{ user: { name: string } }>().use(writeKeyAuth(keys)).use((ctx) => {
      expectTypeOf(ctx.state.user.name).toBeString()
      expectTypeOf(ctx.state.writeKey).toEqualTypeOf<WriteKeyContext | undefined>()
      expectTypeOf(ctx.state).not.toHaveProperty('other')
    })
    new Koa2<{ user: { name: string } }>().use(writeKeyAuth(keys)).use((ctx) => {
      expectTypeOf(ctx.state.user.name).toBeString()
      expectTypeOf(ctx.state.writeKey).toEqualTypeOf<WriteKeyContext | undefined>()
    })
  })

  it.each([
    ['before a body parser', []],
    ['after one', [bodyParser()]],
  ])('serves the management API %s', async (_, parsers) => {
    const { keys, key, id } = await createKey()
    const token = 'a-token-of-at-least-thirty-two-characters'
    const app = new Koa3()
    for (const parser of parsers) app.use(parser)
    app.use(adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })))
    app.use(writeKeyAuth(keys)).use((ctx) => {
      ctx.body = 'ok'
    })
    const url = await listen(app)
    const path = new URL('/api/v1/events/write-keys', url)
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      connection: 'close',
    }
    expect(await (await fetch(path, { headers })).json()).toMatchObject({ data: [{ id }] })
    const body = JSON.stringify({ name: 'Mobile', source_type: 'mobile' })
    const created = await fetch(path, { method: 'POST', headers, body })
    expect(created.status).toBe(201)
    expect((await fetch(path)).status).toBe(401)
    expect((await send(url, key)).status).toBe(200)
  })

  it('refuses options it does not know', () => {
    expect(() => writeKeyAuth(createWriteKeys(), { evenType: 'track' } as object)).toThrow('evenType')
  })
})
