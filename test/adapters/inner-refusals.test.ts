import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express5 from 'express'
import express4 from 'express4'
import createFastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onFastify from '../../adapters/fastify.ts'
import * as onFetch from '../../adapters/fetch.ts'
import * as onHono from '../../adapters/hono.ts'
import * as onKoa from '../../adapters/koa.ts'
import { guardListener, guardServer } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { type RawAnswer, sendRaw, toWire } from '../../src/testing/adapter/raw-http.ts'
import { serve } from '../neighbours/served.ts'
import { nestAdapters, startNest } from './nest-apps.ts'

const page = 'https://app.example.com'
const inner = { workspace: 'another' }
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Keys of `acme`, one of them in grace, and keys that the outer guard does not know. */
async function openKeys() {
  const [keys, others] = [createWriteKeys({ logger: false }), createWriteKeys({ logger: false })]
  closers.push(
    () => keys.close(),
    () => others.close(),
  )
  const fields = { name: 'Web', sourceType: 'web', workspace: 'acme', rateLimitEps: 100 } as const
  const listed = await keys.create({ ...fields, allowedOrigins: [page] })
  const rotated = await keys.create(fields)
  await keys.rotate(rotated.writeKey.id)
  const unknown = await others.create(fields)
  return {
    keys,
    others,
    listed: listed.key,
    inGrace: rotated.key,
    unknown: unknown.key,
    id: listed.writeKey.id,
  }
}

async function send(url: string, key: string, fields: string[] = []): Promise<RawAnswer> {
  const lines = ['Host: localhost', `Authorization: ${basic(key)}`, 'Content-Length: 2', ...fields]
  const answer = await sendRaw(url, toWire('POST /v1/track HTTP/1.1', lines, '{}'))
  delete answer.headers.date
  // Express's own.
  delete answer.headers['x-powered-by']
  return answer
}

async function serveListener(listener: RequestListener): Promise<string> {
  const { url, close } = await serve(listener)
  closers.push(close)
  return url
}

const anyExpress =
  (express: typeof express5, isBehind: 'guardListener' | 'writeKeyAuth') => (keys: WriteKeys) => {
    const app = express()
    if (isBehind === 'writeKeyAuth') app.use('/v1', onExpress.writeKeyAuth(keys))
    app.use('/v1', onExpress.writeKeyAuth(keys, inner))
    const listener = app as RequestListener
    return serveListener(
      isBehind === 'writeKeyAuth' ? listener : guardListener(listener, keys, { path: '/v1' }),
    )
  }

function koa(keys: WriteKeys) {
  const app = new Koa().use(onKoa.writeKeyAuth(keys)).use(onKoa.writeKeyAuth(keys, inner))
  return serveListener(app.callback())
}

async function fastify(keys: WriteKeys) {
  const app = createFastify()
  closers.push(() => app.close())
  app.register(onFastify.writeKeyAuth(keys))
  app.register(async (within) => {
    within.register(onFastify.writeKeyAuth(keys, inner))
    within.post('/v1/track', async () => ({}))
  })
  return app.listen({ port: 0, host: '127.0.0.1' })
}

function hono(keys: WriteKeys) {
  // The same guard twice, as when it is mounted twice.
  const outer = onHono.writeKeyAuth(keys)
  const app = new Hono().use(outer).use(outer).use(onHono.writeKeyAuth(keys, inner))
  return serveListener(getRequestListener(app.fetch))
}

function honoBehindListener(keys: WriteKeys) {
  const app = new Hono().use(onHono.writeKeyAuth(keys, inner))
  return serveListener(guardListener(getRequestListener(app.fetch), keys, { path: '/v1' }))
}

function fetchHandler(keys: WriteKeys) {
  const [first, second] = [onFetch.writeKeyAuth(keys), onFetch.writeKeyAuth(keys, inner)]
  const answer = (request: Request) => first(request, (_, passed) => second(passed, () => Response.json({})))
  return serveListener(getRequestListener(answer))
}

const nest = nestAdapters.map(([platform, createAdapter]) => [
  `Nest on ${platform} behind guardServer`,
  async (keys: WriteKeys) => {
    const { app } = await startNest(createAdapter, {
      module: { keys, ...inner },
      configure: (made) => void guardServer(made.getHttpServer(), keys, { path: '/v1' }),
    })
    return `http://127.0.0.1:${app.getHttpServer().address().port}`
  },
]) as [string, (keys: WriteKeys) => Promise<string>][]

