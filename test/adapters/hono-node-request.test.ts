import type { IncomingMessage, RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth as expressAuth } from '../../adapters/express.ts'
import { type WriteKeyEnv, writeKeyAuth, writeKeyOf } from '../../adapters/hono.ts'
import { guardListener } from '../../adapters/node.ts'
import { createTestKeys, type TestKeysOptions } from '../../src/testing/index.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function post(listener: RequestListener, path: string, init: RequestInit = {}) {
  const { url, close } = await serve(listener)
  closers.push(close)
  return fetch(`${url}${path}`, { method: 'POST', body: '{"event":"a"}', ...init })
}

type Env = WriteKeyEnv & { Bindings: { incoming: IncomingMessage } }

describe('writeKeyAuth of Hono on Node', () => {
  async function open(options: TestKeysOptions = {}) {
    const { keys, key, authorization } = await createTestKeys(options)
    return { keys, key, authorization, app: new Hono<Env>() }
  }
  const onNode = (app: Hono<Env>) => getRequestListener(app.fetch) as RequestListener

  it('gives a listener in front all bytes, and the handler the events', async () => {
    const { app, keys, authorization } = await open()
    let bytes = 0
    app.use('*', async (c, next) => {
      c.env.incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      await next()
    })
    app.use('/v1/*', writeKeyAuth(keys))
    app.post('/v1/track', async (c) => c.json([writeKeyOf(c).events, await c.req.json(), bytes]))
    const answer = await post(onNode(app), '/v1/track', { headers: { authorization } })
    expect([answer.status, await answer.json()]).toEqual([200, [[{ event: 'a' }], { event: 'a' }, 13]])
  })

  it('blames nobody but itself when somebody in front has read the stream of Node', async () => {
    const { app, keys, authorization } = await open({ logger: false })
    app.use('*', async (c, next) => {
      for await (const _ of c.env.incoming);
      await next()
    })
    app.use('/v1/*', writeKeyAuth(keys))
    app.post('/v1/track', (c) => c.text('reached'))
    expect((await post(onNode(app), '/v1/track', { headers: { authorization } })).status).toBe(503)
  })

  it('takes fields that middleware in front has set', async () => {
    const { app, keys, authorization } = await open()
    app.use('*', async (c, next) => {
      c.req.raw.headers.set('authorization', authorization)
      await next()
    })
    app.use('/v1/*', writeKeyAuth(keys))
    app.post('/v1/track', (c) => c.text('reached'))
    expect((await post(onNode(app), '/v1/track')).status).toBe(200)
  })

  it('judges what an outer middleware has put in place of the request', async () => {
    const { app, keys, authorization } = await open()
    app.use('*', async (c, next) => {
      c.req.raw = new Request(c.req.raw, { body: '{"event":"b"}' })
      await next()
    })
    app.use('/v1/*', writeKeyAuth(keys))
    app.post('/v1/track', async (c) => c.json(await c.req.json()))
    const answer = await post(onNode(app), '/v1/track', { headers: { authorization } })
    expect(await answer.json()).toEqual({ event: 'b' })
  })

  it('gives those who look at the request itself the events and fields that fit', async () => {
    const { app, keys, authorization } = await open()
    app.use('/v1/*', writeKeyAuth(keys))
    app.post('/v1/track', async (c) => {
      const { raw } = c.req
      const fields = ['content-type', 'content-encoding', 'content-length'].map((name) =>
        raw.headers.get(name),
      )
      return c.json([raw === c.req.raw, raw instanceof Request, fields, await raw.json()])
    })
    const answer = await post(onNode(app), '/v1/track', {
      headers: { authorization, 'content-encoding': 'gzip' },
      body: gzipSync('{"event":"a"}'),
    })
    expect(await answer.json()).toEqual([true, true, ['application/json', null, null], { event: 'a' }])
  })

  it.each([
    ['query', '/v1/track?writeKey=', {}],
    [{ path: '/e/:key' }, '/e/', { eventType: 'batch' }],
  ] as const)('hides a key of %o in the request of Node', async (credential, path, options) => {
    const { app, keys, key } = await open({ credentials: [credential] })
    let seen: unknown
    app.use('*', writeKeyAuth(keys, options))
    app.post('*', (c) => {
      const { url, rawHeaders, headers } = c.env.incoming
      seen = { url, rawHeaders, headers }
      return c.text('reached')
    })
    const body = '{"type":"track","event":"a"}'
    const good = await post(onNode(app), `${path}${key}`, { body })
    expect([good.status, JSON.stringify(seen)]).toEqual([200, expect.not.stringContaining(key)])
  })
})

describe('headersDistinct', () => {
  const listeners: Record<
    string,
    (keys: Awaited<ReturnType<typeof createTestKeys>>['keys']) => RequestListener
  > = {
    express: (keys) => {
      const app = express()
      app.use('/v1', expressAuth(keys))
      app.post('/v1/track', (request, response) => void response.json(request.headersDistinct))
      return app
    },
    guardListener: (keys) =>
      guardListener((request, response) => response.end(JSON.stringify(request.headersDistinct)), keys, {
        path: '/v1',
      }),
  }

  it.each(Object.keys(listeners))('can be asked for behind %s', async (name) => {
    const { keys, key } = await createTestKeys({ credentials: ['header'] })
    const listener = (listeners[name] as (typeof listeners)[string])(keys)
    const answer = await post(listener, '/v1/track', {
      headers: { 'x-write-key': key, 'content-encoding': 'gzip', 'x-other': 'kept' },
      body: gzipSync('{"event":"a"}'),
    })
    const fields = (await answer.json()) as Record<string, string[]>
    expect(fields).toMatchObject({ 'x-other': ['kept'] })
    expect(Object.keys(fields)).not.toEqual(expect.arrayContaining(['x-write-key']))
    expect(fields['content-encoding']).toBeUndefined()
  })
})
