import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { afterEach, describe, expect, it } from 'vitest'
import * as onFetch from '../../adapters/fetch.ts'
import * as onHono from '../../adapters/hono.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import {
  createWriteKeys,
  type WriteKeyEvent,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

const event = { type: 'track', event: 'Signed Up' }
const origin = 'https://app.example.com'
const opened: WriteKeys[] = []
afterEach(() => Promise.all(opened.splice(0).map((keys) => keys.close())))

async function createKeys(options: WriteKeysOptions = {}) {
  const told: WriteKeyEvent[] = []
  const keys = createWriteKeys({ onEvent: (one) => told.push(one), ...options })
  opened.push(keys)
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', allowedOrigins: [origin] })
  return { keys, key, told }
}

function post(
  key: string,
  body: string | ReadableStream<Uint8Array> = JSON.stringify(event),
  headers: Record<string, string> = {},
) {
  return new Request('http://localhost/v1/track', {
    method: 'POST',
    headers: { authorization: basic(key), origin, 'content-type': 'text/plain', ...headers },
    body,
    duplex: 'half',
  } as RequestInit)
}

const token = 'a-token-of-thirty-two-characters-or-more'
const adminRequest = () =>
  new Request('http://localhost/api/v1/events/write-keys', { headers: { authorization: `Bearer ${token}` } })

/** What h3, Elysia and others would make a response of. */
const noResponses = [{ n: 1 }, [], undefined, null, 'done', 204, { status: 200 }].map((value) => [value])

describe('a handler that returns no Response', () => {
  it.each(noResponses)(
    'is answered with 500 in writekey/fetch, and its author is told: %j',
    async (returned) => {
      const { keys, key } = await createKeys()
      const errors: unknown[] = []
      const auth = onFetch.writeKeyAuth(keys, { onError: (error) => errors.push(error) })
      const answer = await auth(post(key), () => returned as never)
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([500, origin])
      const message = expect.stringMatching(/must return a Response.*; it returned .+\.$/)
      expect(errors).toEqual([expect.objectContaining({ message })])
    },
  )

  it.each(noResponses)('is an error of the app in writekey/hono: %j', async (returned) => {
    const { keys, key } = await createKeys()
    const app = new Hono()
    app.use('/v1/*', onHono.writeKeyAuth(keys))
    app.post('/v1/track', () => returned as never)
    app.onError((error, c) => c.text(error.message, 500))
    const answer = await app.fetch(post(key))
    // Hono has an error of its own for nothing.
    const message = expect.stringMatching(/a Response/)
    expect([answer.status, await answer.text()]).toEqual([500, message])
  })

  it('may return one of another library', async () => {
    const { keys, key } = await createKeys()
    const { status, headers, body } = Response.json({ n: 1 }, { status: 201 })
    const answer = await onFetch.writeKeyAuth(keys)(post(key), () => ({ status, headers, body }) as Response)
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([201, origin])
  })
})

describe('a web-standard guard', () => {
  it('hands on a request whose body is the accepted events, and knows it', async () => {
    const { keys, key, told } = await createKeys()
    const auth = onFetch.writeKeyAuth(keys)
    const answer = await auth(post(key, JSON.stringify({ ...event, writeKey: 'sk_live_x' })), (_, request) =>
      auth(request, async (again, handed) => {
        expect(onFetch.writeKeyOf(handed)).toBe(again)
        expect(handed.headers.get('content-type')).toBe('application/json')
        return Response.json(await handed.json())
      }),
    )
    expect(await answer.json()).toEqual(event)
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
    expect(told).toMatchObject([{ type: 'accepted' }])
  })

  const failed = new Error('the handler failed')
  it.each([
    {
      when: 'throws',
      handler: (): Response => {
        throw failed
      },
      status: 500,
      told: 1,
      vary: 'Origin',
    },
    { when: 'rejects', handler: () => Promise.reject(failed), status: 500, told: 1, vary: 'Origin' },
    {
      when: 'answers with what cannot be changed',
      handler: () => Response.redirect('http://localhost/elsewhere', 302),
      status: 302,
      told: 0,
      vary: 'Origin',
    },
    {
      when: 'fails in its own words',
      handler: () => new Response('no', { status: 500, headers: { vary: 'Accept' } }),
      status: 500,
      told: 0,
      vary: 'Accept, Origin',
    },
  ])('lets a browser read the answer when the handler $when', async ({ handler, status, told, vary }) => {
    const { keys, key } = await createKeys()
    const thrown: unknown[] = []
    const auth = onFetch.writeKeyAuth(keys, { onError: (error) => thrown.push(error) })
    const answer = await auth(post(key), handler)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
    expect(answer.headers.get('vary')).toBe(vary)
    expect(thrown).toHaveLength(told)
  })

  it('reads no more than may be, and leaves the rest to the server', async () => {
    const { keys, key } = await createKeys({ maxBodyBytes: 100 })
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(40))
      },
    })
    const answer = await onFetch.writeKeyAuth(keys)(post(key, body), () => Response.json({}))
    expect(answer.status).toBe(413)
    expect(answer.headers.has('connection')).toBe(false)
    expect(pulled).toBeLessThan(6)
  })

  it('runs nothing for a client that goes away while it sends', async () => {
    const { keys, key, told } = await createKeys()
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error('gone'))
      },
    })
    await onFetch.writeKeyAuth(keys)(post(key, body), () => expect.unreachable())
    expect(told).toMatchObject([{ type: 'refused', reason: 'client_aborted' }])
  })

  it('answers 413 when the server ends a body that is above a limit of its own', async () => {
    const { keys, key, told } = await createKeys()
    const auth = onFetch.writeKeyAuth(keys)
    // As @sveltejs/adapter-node above BODY_SIZE_LIMIT, and as Fastify.
    for (const error of [{ status: 413 }, { statusCode: 413 }]) {
      const body = new ReadableStream({
        pull: (controller) => controller.error(Object.assign(new Error('Payload Too Large'), error)),
      })
      const answer = await auth(post(key, body), () => expect.unreachable())
      expect(answer.status).toBe(413)
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
    }
    expect(told).toMatchObject([{ reason: 'payload_too_large' }, { reason: 'payload_too_large' }])
  })

  it('asks for the address with what the server hands in', async () => {
    const { keys } = await createKeys()
    const { key } = await keys.create({ name: 'Office', sourceType: 'web', allowedIps: ['192.0.2.0/24'] })
    const auth = onFetch.writeKeyAuth<{ address: string }>(keys, { ip: (_, server) => server.address })
    const statuses = []
    for (const address of ['192.0.2.7', '198.51.100.7'])
      statuses.push((await auth(post(key), () => Response.json({}), { address })).status)
    expect(statuses).toEqual([200, 403])
  })

  it('refuses options that it does not have, and requests that have not passed', async () => {
    const { keys } = await createKeys()
    expect(() => onFetch.writeKeyAuth(keys, { ips: () => '' } as never)).toThrow(/ips/)
    expect(() => onFetch.writeKeyAuth(keys, { ip: '192.0.2.1' } as never)).toThrow(/ip must be a function/)
    expect(() => onHono.writeKeyAuth(keys, { ip: '192.0.2.1' } as never)).toThrow(/ip must be a function/)
    expect(() => onFetch.writeKeyOf(new Request('http://localhost'))).toThrow(/has not passed a guard/)
  })

  it('serves a management API', async () => {
    const { keys } = await createKeys()
    const admin = onFetch.adminRoutes(
      createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] }),
    )
    expect((await admin(adminRequest()))?.status).toBe(200)
    expect(await admin(new Request('http://localhost/elsewhere'))).toBeUndefined()
  })
})

