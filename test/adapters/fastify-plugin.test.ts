import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { adminRoutes, ingestRoutes, writeKeyAuth, writeKeyOf } from '../../adapters/fastify.ts'
import { guardListener } from '../../adapters/node.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys, type WriteKeyEvent, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

const event = { type: 'track', event: 'Signed Up' }
const apps: FastifyInstance[] = []
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())))

async function createKeys() {
  const told: WriteKeyEvent[] = []
  const keys = createWriteKeys({ onEvent: (one) => told.push(one) })
  const { key } = await keys.create({
    name: 'Web App',
    sourceType: 'web',
    rateLimitEps: 100,
    allowedOrigins: ['https://app.example.com'],
  })
  return { keys, key, told }
}

function createApp(keys: WriteKeys, app = Fastify()): FastifyInstance {
  apps.push(app)
  app.get('/health', async () => 'well')
  app.register(
    async (ingest) => {
      ingest.register(writeKeyAuth(keys))
      ingest.post('/track', async (request) => ({
        name: writeKeyOf(request).name,
        body: request.body,
        type: request.headers['content-type'],
      }))
    },
    { prefix: '/v1' },
  )
  return app
}

describe('a Fastify plugin', () => {
  it('names the version that is needed when the app has an older one', async () => {
    const { keys } = await createKeys()
    const app = Fastify()
    Object.defineProperty(app, 'version', { value: '4.29.1' })
    await expect(createApp(keys, app).ready()).rejects.toThrow(
      /writekey - expected '>=5' fastify version, '4\.29\.1' is installed/,
    )
  })

  const preflight = {
    origin: 'https://app.example.com',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'x-write-key',
  }

  it.each(['', '/v1'])('guards each of two contexts with its own keys at the path "%s"', async (prefix) => {
    const [one, other] = [await createKeys(), await createKeys()]
    const app = Fastify()
    apps.push(app)
    for (const [keys, path] of [
      [one.keys, '/one/track'],
      [other.keys, '/other/track'],
    ] as const) {
      app.register(
        async (context) => {
          context.register(writeKeyAuth(keys))
          context.post(path, async (request) => writeKeyOf(request).events)
        },
        { prefix },
      )
    }
    const statusOf = async (path: string, key: string) => {
      const headers = { authorization: basic(key) }
      const url = prefix + path
      return (await app.inject({ method: 'POST', url, headers, payload: event })).statusCode
    }
    expect(await statusOf('/one/track', one.key)).toBe(200)
    expect(await statusOf('/one/track', other.key)).toBe(401)
    expect(await statusOf('/other/track', other.key)).toBe(200)
    expect(await statusOf('/other/track', one.key)).toBe(401)
    for (const path of ['/one/track', '/other/track']) {
      const answer = await app.inject({ method: 'OPTIONS', url: prefix + path, headers: preflight })
      expect(answer.statusCode).toBe(204)
    }
  })

  it.each(['', '/v1'])('counts once what two guards of a context at the path "%s" judge', async (prefix) => {
    const { keys, key, told } = await createKeys()
    const app = Fastify()
    apps.push(app)
    app.register(
      async (context) => {
        context.register(writeKeyAuth(keys)).register(writeKeyAuth(keys, { eventType: 'track' }))
        context.post('/hook', async (request) => writeKeyOf(request).eventType)
      },
      { prefix },
    )
    const send = async (payload: object) =>
      app.inject({ method: 'POST', url: `${prefix}/hook`, headers: { authorization: basic(key) }, payload })
    expect((await send(event)).body).toBe('track')
    expect((await send({ type: 'page' })).statusCode).toBe(400)
    const decided = told.filter(({ type }) => type === 'accepted' || type === 'refused')
    expect(decided.map(({ type }) => type)).toEqual(['accepted', 'refused'])
  })

  it('guards the context that it is registered in, and nothing else', async () => {
    const { keys } = await createKeys()
    const app = createApp(keys)
    expect((await app.inject('/health')).statusCode).toBe(200)
    expect((await app.inject({ method: 'POST', url: '/v1/track', payload: event })).statusCode).toBe(401)
  })

  it.each([
    [
      'a form by its label, in gzip',
      { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' },
      gzipSync(JSON.stringify(event)),
    ],
    ['text', { 'content-type': 'text/plain' }, JSON.stringify(event)],
    ['a label that no parser has', { 'content-type': 'nonsense' }, JSON.stringify(event)],
    [
      'more than Fastify takes',
      { 'content-type': 'application/json' },
      JSON.stringify({ ...event, padding: ' '.repeat(2_000_000) }),
    ],
  ])('reads %s', async (_, headers, payload) => {
    const { keys, key } = await createKeys()
    const answer = await createApp(keys).inject({
      method: 'POST',
      url: '/v1/track',
      headers: { ...headers, authorization: basic(key) },
      payload,
    })
    expect(answer.json()).toMatchObject({ name: 'Web App', body: event, type: 'application/json' })
  })

  it('hands accepted events to schemas and hooks behind it', async () => {
    const { keys, key } = await createKeys()
    const app = Fastify()
    apps.push(app)
    app.register(writeKeyAuth(keys))
    app.post(
      '/track',
      {
        schema: { body: { type: 'object', properties: { count: { type: 'number' } }, required: ['count'] } },
      },
      async (request) => request.body,
    )
    const post = (payload: object) =>
      app.inject({ method: 'POST', url: '/track', headers: { authorization: basic(key) }, payload })
    expect((await post({ ...event, count: '7', writeKey: 'sk_live_x' })).json()).toEqual({
      ...event,
      count: 7,
    })
    const invalid = await post(event)
    expect(invalid.statusCode).toBe(400)
    expect(invalid.headers['x-ratelimit-limit']).toBe('100')
  })

  it('answers preflights of the routes behind it, and leaves what the app says of CORS', async () => {
    const { keys } = await createKeys()
    const app = Fastify()
    app.addHook('onRequest', async (_, reply) => {
      reply.header('access-control-allow-origin', 'https://www.example.com')
    })
    createApp(keys, app)
    app.register(writeKeyAuth(keys))
    app.options('*', async () => 'well')
    const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
    const plain = await createApp(keys).inject({ method: 'OPTIONS', url: '/v1/track', headers })
    expect(plain.statusCode).toBe(204)
    expect(plain.headers['access-control-allow-origin']).toBe('*')
    const unknown = await createApp(keys).inject({ method: 'OPTIONS', url: '/v1/track' })
    expect(unknown.statusCode).toBe(401)
    const refused = await app.inject({
      method: 'POST',
      url: '/v1/track',
      headers: { origin: 'https://www.example.com' },
      payload: event,
    })
    expect(refused.statusCode).toBe(401)
    expect(refused.headers['access-control-allow-origin']).toBe('https://www.example.com')
  })

  it('neither reads nor charges again behind a guard of its server', async () => {
    const { keys, key, told } = await createKeys()
    const app = createApp(
      keys,
      Fastify({ serverFactory: (handler) => createServer(guardListener(handler, keys, { path: '/v1' })) }),
    )
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const answer = await fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization: basic(key) },
      body: JSON.stringify({ ...event, padding: ' '.repeat(2_000_000) }),
    })
    expect(await answer.json()).toMatchObject({ name: 'Web App', body: event })
    expect(told).toHaveLength(1)
  })

  it('leaves an answer to onRefused that gives one', async () => {
    const { keys } = await createKeys()
    const app = Fastify()
    apps.push(app)
    app.register(
      writeKeyAuth(keys, { onRefused: ({ reason }, _, reply) => reply.code(418).send({ reason }) }),
    )
    app.post('/track', async () => 'never')
    const answer = await app.inject({ method: 'POST', url: '/track', payload: event })
    expect([answer.statusCode, answer.json()]).toEqual([418, { reason: 'missing_key' }])
  })

  it('says what is wrong with its options, and where no guard is', async () => {
    const { keys } = await createKeys()
    expect(() => writeKeyAuth(keys, { eventtype: 'x' } as never)).toThrow(/eventtype/)
    const app = Fastify()
    apps.push(app)
    app.get('/', async (request) => writeKeyOf(request).name)
    expect((await app.inject('/')).json().message).toMatch(/has not passed a guard/)
  })

  it.each([
    ['', '', 'ingestRoutes(api)).'],
    ['/internal', '', "ingestRoutes(api), { prefix: '/internal' })."],
    ['/internal', '/in', "ingestRoutes(api), { prefix: '/internal/in' })."],
  ])(
    'refuses routes of an API inside a plugin at %j with prefix %j, which would get no request',
    async (outer, prefix, said) => {
      const { keys } = await createKeys()
      const ingest = createIngestApi(keys, { onEvents() {} })
      const admin = createAdminApi(keys, { tokens: [{ name: 'ops', token: 'a'.repeat(40), role: 'admin' }] })
      for (const [routes, name] of [
        [ingestRoutes(ingest), 'ingestRoutes'],
        [adminRoutes(admin), 'adminRoutes'],
      ] as const) {
        const app = Fastify()
        apps.push(app)
        app.register(async (child) => void child.register(routes, { prefix }), { prefix: outer })
        await expect(app.ready()).rejects.toThrow(said.replace('ingestRoutes', name))
      }
      const app = Fastify()
      apps.push(app)
      const asPartOfTheRoot = Object.assign(
        async (root: FastifyInstance) => void root.register(ingestRoutes(ingest), { prefix: '/in' }),
        { [Symbol.for('skip-override')]: true },
      )
      await app.register(asPartOfTheRoot)
      expect((await app.inject({ method: 'POST', url: '/in/v1/track', payload: {} })).statusCode).toBe(401)
    },
  )

  it('serves a management API at the root or below a prefix', async () => {
    const { keys } = await createKeys()
    const token = 'a-token-of-thirty-two-characters-or-more'
    const api = createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })
    for (const prefix of ['', '/internal']) {
      const app = Fastify()
      apps.push(app)
      app.register(adminRoutes(api), { prefix })
      app.get('/health', async () => 'well')
      const headers = { authorization: `Bearer ${token}` }
      const answer = await app.inject({
        method: 'POST',
        url: `${prefix}/api/v1/events/write-keys`,
        headers,
        payload: { name: 'iOS', source_type: 'mobile' },
      })
      expect([prefix, answer.statusCode]).toEqual([prefix, 201])
      expect((await app.inject('/health')).body).toBe('well')
    }
  })
})