describe.each([
  ['Express 5', anyExpress(express5, 'writeKeyAuth')],
  ['Express 4', anyExpress(express4 as unknown as typeof express5, 'writeKeyAuth')],
  ['Express behind guardListener', anyExpress(express5, 'guardListener')],
  ['Koa', koa],
  ['Fastify', fastify],
  ['Hono', hono],
  ['Hono behind guardListener', honoBehindListener],
  ['fetch', fetchHandler],
  ...nest,
])('two guards, the inner one for another workspace: %s', (_, start) => {
  it('the 401 is the same, byte for byte, for keys that are good elsewhere and for unknown ones', async () => {
    const { keys, listed, inGrace, unknown } = await openKeys()
    const url = await start(keys)
    for (const fields of [[], [`Origin: ${page}`]]) {
      const wanted = await send(url, unknown, fields)
      expect(wanted.status).toBe(401)
      for (const key of [listed, inGrace]) {
        const answer = await send(url, key, fields)
        expect(answer).toEqual(wanted)
        // Hono's server puts the length where it knows it.
        expect(namesOf(answer.headers)).toEqual(namesOf(wanted.headers))
      }
    }
  })
})

const namesOf = (headers: object) => Object.keys(headers).filter((name) => name !== 'content-length')

describe('an endpoint behind a guard', () => {
  it.each([
    [
      'Express',
      (outer: WriteKeys, api: ReturnType<typeof createIngestApi>, between: () => unknown) => {
        const app = express5().use(onExpress.writeKeyAuth(outer))
        app.use(async (_request, _response, next) => {
          await between()
          next()
        })
        return serveListener(app.use(onExpress.ingestRoutes(api)) as RequestListener)
      },
    ],
    [
      'Hono',
      (outer: WriteKeys, api: ReturnType<typeof createIngestApi>, between: () => unknown) => {
        const app = new Hono().use(onHono.writeKeyAuth(outer))
        app.use(async (_context, next) => {
          await between()
          await next()
        })
        return serveListener(getRequestListener(app.use(onHono.ingestRoutes(api)).fetch))
      },
    ],
  ])('refuses as if it were alone: %s', async (_, start) => {
    const { keys, others, listed, unknown, id } = await openKeys()
    const quiet = { onEvents() {} }
    const ofOthers = await start(keys, createIngestApi(others, quiet), () => {})
    expect(await send(ofOthers, listed)).toEqual(await send(ofOthers, unknown))

    const failing = createIngestApi(keys, {
      onEvents() {
        throw new Error('no queue')
      },
    })
    const failed = await send(await start(keys, failing, () => {}), listed, [`Origin: ${page}`])
    expect(failed).toMatchObject({ status: 503, headers: { 'access-control-allow-origin': page } })
    expect(failed.headers).not.toHaveProperty('ratelimit')

    const revoked = await start(keys, createIngestApi(keys, quiet), () => keys.revoke(id))
    expect(await send(revoked, listed)).toEqual(await send(revoked, unknown))
  })
})

it('headers of the application stay on a refusal behind a guard', async () => {
  const { keys, inGrace } = await openKeys()
  const own = { ratelimit: '"mine";r=1', deprecation: '@1', 'x-own': '1', vary: 'Accept' }
  const app = express5().disable('x-powered-by')
  app.use((_request, response, next) => {
    response.set(own)
    next()
  })
  app.use(onExpress.writeKeyAuth(keys))
  app.use((_request, response, next) => {
    response.set({ 'x-ratelimit-limit': '7', sunset: 'Sat, 01 Jan 2028 00:00:00 GMT' })
    next()
  })
  app.use(onExpress.writeKeyAuth(keys, inner))
  const { status, headers } = await send(await serveListener(app as RequestListener), inGrace)
  expect(status).toBe(401)
  expect(headers).toMatchObject({ ...own, vary: 'Accept, Origin' })
  expect(headers).toMatchObject({ 'x-ratelimit-limit': '7', sunset: 'Sat, 01 Jan 2028 00:00:00 GMT' })
  expect(headers).not.toHaveProperty('x-ratelimit-remaining')
})

it('what onRefused of an inner guard answers has no headers of the outer one', async () => {
  const { keys, listed } = await openKeys()
  const app = express5().use(onExpress.writeKeyAuth(keys))
  const onRefused = (_refused: unknown, _request: unknown, response: { end(): unknown }) => response.end()
  app.use(onExpress.writeKeyAuth(keys, { ...inner, onRefused }))
  const { headers } = await send(await serveListener(app as RequestListener), listed, [`Origin: ${page}`])
  for (const name of ['ratelimit', 'x-ratelimit-limit', 'access-control-allow-origin'])
    expect(headers).not.toHaveProperty(name)
})