describe('a Hono middleware', () => {
  function createApp(keys: WriteKeys) {
    const app = new Hono<onHono.WriteKeyEnv>()
    app.use('/v1/*', onHono.writeKeyAuth(keys))
    app.post('/v1/track', async (c) =>
      c.json({
        name: c.get('writeKey')?.name,
        json: await c.req.json(),
        text: await c.req.text(),
        raw: await c.req.raw.clone().json(),
      }),
    )
    return app
  }

  it('lets handlers read the accepted events in every way', async () => {
    const { keys, key } = await createKeys()
    const answer = await createApp(keys).request(
      post(key, JSON.stringify({ ...event, writeKey: 'sk_live_x' })),
    )
    expect(await answer.json()).toEqual({
      name: 'Web App',
      json: event,
      text: JSON.stringify(event),
      raw: event,
    })
  })

  it('judges what a parser in front has read, and refuses what somebody has read and not kept', async () => {
    const { keys, key } = await createKeys({ logger: { warn() {}, error() {} } })
    const app = new Hono<onHono.WriteKeyEnv>()
    app.use('/v1/*', async (c, next) => {
      const label = c.req.header('content-type')
      if (label === 'application/x-www-form-urlencoded') await c.req.parseBody()
      else if (label === 'text/plain') await c.req.json()
      else await c.req.raw.text()
      return next()
    })
    app.route('/', createApp(keys))
    const send = (label: string) => app.request(post(key, undefined, { 'content-type': label }))
    for (const label of ['text/plain', 'application/x-www-form-urlencoded'])
      expect(await (await send(label)).json()).toMatchObject({ json: event })
    expect((await send('nonsense')).status).toBe(503)
  })

  it('takes back what CORS in front has granted to an origin that the key refuses', async () => {
    const { keys, key } = await createKeys()
    const app = new Hono<onHono.WriteKeyEnv>()
    app.use(cors({ origin: (asked) => asked, credentials: true }))
    app.route('/', createApp(keys))
    const allowed = await app.request(post(key))
    expect(allowed.headers.get('access-control-allow-credentials')).toBe('true')
    const refused = await app.request(post(key, undefined, { origin: 'https://evil.example' }))
    expect(refused.status).toBe(403)
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
  })

  it('serves a management API', async () => {
    const { keys } = await createKeys()
    const app = new Hono()
    app.use(onHono.adminRoutes(createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })))
    app.get('/health', (c) => c.text('well'))
    expect((await app.request(adminRequest())).status).toBe(200)
    expect(await (await app.request('/health')).text()).toBe('well')
  })

  it('serves a management API below a path, at the root and below a route', async () => {
    const { keys } = await createKeys()
    const api = createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })
    const flat = new Hono().use(onHono.adminRoutes(api, { path: '/internal' }))
    const inner = new Hono().use(onHono.adminRoutes(api, { path: '/internal' }))
    const nested = new Hono().route('/internal', inner)
    for (const app of [flat, nested]) {
      const made = await app.request('/internal/api/v1/events/write-keys', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'iOS', source_type: 'mobile' }),
      })
      expect(made.status).toBe(201)
      const listed = await app.request('/internal/api/v1/events/write-keys?limit=1', {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(await listed.json()).toMatchObject({ data: [{ name: expect.any(String) }] })
      expect((await app.request('/internal/events/write-keys')).status).not.toBe(404)
      expect((await app.request('/api/v1/events/write-keys')).status).toBe(404)
    }
  })
})
