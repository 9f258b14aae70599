import 'reflect-metadata'
import type { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Controller, Module, Post, Req, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onFastify from '../../adapters/fastify.ts'
import * as onFetch from '../../adapters/fetch.ts'
import * as onHono from '../../adapters/hono.ts'
import * as onKoa from '../../adapters/koa.ts'
import * as onNest from '../../adapters/nestjs/index.ts'
import { guardListener } from '../../adapters/node.ts'
import { createMemoryLimiter, createWriteKeys, type RateLimiter, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createManualClock } from '../../src/testing/index.ts'
import { serve } from '../neighbours/served.ts'

const requests = 12
const workMs = 10
/** So the fourth handler is the last that may start. */
const livesMs = 35

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Keys of which one ends soon, and a limiter that answers all at once when `let` is called. */
async function setUp() {
  const clock = createManualClock()
  const memory = createMemoryLimiter({ clock })
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  let asked = 0
  const limiter: RateLimiter = {
    async consume(...of) {
      asked++
      await opened
      return memory.consume(...of)
    },
    close() {},
  }
  const keys = createWriteKeys({ clock, limiter, logger: false })
  closing.push(() => keys.close())
  const { key } = await keys.create({
    name: 'Short',
    sourceType: 'server',
    rateLimitEps: 1_000,
    expiresAt: new Date(clock.now() + livesMs),
  })
  let started = 0
  const work = () => {
    expect(clock.now() - begun).toBeLessThan(livesMs)
    started++
    clock.advance(workMs)
  }
  const begun = clock.now()
  return { keys, key, work, open, asked: () => asked, started: () => started }
}

type Serve = (keys: WriteKeys, work: () => void) => Promise<(key: string) => Promise<number>>

/** Sends over HTTP. */
async function over(listener: Parameters<typeof createServer>[1]) {
  const { url, close } = await serve(listener as Parameters<typeof serve>[0])
  closing.push(close)
  return async (key: string) => {
    const headers = { authorization: basic(key), 'content-type': 'application/json' }
    return (await fetch(`${url}/v1/track`, { method: 'POST', headers, body: '{"event":"Seen"}' })).status
  }
}

const ingestRequest = (key: string) => ({
  method: 'POST',
  path: '/v1/track',
  headers: { authorization: basic(key), 'content-type': 'application/json' },
  body: '{"event":"Seen"}',
})

const callers: Record<string, Serve> = {
  'keys.verify': async (keys, work) => async (key) => {
    const verdict = await keys.verify(ingestRequest(key))
    if (verdict.ok) work()
    return verdict.ok ? 200 : verdict.reply.status
  },
  'keys.verify in functions of the application'(keys, work) {
    const inner = async (key: string) => keys.verify(ingestRequest(key))
    const outer = async (key: string) => await inner(key)
    return Promise.resolve(async (key) => {
      const verdict = await outer(key)
      if (verdict.ok) work()
      return verdict.ok ? 200 : verdict.reply.status
    })
  },
  Express(keys, work) {
    const app = express().use(onExpress.writeKeyAuth(keys))
    app.post('/v1/track', (_, res) => {
      work()
      res.end()
    })
    return over(app)
  },
  'Express behind guardListener'(keys, work) {
    const app = express().use(onExpress.writeKeyAuth(keys))
    app.post('/v1/track', (_, res) => {
      work()
      res.end()
    })
    return over(guardListener(app, keys, { path: '/v1' }))
  },
  'a ready-made endpoint'(keys, work) {
    return over(express().use(onExpress.ingestRoutes(createIngestApi(keys, { onEvents: work }))))
  },
  Koa(keys, work) {
    const app = new Koa().use(onKoa.writeKeyAuth(keys))
    app.use((ctx) => {
      work()
      ctx.body = ''
      ctx.status = 200
    })
    return over(app.callback())
  },
  async Fastify(keys, work) {
    const app = Fastify()
    await app.register(onFastify.writeKeyAuth(keys))
    app.post('/v1/track', async () => {
      work()
      return ''
    })
    closing.push(() => app.close())
    await app.ready()
    return over((request, response) => app.routing(request, response))
  },
  Hono(keys, work) {
    const app = new Hono().use(onHono.writeKeyAuth(keys))
    app.post('/v1/track', (c) => {
      work()
      return c.text('')
    })
    return over(getRequestListener(app.fetch))
  },
  async fetch(keys, work) {
    const auth = onFetch.writeKeyAuth(keys)
    return async (key) => {
      const { path, ...init } = ingestRequest(key)
      const answer = await auth(new Request(`http://localhost${path}`, init), () => {
        work()
        return new Response('')
      })
      return answer.status
    }
  },
  async NestJS(keys, work) {
    @Controller('v1')
    class Events {
      @Post('track')
      @UseGuards(onNest.WriteKeyGuard)
      track(@Req() _: unknown) {
        work()
      }
    }
    @Module({ imports: [onNest.WriteKeyModule.forRoot({ keys })], controllers: [Events] })
    class App {}
    const app = await NestFactory.create(App, { logger: false })
    await app.init()
    closing.push(() => app.close())
    return over(app.getHttpAdapter().getInstance())
  },
}

describe('requests that are let on together, with handlers that take their time', () => {
  it.each(Object.entries(callers))('start no handler of a key that has ended: %s', async (_, start) => {
    const { keys, key, work, open, asked, started } = await setUp()
    const send = await start(keys, work)
    const sent = Array.from({ length: requests }, () => send(key))
    await expect.poll(asked, { interval: 1 }).toBe(requests)
    open()
    const statuses = await Promise.all(sent)
    expect(started()).toBe(Math.ceil(livesMs / workMs))
    expect(statuses.filter((status) => status < 300)).toHaveLength(started())
    expect(statuses.filter((status) => status === 401)).toHaveLength(requests - started())
  })

  it('the same for verifications that wait for nothing', async () => {
    const { keys, key, work, open, started } = await setUp()
    open()
    const verdicts = await Promise.all(
      Array.from({ length: requests }, async () => {
        const verdict = await keys.verify(ingestRequest(key))
        if (verdict.ok) work()
        return verdict.ok
      }),
    )
    expect(verdicts.filter(Boolean)).toHaveLength(started())
    expect(started()).toBe(Math.ceil(livesMs / workMs))
  })
})
