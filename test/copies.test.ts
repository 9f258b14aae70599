import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, request as requestNode } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import express from 'express'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { ingestRoutes, writeKeyOf } from '../adapters/express.ts'
import { writeKeyAuth as guardFetch } from '../adapters/fetch.ts'
import { guardListener, guardServer } from '../adapters/node.ts'
import { createAdminApi } from '../src/admin/index.ts'
import { ConfigError, createWriteKeys, KeyError, StoreError } from '../src/index.ts'
import { createIngestApi } from '../src/ingest/index.ts'
import { prometheus } from '../src/metrics/index.ts'
import { basic } from '../src/testing/adapter/golden/golden-request.ts'
import { createManualClock } from '../src/testing/index.ts'
import { serve } from './neighbours/served.ts'

type Root = typeof import('../src/index.ts')

/** A second copy of the package, as a bundle beside the installed one has, or `jest.resetModules()` makes. */
const other = {} as Root & { express: typeof import('../adapters/express.ts') } & {
  fetch: typeof import('../adapters/fetch.ts')
  node: typeof import('../adapters/node.ts')
}

beforeAll(async () => {
  vi.resetModules()
  Object.assign(other, await import('../src/index.ts'), {
    express: await import('../adapters/express.ts'),
    fetch: await import('../adapters/fetch.ts'),
    node: await import('../adapters/node.ts'),
  })
  expect(other.createWriteKeys).not.toBe(createWriteKeys)
})

const token = 't'.repeat(32)

