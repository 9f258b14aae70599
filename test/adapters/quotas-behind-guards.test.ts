import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import { writeKeyAuth as fastifyAuth } from '../../adapters/fastify.ts'
import * as onHono from '../../adapters/hono.ts'
import * as onKoa from '../../adapters/koa.ts'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const onEvents = () => {}

/** Two guards in a row, or endpoints behind a guard. */
const apps: Record<string, (outer: WriteKeys, inner: WriteKeys) => Promise<RequestListener>> = {
  async Express(outer, inner) {
    const app = express()
    app.use(onExpress.writeKeyAuth(outer), onExpress.writeKeyAuth(inner))
    app.post('/v1/track', (_, res) => void res.json({}))
    return app
  },
  async 'endpoints in Express'(outer, inner) {
    const app = express()
    app.use(onExpress.writeKeyAuth(outer), onExpress.ingestRoutes(createIngestApi(inner, { onEvents })))
    return app
  },
  async Koa(outer, inner) {
    const app = new Koa()
    app.use(onKoa.writeKeyAuth(outer)).use(onKoa.writeKeyAuth(inner))
    app.use((ctx) => {
      ctx.body = {}
    })
    return app.callback()
  },
  async Fastify(outer, inner) {
    const app = Fastify()
    await app.register(fastifyAuth(inner))
    app.post('/v1/track', async () => ({}))
    closers.push(() => app.close())
    await app.ready()
    return guardListener((request, response) => app.routing(request, response), outer, { path: '/v1' })
  },
  async Hono(outer, inner) {
    const app = new Hono()
    app.use('*', onHono.writeKeyAuth(outer)).use('*', onHono.writeKeyAuth(inner))
    app.post('/v1/track', (c) => c.json({}))
    return getRequestListener(app.fetch) as RequestListener
  },
  async 'endpoints in Hono'(outer, inner) {
    const app = new Hono()
    app.use('*', onHono.writeKeyAuth(outer), onHono.ingestRoutes(createIngestApi(inner, { onEvents })))
    return getRequestListener(app.fetch) as RequestListener
  },
  async 'guards of Node'(outer, inner) {
    const listener: RequestListener = (_, response) => void response.end('{}')
    return guardListener(guardListener(listener, inner, { path: '/v1' }), outer, { path: '/v1' })
  },
}

describe.each(Object.entries(apps))('the quota of a key behind a guard of other keys: %s', (_, build) => {
  async function open() {
    const inner = createWriteKeys({ plans: { small: { monthlyEvents: 2 } }, defaultPlan: 'small' })
    const outer = createWriteKeys()
    closers.push(
      () => inner.close(),
      () => outer.close(),
    )
    const { key, writeKey } = await inner.create({ name: 'Sender', sourceType: 'server' })
    await outer.import([{ name: 'Sender', sourceType: 'server', key }])
    const { url, close } = await serve(await build(outer, inner))
    closers.push(close)
    const send = async () => {
      const headers = { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' }
      const answer = await fetch(`${url}/v1/track`, {
        method: 'POST',
        headers,
        body: '{"type":"track","event":"a"}',
      })
      return [answer.status, ((await answer.json()) as { code?: string }).code]
    }
    return { inner, id: writeKey.id, send }
  }

  it('is enforced by the guard that has the key', async () => {
    const { inner, id, send } = await open()
    const ok = [200, undefined]
    const spent = [429, 'quota_exceeded']
    expect([await send(), await send(), await send(), await send()]).toEqual([ok, ok, spent, spent])
    await inner.flush()
    const { acceptedTotal, refused, quota } = await inner.usage(id)
    expect([acceptedTotal, refused, quota?.left]).toEqual([2, { quota_exceeded: 2 }, 0])
  })
})
