import type { RequestListener, Server } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { methodOverride } from 'hono/method-override'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth as fetchAuth } from '../../adapters/fetch.ts'
import { type WriteKeyEnv, writeKeyAuth, writeKeyOf } from '../../adapters/hono.ts'
import { guardListener } from '../../adapters/node.ts'
import type { WriteKeyEvent } from '../../src/index.ts'
import { createTestKeys, type TestKeysOptions } from '../../src/testing/index.ts'
import { serve } from '../neighbours/served.ts'

type App = Hono<WriteKeyEnv>

const batch = JSON.stringify({ batch: Array(60).fill({ type: 'track', event: 'a' }) })
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Keys of which one may send 100 events a second: a batch of 60 fits once. */
const openKeys = (options: TestKeysOptions = {}) =>
  createTestKeys({ ...options, key: { rateLimitEps: 100, ...options.key } })

const echo = (app: App) =>
  app.all('*', async (c) =>
    c.json({
      events: writeKeyOf(c).events.length,
      text: await c.req.text(),
      coding: c.req.header('content-encoding') ?? 'none',
      length: c.req.header('content-length') ?? 'none',
    }),
  )

async function post(app: App | RequestListener, headers: Record<string, string>, body: string | Uint8Array) {
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }
  if (app instanceof Hono) return app.request('/v1/batch', init as RequestInit)
  const { url, close } = await serve(app)
  closers.push(close)
  return fetch(`${url}/v1/batch`, init as RequestInit)
}

describe('a guard of Hono behind guardListener', () => {
  async function open(guarded: (app: App, keys: Awaited<ReturnType<typeof openKeys>>['keys']) => App) {
    const { keys, authorization } = await openKeys()
    const app = echo(guarded(new Hono<WriteKeyEnv>(), keys))
    return {
      listener: guardListener(getRequestListener(app.fetch) as RequestListener, keys, { path: '/v1' }),
      authorization,
    }
  }

  it.each([
    ['JSON', {}, batch],
    ['gzip', { 'content-encoding': 'gzip' }, gzipSync(batch)],
    ['JSON with spaces', {}, ` ${batch} `],
  ])('neither reads nor charges %s again', async (_, headers, body) => {
    const { listener, authorization } = await open((app, keys) => app.use('/v1/*', writeKeyAuth(keys)))
    const answer = await post(listener, { authorization, ...headers }, body)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('40')
    expect(await answer.json()).toMatchObject({ events: 60, text: batch, coding: 'none' })
  })

  it('nor does it behind middleware that reads the body', async () => {
    const { listener, authorization } = await open((app, keys) =>
      app
        .use(async (c, next) => {
          await c.req.text()
          await next()
        })
        .use('/v1/*', writeKeyAuth(keys)),
    )
    const answer = await post(listener, { authorization }, batch)
    expect(await answer.json()).toMatchObject({ events: 60, text: batch })
  })

  it('is not needed for writeKeyOf, and headers tell of the accepted body', async () => {
    const { listener, authorization } = await open((app) => app)
    const headers = { authorization, 'content-encoding': 'gzip' }
    const answer = await post(listener, headers, gzipSync(batch))
    const length = String(batch.length)
    expect(await answer.json()).toEqual({ events: 60, text: batch, coding: 'none', length })
  })
})

