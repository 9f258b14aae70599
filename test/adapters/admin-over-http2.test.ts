import { once } from 'node:events'
import { createServer as createHttpServer, request as httpRequest } from 'node:http'
import { connect, createServer, type Http2Server } from 'node:http2'
import { createAdaptorServer } from '@hono/node-server'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as fastify from '../../adapters/fastify.ts'
import * as hono from '../../adapters/hono.ts'
import * as koa from '../../adapters/koa.ts'
import * as node from '../../adapters/node.ts'
import { type AdminApi, createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys } from '../../src/index.ts'
import { listen } from './guarded-frameworks.ts'

const servers: Record<string, (api: AdminApi) => Http2Server | Promise<Http2Server>> = {
  'writekey/node': (api) => createServer(node.adminRoutes(api) as never),
  'writekey/koa': (api) => createServer(new Koa().use(koa.adminRoutes(api)).callback()),
  'writekey/fastify': async (api) => {
    const app = Fastify({ http2: true })
    await app.register(fastify.adminRoutes(api))
    await app.ready()
    return app.server
  },
  'writekey/hono': (api) => {
    const app = new Hono().use(hono.adminRoutes(api))
    return createAdaptorServer({ fetch: app.fetch, createServer } as never) as unknown as Http2Server
  },
}

async function setUp() {
  const keys = createWriteKeys({ logger: false })
  onTestFinished(() => keys.close())
  const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
  const api = createAdminApi(keys, { authorize: () => ({ name: 'ada', role: 'admin' }) })
  return { api, path: `/api/v1/events/write-keys/${writeKey.id}/pause` }
}

describe.each(Object.entries(servers))('the management API of %s over HTTP/2', (_, createOn) => {
  it('lets its own pages change keys, and no others', async () => {
    const { api, path } = await setUp()
    const url = await listen(await createOn(api))
    const session = connect(url)
    onTestFinished(() => session.close())
    const pause = async (headers: Record<string, string>) => {
      const stream = session.request({ ':method': 'POST', ':path': path, cookie: 'session=ada', ...headers })
      stream.end()
      const [answer] = await once(stream, 'response')
      stream.resume()
      return (answer as { ':status': number })[':status']
    }
    expect(await pause({ origin: 'https://evil.example' })).toBe(403)
    expect(await pause({ origin: 'http://localhost' })).toBe(403)
    expect(await pause({ origin: url })).toBe(200)
  })
})

describe('the management API without a Host field', () => {
  it('has no page of its own on a server of Node', async () => {
    const { api, path } = await setUp()
    const url = new URL(await listen(createHttpServer({ requireHostHeader: false }, node.adminRoutes(api))))
    for (const origin of ['http://localhost', 'http://host.example', url.origin]) {
      const sent = httpRequest(url, {
        method: 'POST',
        path,
        setHost: false,
        agent: false,
        headers: { origin, cookie: 'session=ada' },
      }).end()
      const [answer] = await once(sent, 'response')
      answer.resume()
      expect(answer.statusCode).toBe(403)
    }
  })
})
