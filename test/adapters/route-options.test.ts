import { createServer } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import Fastify, { type FastifyInstance } from 'fastify'
import { H3, toNodeHandler } from 'h3'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onFastify from '../../adapters/fastify.ts'
import * as onFetch from '../../adapters/fetch.ts'
import * as onHono from '../../adapters/hono.ts'
import * as onKoa from '../../adapters/koa.ts'
import * as onNode from '../../adapters/node.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { ConfigError, createWriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { sendRaw } from '../../src/testing/adapter/raw-http.ts'
import { startServer } from './started-server.ts'

const token = 'a'.repeat(32)
const keys = createWriteKeys({ logger: false })
const admin = createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })
const ingest = createIngestApi(keys, { onEvents() {} })
const headers = { authorization: `Bearer ${token}` }

type Routes = (api: unknown, options: unknown) => unknown

function bothOf(adapter: { adminRoutes: unknown; ingestRoutes: unknown }): [Routes, unknown, string][] {
  return [
    [adapter.adminRoutes as Routes, admin, 'adminRoutes'],
    [adapter.ingestRoutes as Routes, ingest, 'ingestRoutes'],
  ]
}

describe.each(Object.entries({ onHono, onFetch }))('routes %s', (_, adapter) => {
  it.each([
    [{ path: 'internal' }, /^path must be '' or a path such as '\/internal'/],
    [{ path: '/internal/' }, /without a slash at its end/],
    [{ path: '/' }, /without a slash at its end/],
    [{ path: '/a/../b' }, /^path must be/],
    [{ path: '/a/%2e%2e/b' }, /^path must be/],
    [{ path: '/in/*' }, /as it stands in a URL/],
    [{ path: '/:tenant' }, /^path must be/],
    [{ path: '/café' }, /^path must be/],
    [{ path: 5 }, /^path must be/],
    [{ path: null }, /^path must be/],
    [{ pth: '/internal' }, /has no option "pth"\. Did you mean "path"\?/],
    [{ basePath: '/internal' }, /has no option "basePath"\. .*path/],
    [{ prefix: '/internal' }, /has no option "prefix"\. .*path/],
    [{ ip: '192.0.2.1' }, /^ip must be a function/],
    [null, /takes an object of options; received null/],
    [Promise.resolve({ path: '/internal' }), /received a promise: await it first/],
    ['/internal', /takes an object of options; received a string/],
  ])('refuse the options %j at once', (options, message) => {
    for (const [routes, api] of bothOf(adapter)) {
      const error = thrownBy(() => routes(api, options))
      expect(error).toBeInstanceOf(ConfigError)
      expect((error as ConfigError).message).toMatch(message)
    }
  })
})

describe.each([
  ['express', onExpress, "app.use('/internal', NAME(api))"],
  ['node', onNode, "app.use('/internal', NAME(api))"],
  ['koa', onKoa, "mount('/internal', NAME(api)) with koa-mount"],
  ['fastify', onFastify, "register(NAME(api), { prefix: '/internal' })"],
])('routes of %s', (_, adapter, mounted) => {
  it('refuse options, and say how to serve them below a path', () => {
    for (const [routes, api, name] of bothOf(adapter)) {
      for (const options of [{ path: '/internal' }, { ip: () => '' }, null, '/internal']) {
        const error = thrownBy(() => routes(api, options))
        expect(error).toBeInstanceOf(ConfigError)
        expect((error as ConfigError).message).toContain(mounted.replace('NAME', name))
      }
      for (const none of [undefined, {}]) expect(() => routes(api, none)).not.toThrow()
    }
  })
})

it.each(['/@app', '/a+b', '/a:b', '/caf%C3%A9', '/t%20x/~y', '/a=1'])(
  'routes below %s are found',
  async (path) => {
    for (const adapter of [onHono, onFetch])
      for (const [routes, api] of bothOf(adapter)) routes(api, { path })
    const answer = await onFetch.ingestRoutes(ingest, { path })(
      new Request(`http://localhost${path}/v1/track`, { method: 'POST', body: '{}' }),
    )
    expect(answer?.status).toBe(401)
    const app = Fastify()
    app.register(onFastify.ingestRoutes(ingest), { prefix: path })
    expect((await app.inject({ method: 'POST', url: `${path}/v1/track`, payload: {} })).statusCode).toBe(401)
  },
)

describe('Fastify', () => {
  it.each([
    [{ prefix: 'internal' }, /^prefix must be/],
    [{ prefix: '/internal/' }, /^prefix must be/],
    [{ path: '/internal' }, /has no option "path"/],
  ])('refuses routes registered with %j', async (options, message) => {
    for (const [routes, api] of bothOf(onFastify)) {
      const app: FastifyInstance = Fastify()
      app.register(routes(api, undefined) as never, options as never)
      await expect(app.ready()).rejects.toThrow(message)
    }
  })

  it('refuses options of the guard that are given to register', async () => {
    const app = Fastify()
    app.register(onFastify.writeKeyAuth(keys), { workspace: 'acme' } as never)
    await expect(app.ready()).rejects.toThrow(/belong to itself.*writeKeyAuth\(keys, \{ workspace \}\)/)
    const other = Fastify()
    other.register(onFastify.writeKeyAuth(keys), { logLevel: 'warn' } as never)
    await other.ready()
  })
})

it('a fetch handler serves a management API below a path, and nowhere else', async () => {
  const routes = onFetch.adminRoutes(admin, { path: '/internal' })
  const at = (path: string, init: RequestInit = {}) =>
    routes(
      new Request(`http://localhost${path}`, {
        ...init,
        headers: { ...headers, 'content-type': 'application/json' },
      }),
    )
  const body = JSON.stringify({ name: 'iOS', source_type: 'mobile' })
  expect((await at('/internal/api/v1/events/write-keys', { method: 'POST', body }))?.status).toBe(201)
  expect(await (await at('/internal/api/v1/events/write-keys?limit=1'))?.json()).toMatchObject({
    data: [{ name: 'iOS' }],
  })
  expect(await at('/api/v1/events/write-keys')).toBeUndefined()
  expect(await at('/internalapi/v1/events/write-keys')).toBeUndefined()
})

const onNodesServer: Record<string, (path: string) => unknown> = {
  Hono: (path) => createAdaptorServer(new Hono().use(onHono.adminRoutes(admin, { path }))),
  h3: (path) => {
    const routes = onFetch.adminRoutes(admin, { path })
    return createServer(toNodeHandler(new H3().use(({ req }) => routes(req))) as never)
  },
}

it.each(
  Object.entries(onNodesServer).flatMap(([name, start]) =>
    ['', '/internal'].map((path) => [name, path, start] as const),
  ),
)(
  '%s on Node answers 404 to a path that its URL parser has turned into one below "%s"',
  async (_, path, start) => {
    const server = await startServer(start(path) as never, keys, [])
    const ask = async (target: string) => {
      const head = `GET ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`
      return (await sendRaw(server.url, Buffer.from(head), 'GET')).status
    }
    for (const folded of [
      '/api/v1/openapi.json/../events/write-keys',
      '/api/v1/events/x/%2e%2e/write-keys',
      '/x/../api/v1/events/write-keys',
    ])
      expect([folded, await ask(path + folded)]).toEqual([folded, 404])
    for (const plain of ['/api/v1/events/write-keys', '/api/v1/events/write-keys?q=a%2e%2e/../b'])
      expect([plain, await ask(path + plain)]).toEqual([plain, 200])
    expect(await ask(`http://x${path}/api/v1/events/write-keys`)).toBe(200)
    await server.close()
  },
)

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}