describe('a guard of Hono', () => {
  it.each([
    ['app.route', (app: App, sub: App) => app.route('/v1', sub)],
    ['app.mount', (app: App, sub: App) => app.mount('/v1', sub.fetch)],
    [
      'method-override by a header',
      (app: App, sub: App) => app.use('/v1/*', methodOverride({ app, header: 'x-method' })).route('/v1', sub),
    ],
    [
      'method-override by the query',
      (app: App, sub: App) => app.use('/v1/*', methodOverride({ app, query: '_method' })).route('/v1', sub),
    ],
  ])('behind another and %s charges nothing again', async (how, connectApps) => {
    const { keys, authorization } = await openKeys()
    const sub = echo(new Hono<WriteKeyEnv>().use('*', writeKeyAuth(keys)))
    const app = new Hono<WriteKeyEnv>().use('/v1/*', writeKeyAuth(keys))
    connectApps(app, sub)
    const headers = { authorization, 'content-type': 'application/json', 'x-method': 'PUT' }
    const query = how.endsWith('query') ? '?_method=PUT' : ''
    const answer = await app.request(`/v1/batch${query}`, { method: 'POST', body: batch, headers })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('40')
    expect(await answer.json()).toMatchObject({ events: 60, text: batch })
  })

  it('of other keys between two of the same does not make the second charge', async () => {
    const [{ keys, authorization }, { keys: others, key }] = await Promise.all([
      openKeys(),
      openKeys({ credentials: ['header'] }),
    ])
    const guards = [writeKeyAuth(keys), writeKeyAuth(others), writeKeyAuth(keys)] as const
    const answer = await post(
      echo(new Hono<WriteKeyEnv>().use(...guards)),
      { authorization, 'x-write-key': key },
      batch,
    )
    expect(answer.status).toBe(200)
  })

  it('judges requests that a handler makes for itself, with another body or key', async () => {
    const accepted: string[] = []
    const onEvent = (event: WriteKeyEvent) => accepted.push(event.type)
    const { keys, authorization } = await openKeys({ onEvent, key: { allowedEventTypes: ['track'] } })
    const app = new Hono<WriteKeyEnv>().use('*', writeKeyAuth(keys))
    app.post('/v1/batch', async (c) => {
      const made = (headers: Headers | Record<string, string>, body: string) =>
        app.fetch(new Request(new URL('/v1/one', c.req.url), { method: 'POST', headers, body }), c.env)
      const one = JSON.stringify({ type: 'track', event: 'a' })
      const forbidden = JSON.stringify({ type: 'identify', userId: '1' })
      const answers = [
        made(c.req.raw.headers, one),
        made(c.req.raw.headers, forbidden),
        made({ authorization: 'Basic eDo=' }, one),
      ]
      return c.json((await Promise.all(answers)).map(({ status }) => status))
    })
    echo(app)
    const listener = getRequestListener(app.fetch) as RequestListener
    const answer = await post(listener, { authorization }, batch)
    expect(await answer.json()).toEqual([200, 403, 401])
    expect(accepted.sort()).toEqual(['accepted', 'accepted', 'refused', 'refused'])
  })

  it('behind a mount finds the key of a GET that the first one has taken out of the URL', async () => {
    const { keys, key } = await openKeys({ credentials: ['query'] })
    const sub = echo(new Hono<WriteKeyEnv>().use('*', writeKeyAuth(keys)))
    const app = new Hono<WriteKeyEnv>().use('/v1/*', writeKeyAuth(keys)).mount('/v1', sub.fetch)
    const { url, close } = await serve(getRequestListener(app.fetch) as RequestListener)
    closers.push(close)
    const answer = await fetch(`${url}/v1/track?writeKey=${key}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('99')
  })

  it.each(['text', 'json'] as const)('says that it is not the sender who called c.req.%s()', async (how) => {
    const told: WriteKeyEvent[] = []
    const { keys, authorization } = await openKeys({ onEvent: (event) => told.push(event) })
    const app = new Hono<WriteKeyEnv>()
    app.use(async (c, next) => {
      await c.req[how]().catch(() => {})
      await next()
    })
    echo(app.use(writeKeyAuth(keys)))
    const answer = await post(app, { authorization, 'content-encoding': 'gzip' }, gzipSync(batch))
    expect(answer.status).toBe(503)
    expect(told).toContainEqual(
      expect.objectContaining({
        type: 'internal_error',
        error: expect.objectContaining({ message: expect.stringContaining('c.req.text()') }),
      }),
    )
    expect((await post(app, { authorization }, batch)).status).toBe(200)
  })

  it('refuses a GET over HTTP/2 whose body no field tells of', async () => {
    const { keys, authorization } = await openKeys()
    const app = echo(new Hono<WriteKeyEnv>().use(writeKeyAuth(keys)))
    const server = createHttp2Server(getRequestListener(app.fetch)) as unknown as Server
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as { port: number }
    const client = connect(`http://127.0.0.1:${port}`)
    closers.push(() => {
      client.destroy()
      server.close()
    })
    const get = (endStream: boolean) =>
      new Promise<unknown>((resolve, reject) => {
        const fields = { ':method': 'GET', ':path': '/v1/track', authorization }
        const stream = client.request(fields, { endStream })
        stream.on('response', (answer) => resolve(answer[':status'])).on('error', reject)
        if (!endStream) stream.end('{"type":"identify"}')
      })
    expect(await get(false)).toBe(400)
    expect(await get(true)).toBe(200)
  })
})

describe('a guard of web-standard requests', () => {
  it('charges nothing again when the request is made anew from one that has passed', async () => {
    const { keys, authorization } = await openKeys()
    const auth = fetchAuth(keys)
    const request = new Request('http://a.example/v1/batch', {
      method: 'POST',
      headers: { authorization },
      body: batch,
    })
    const answer = await auth(request, (_, outer) =>
      auth(new Request(outer, { headers: { ...Object.fromEntries(outer.headers), 'x-added': '1' } }), (key) =>
        Response.json(key.events.length),
      ),
    )
    expect([answer.status, await answer.json()]).toEqual([200, 60])
  })
})
