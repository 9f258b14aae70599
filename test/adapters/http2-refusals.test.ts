import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import * as fastifyAdapter from '../../adapters/fastify.ts'
import { writeKeyAuth as honoWriteKeyAuth } from '../../adapters/hono.ts'
import { writeKeyAuth as koaWriteKeyAuth } from '../../adapters/koa.ts'
import { adminRoutes, guardListener, ingestRoutes } from '../../adapters/node.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

const token = 'a'.repeat(40)
const settings = { maxConcurrentStreams: 3 }

const servers: Record<string, (keys: WriteKeys) => Http2Server | Promise<Http2Server>> = {
  guardListener: (keys) =>
    createServer(
      { settings },
      guardListener((_: Http2ServerRequest, response: Http2ServerResponse) => response.end('handled'), keys, {
        path: '/v1',
      }),
    ),
  ingestRoutes(keys) {
    const serve = ingestRoutes(createIngestApi(keys, { onEvents() {} }))
    return createServer({ settings }, (request, response) => serve(request as never, response as never))
  },
  Koa(keys) {
    const app = new Koa().use(koaWriteKeyAuth(keys))
    app.use((ctx) => {
      ctx.body = 'handled'
    })
    return createServer({ settings }, app.callback())
  },
  async Fastify(keys) {
    const app = Fastify({ http2: true })
    app.register(fastifyAdapter.writeKeyAuth(keys))
    app.post('/v1/track', async () => 'handled')
    await app.ready()
    app.server.updateSettings(settings)
    return app.server
  },
  Hono(keys) {
    const app = new Hono().use('/v1/*', honoWriteKeyAuth(keys)).post('/v1/track', (c) => c.text('handled'))
    const options = { fetch: app.fetch, createServer, serverOptions: { settings } }
    return createAdaptorServer(options as never) as unknown as Http2Server
  },
}

async function start(createOne: (keys: WriteKeys) => Http2Server | Promise<Http2Server>) {
  const told: string[] = []
  const keys = createWriteKeys({
    credentials: ['basic', 'body'],
    maxBodyBytes: 100_000,
    onEvent: (one) =>
      void (one.type === 'key_changed' || told.push('reason' in one ? String(one.reason) : one.type)),
  })
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: null })
  const server = await createOne(keys)
  let open = 0
  server.on('stream', (stream) => {
    open++
    stream.on('close', () => open--)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await once(session, 'remoteSettings')
  onTestFinished(async () => {
    session.destroy()
    server.close()
    await keys.close()
  })
  return { session, authorization: basic(key), open: () => open, told }
}

function post(session: ClientHttp2Session, authorization: string | undefined, path = '/v1/track') {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/json' }
  const stream = session.request(authorization === undefined ? headers : { ...headers, authorization })
  stream.on('error', () => {})
  const answer = (async () => {
    const [{ ':status': status }] = (await once(stream, 'response')) as [{ ':status': number }]
    return { status, body: await text(stream) }
  })()
  return { stream, answer }
}

const event = JSON.stringify({ type: 'track', event: 'Signed Up', userId: '42' })

describe.each(Object.entries(servers))('a refusal of %s over HTTP/2', (name, createOne) => {
  it.each(['413 with a key', '413 without a key', '401'])(
    'with %s ends its stream, so that the connection serves the next request',
    async (kind) => {
      const { session, authorization, open } = await start(createOne)
      const sent = { '413 with a key': authorization, '413 without a key': undefined, '401': basic('wrong') }
      for (let count = 0; count < 5; count++) {
        const { stream, answer } = post(session, sent[kind as keyof typeof sent])
        stream.end('x'.repeat(1_000_000))
        const { status, body } = await answer
        expect(status).toBe(kind === '401' ? 401 : 413)
        expect(body === '' ? name : JSON.parse(body)).toBeTruthy()
      }
      const { stream, answer } = post(session, authorization)
      stream.end(event)
      expect((await answer).status).toBe(200)
      await vi.waitFor(() => expect(open()).toBe(0), { timeout: 2_500 })
    },
  )
})

describe.each(Object.entries(servers))('a client of %s that resets its stream', (_, createOne) => {
  it.each(['{"event":', event])(
    'after %j without its end is gone: nothing is accepted or refused',
    async (sent) => {
      const { session, authorization, open, told } = await start(createOne)
      const { stream, answer } = post(session, authorization)
      answer.catch(() => {})
      stream.write(sent)
      await vi.waitFor(() => expect(open()).toBe(1))
      await sleep(50)
      // Unlike `close`, this sends no END_STREAM in front of the reset.
      stream.destroy(new Error('changed my mind'))
      await vi.waitFor(() => expect(told).toEqual(['client_aborted']))
      await sleep(50)
      expect(told).toEqual(['client_aborted'])
    },
  )
})

describe('the rest of a body over HTTP/2', () => {
  it('is read when it is short, and its stream ends without a reset', async () => {
    const { session, authorization, open } = await start(servers.guardListener as never)
    const { stream, answer } = post(session, authorization)
    stream.write('x'.repeat(120_000))
    expect((await answer).status).toBe(413)
    await sleep(100)
    expect(open()).toBe(1)
    stream.end('x'.repeat(20_000))
    await vi.waitFor(() => expect(open()).toBe(0), { timeout: 500 })
    expect(stream.rstCode).toBe(0)
  })

  it('is waited for no longer than a second', async () => {
    const { session, authorization, open } = await start(servers.guardListener as never)
    const { stream, answer } = post(session, authorization)
    stream.write('x'.repeat(120_000))
    expect((await answer).status).toBe(413)
    await vi.waitFor(() => expect(open()).toBe(0), { timeout: 2_500 })
    expect(stream.rstCode).toBe(0)
  })

  it('that the management API refuses does not keep the stream either', async () => {
    const { session, open } = await start((keys) => {
      const serve = adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] }))
      return createServer({ settings }, (request, response) => serve(request as never, response as never))
    })
    for (let count = 0; count < 5; count++) {
      const { stream, answer } = post(session, `Bearer ${token}`, '/api/v1/events/write-keys')
      stream.end('x'.repeat(3_000_000))
      expect(await answer).toMatchObject({ status: 413 })
    }
    await vi.waitFor(() => expect(open()).toBe(0), { timeout: 2_500 })
  })
})