/** Calls the admin API of this copy for keys of the other. */
function callAdmin(keys: object, method: string, path: string, body?: object): Promise<Response> {
  const api = createAdminApi(keys as Parameters<typeof createAdminApi>[0], {
    logger: false,
    tokens: [{ name: 'ops', token, role: 'admin' }],
  })
  const request = new Request(`http://127.0.0.1/api/v1/events/write-keys${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return api.fetch(request, { address: '127.0.0.1' })
}

/** A store that does not answer in time. */
const lateStore = () =>
  new Proxy(other.createMemoryStore(), {
    get: (store, name) =>
      name === 'get'
        ? () => Promise.reject(new other.StoreError('store_timeout', 'It did not answer in time.'))
        : Reflect.get(store, name, store),
  })

describe('errors of another copy', () => {
  it('are of the classes of this one', async () => {
    const keys = other.createWriteKeys({ logger: false })
    const error = await keys.revoke('wk_none').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(other.KeyError)
    expect(error).toBeInstanceOf(KeyError)
    expect(error).not.toBeInstanceOf(StoreError)
    expect(error).not.toBeInstanceOf(ConfigError)
    expect(new other.StoreError('store_timeout', 'Late.')).toBeInstanceOf(StoreError)
    expect(() => other.createWriteKeys({ peper: 'a' } as object)).toThrow(ConfigError)
    await keys.close()
  })

  it('are not mistaken for those of another class', () => {
    class Own extends KeyError {}
    const look = { name: 'KeyError', code: 'not_found', message: 'No such key.' }
    expect(Object.assign(new Error(look.message), look)).not.toBeInstanceOf(KeyError)
    expect(new Own('not_found', 'No such key.')).toBeInstanceOf(KeyError)
    expect(new other.KeyError('not_found', 'No such key.')).not.toBeInstanceOf(Own)
    for (const value of [undefined, null, 'KeyError', 404]) expect(value).not.toBeInstanceOf(KeyError)
  })

  it('show nothing of it where they are logged', () => {
    const error = new KeyError('not_found', 'No such key.')
    expect(inspect(error)).not.toContain('Symbol')
    expect(Object.getOwnPropertySymbols({ ...error })).toEqual([])
  })

  it('are answered by the admin API with what they say', async () => {
    const keys = other.createWriteKeys({ logger: false })
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    await keys.revoke(writeKey.id)
    const answers = [
      await callAdmin(keys, 'GET', '/wk_none'),
      await callAdmin(keys, 'POST', `/${writeKey.id}/rotate`, { grace_period_hours: 1 }),
      await callAdmin(keys, 'POST', '', { name: 'x', source_type: 'webb' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([404, 409, 422])
    await keys.close()
  })

  it('of a store are answered as an outage', async () => {
    const keys = other.createWriteKeys({ logger: false, store: lateStore() })
    expect((await callAdmin(keys, 'GET', '/wk_none')).status).toBe(503)
    await keys.close()
  })
})

describe('guards of two copies with the same keys', () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    vi.restoreAllMocks()
    for (const close of closers.splice(0)) await close()
  })

  async function openKeys(create = createWriteKeys) {
    const keys = create({ logger: false, clock: createManualClock() })
    closers.push(() => keys.close())
    const { key, writeKey } = await keys.create({
      name: 'Backend',
      sourceType: 'server',
      rateLimitEps: 10,
      senderRateLimitEps: null,
    })
    return {
      keys,
      id: writeKey.id,
      headers: { authorization: basic(key), 'content-type': 'application/json' },
    }
  }

  const event = '{"type":"track","event":"Signed Up","userId":"1"}'

  /** Sends as many events as the bucket holds. */
  async function fillBucket(send: (init: RequestInit) => Promise<Response>, headers: Record<string, string>) {
    const statuses: number[] = []
    for (let sent = 0; sent < 10; sent++)
      statuses.push((await send({ method: 'POST', headers, body: event })).status)
    return statuses
  }

  async function sendTo(listener: RequestListener) {
    const { url, close } = await serve(listener)
    closers.push(close)
    return (init: RequestInit) => fetch(`${url}/v1/track`, init)
  }

  const allGood = Array.from({ length: 10 }, () => 200)

  it('read, charge and count a request once, in Node', async () => {
    const { keys, id, headers } = await openKeys()
    const app = express()
    app.use('/v1', other.express.writeKeyAuth(keys))
    app.post('/v1/track', (req, res) => {
      res.json({ both: other.express.writeKeyOf(req) === writeKeyOf(req), events: req.body })
    })
    const send = await sendTo(guardListener(app, keys, { path: '/v1' }))
    expect(await fillBucket(send, headers)).toEqual(allGood)
    expect((await send({ method: 'POST', headers, body: event })).status).toBe(429)
    expect(await keys.usage(id)).toMatchObject({ acceptedTotal: 10 })
  })

  it('read, charge and count a request once, with web-standard requests', async () => {
    const { keys, id, headers } = await openKeys()
    const inner = other.fetch.writeKeyAuth(keys)
    const outer = guardFetch(keys)
    const handler = (key: { events: unknown[] }) => Response.json({ events: key.events })
    const send = (init: RequestInit) =>
      Promise.resolve(
        outer(new Request('http://127.0.0.1/v1/track', init), (_, request) => inner(request, handler)),
      )
    expect(await fillBucket(send, headers)).toEqual(allGood)
    expect(await keys.usage(id)).toMatchObject({ acceptedTotal: 10 })
  })

  it('count as refused what the endpoints of one copy refuse behind the guard of the other', async () => {
    const { keys, id, headers } = await openKeys(other.createWriteKeys)
    const written = vi.spyOn(console, 'error').mockImplementation(() => {})
    const api = createIngestApi(keys, {
      onEvents() {
        throw new Error('the queue is down')
      },
    })
    const app = express()
    app.use('/v1', other.express.writeKeyAuth(keys))
    app.use(ingestRoutes(api))
    const send = await sendTo(app)
    expect((await send({ method: 'POST', headers, body: event })).status).toBe(503)
    expect(written).not.toHaveBeenCalled()
    expect(await keys.usage(id)).toMatchObject({ acceptedTotal: 0 })
  })

  it('ask for the body of a client that waits for 100 Continue once, when it is good', async () => {
    const { keys, headers } = await openKeys()
    const server = createServer((_, response) => void response.end())
    guardServer(server, keys, { path: '/v1' })
    other.node.guardServer(server, keys, { path: '/v2' })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => server.close().closeAllConnections())
    const told: unknown[] = []
    for (const authorization of [headers.authorization, basic('junk')]) {
      const { port } = server.address() as AddressInfo
      const request = requestNode({
        port,
        method: 'POST',
        path: '/v1/track',
        headers: { ...headers, authorization, expect: '100-continue' },
      })
      request.on('continue', () => {
        told.push(100)
        request.end(event)
      })
      request.flushHeaders()
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      told.push(response.resume().statusCode)
    }
    expect(told).toEqual([100, 200, 401])
  })

  it('can be measured by either', async () => {
    const keys = other.createWriteKeys({ logger: false })
    closers.push(() => keys.close())
    const registered: unknown[] = []
    prometheus(keys, {
      registry: { registerMetric: (metric) => registered.push(metric), removeSingleMetric() {} },
    })
    expect(registered).not.toEqual([])
  })
})
