import 'reflect-metadata'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { bodyParser } from '@koa/bodyparser'
import { Body, Controller, Module, Post, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as onExpress from '../../adapters/express.ts'
import * as onKoa from '../../adapters/koa.ts'
import { guardListener, guardServer, writeKeyAuth, writeKeyOf } from '../../adapters/node.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createAnswerReader, openSocket, toWire } from '../../src/testing/adapter/raw-http.ts'
import { createKeys, event, listen, path } from './guarded-frameworks.ts'

type Keys = Awaited<ReturnType<typeof createKeys>>['keys']

/** Apps that answer with what their handler was handed: the key's name, where it finds one, and the body. */
const apps: Record<string, (keys: Keys) => Promise<string>> = {
  'Express with express.json() and a guard of its own': (keys) =>
    listen(createServer(guardListener(createExpress(keys), keys, { path }))),
  'Koa with a body parser alone'(keys) {
    const app = new Koa()
    app.use(bodyParser())
    app.use((ctx) => {
      ctx.body = { name: writeKeyOf(ctx.req).name, body: ctx.request.body }
    })
    return listen(createServer(guardListener(app.callback(), keys, { path })))
  },
  'Koa with a guard of its own in front of a body parser'(keys) {
    const app = new Koa()
    app.use(onKoa.writeKeyAuth(keys))
    app.use(bodyParser())
    app.use((ctx) => {
      ctx.body = { name: ctx.state.writeKey.name, body: ctx.request.body }
    })
    return listen(createServer(guardListener(app.callback(), keys, { path })))
  },
  async 'Fastify with its own parsers'(keys) {
    const app = Fastify({ serverFactory: (handler) => createServer(guardListener(handler, keys, { path })) })
    app.post('/v1/track', async (request) => ({ name: writeKeyOf(request.raw).name, body: request.body }))
    onTestFinished(async () => void (await app.close()))
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  async 'Fastify on a server that is guarded later'(keys) {
    const app = Fastify()
    app.post('/v1/track', async (request) => ({ name: writeKeyOf(request.raw).name, body: request.body }))
    guardServer(app.server, keys, { path })
    onTestFinished(async () => void (await app.close()))
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  'Nest on Express': (keys) => startNest(new ExpressAdapter(), keys),
  'Nest on Fastify': (keys) => startNest(new FastifyAdapter(), keys),
  'a listener that reads by itself': (keys) =>
    listen(
      createServer(
        guardListener(
          async (request: IncomingMessage, response: ServerResponse) => {
            let text = ''
            for await (const chunk of request) text += chunk
            response.setHeader('content-type', 'application/json')
            response.end(JSON.stringify({ name: writeKeyOf(request).name, body: JSON.parse(text) }))
          },
          keys,
          { path },
        ),
      ),
    ),
  'a listener that makes a web stream of the request': (keys) =>
    listen(guardServer(createServer(answerFromWebStream), keys, { path })),
  'a listener that does so behind middleware': (keys) =>
    listen(
      createServer((request, response) => {
        writeKeyAuth(keys)(request, response, () => void answerFromWebStream(request, response))
      }),
    ),
}

/** As `@hono/node-server` 1 does. */
async function answerFromWebStream(request: IncomingMessage, response: ServerResponse) {
  const body = await new Response(Readable.toWeb(request) as ReadableStream).json()
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ name: writeKeyOf(request).name, body }))
}

function createExpress(keys: Keys) {
  const app = express()
  app.use(express.json({ limit: 10 }))
  app.use('/v1', onExpress.writeKeyAuth(keys))
  app.post('/v1/track', (req, res) => {
    res.json({ name: writeKeyOf(req).name, body: req.body })
  })
  app.get('/health', (_, res) => {
    res.send('well')
  })
  return app
}

async function startNest(adapter: ExpressAdapter | FastifyAdapter, keys: Keys): Promise<string> {
  @Controller('v1')
  class IngestController {
    @Post('track')
    track(@Req() request: { raw?: IncomingMessage }, @Body() body: unknown) {
      return { name: writeKeyOf(request.raw ?? request).name, body }
    }
  }
  @Module({ controllers: [IngestController] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, adapter, { logger: false })
  onTestFinished(async () => void (await app.close()))
  guardServer(app.getHttpServer(), keys, { path })
  await app.listen(0, '127.0.0.1')
  return `http://127.0.0.1:${app.getHttpServer().address().port}`
}

describe.each(Object.entries(apps))('%s, behind a guard', (_, start) => {
  it.each([
    ['JSON', { 'content-type': 'application/json' }, JSON.stringify(event, null, 2)],
    ['a form by its label', { 'content-type': 'application/x-www-form-urlencoded' }, JSON.stringify(event)],
    ['text', { 'content-type': 'text/plain' }, JSON.stringify({ ...event, writeKey: 'sk_live_x' })],
    ['gzip', { 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(event))],
  ])('hands on %s as the accepted event, charged once', async (_, headers, body) => {
    const { keys, key, told } = await createKeys()
    const url = await start(keys)
    const answer = await fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization: basic(key), ...headers },
      body,
    })
    expect(await answer.json()).toEqual({ name: 'Web App', body: event })
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('99')
    expect(told).toMatchObject([{ type: 'accepted', events: 1 }])
  })

  it('runs nothing for what the guard refuses', async () => {
    const { keys, told } = await createKeys()
    const url = await start(keys)
    const answers = [
      await fetch(`${url}/v1/track`, { method: 'POST', body: '{}' }),
      await fetch(`${url}/%76%31/track`, { method: 'POST', body: '{}' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([401, 401])
    expect(answers[0]?.headers.has('x-powered-by')).toBe(false)
    expect(told).toMatchObject([{ reason: 'missing_key' }, { reason: 'missing_key' }])
  })
})

describe('a guard in front of a framework', () => {
  it('hands on more than a parser behind would read', async () => {
    const { keys, key } = await createKeys()
    const url = await listen(createServer(guardListener(createExpress(keys), keys, { path })))
    const large = { ...event, text: 'x'.repeat(2_000_000) }
    const answer = await fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization: basic(key), 'content-type': 'application/json' },
      body: JSON.stringify(large),
    })
    expect(await answer.json()).toEqual({ name: 'Web App', body: large })
  })

  it('does not touch requests elsewhere', async () => {
    const { keys, told } = await createKeys()
    const seen: string[] = []
    const url = await listen(
      createServer(
        guardListener(
          (request: IncomingMessage, response: ServerResponse) => {
            seen.push(
              `${request.method} ${request.url} ${request.readableDidRead} ${response.getHeaderNames().length}`,
            )
            request.pipe(response)
          },
          keys,
          { path: ['/v1', '/v2'] },
        ),
      ),
    )
    const answer = await fetch(`${url}/echo?x`, { method: 'POST', body: 'as it was' })
    expect(await answer.text()).toBe('as it was')
    expect(seen).toEqual(['POST /echo?x false 0'])
    expect((await fetch(`${url}/v2/x`)).status).toBe(401)
    expect(told).toHaveLength(1)
  })

  it('refuses what some router could take for a guarded path', async () => {
    const { keys } = await createKeys()
    const url = await listen(createServer(guardListener(createExpress(keys), keys, { path })))
    for (const target of [
      '/health/../v1/track',
      '/V1/track',
      '//v1/track',
      `${url}/v1/track`,
      '/v1%2ftrack',
      '/v1/../health',
    ]) {
      const socket = await openSocket(url)
      socket.write(toWire(`POST ${target} HTTP/1.1`, ['Host: localhost', 'Content-Length: 0']))
      expect([400, 401]).toContain((await createAnswerReader(socket)()).status)
      socket.destroy()
    }
  })

  it('answers preflights, and leaves answers to failing handlers readable', async () => {
    const { keys, key } = await createKeys()
    const failing = new Koa()
    failing.silent = true
    failing.use(() => {
      throw new Error('the handler failed')
    })
    const url = await listen(createServer(guardListener(failing.callback(), keys, { path })))
    const origin = 'https://app.example.com'
    const preflight = await fetch(`${url}/v1/track`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
    expect(preflight.status).toBe(204)
    const failed = await fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { origin, authorization: basic(key) },
      body: JSON.stringify(event),
    })
    expect(failed.status).toBe(500)
    expect(failed.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('is no pass for a guard of other keys, or of another type', async () => {
    const [outer, inner] = [await createKeys(), await createKeys()]
    const app = express()
    app.post(
      '/v1/track',
      onExpress.writeKeyAuth(outer.keys, { eventType: 'page' }),
      (_, res) => void res.json({}),
    )
    app.post('/v1/other', onExpress.writeKeyAuth(inner.keys), (_, res) => void res.json({}))
    const url = await listen(createServer(guardListener(app, outer.keys, { path })))
    const post = (target: string) =>
      fetch(url + target, {
        method: 'POST',
        headers: { authorization: basic(outer.key) },
        body: JSON.stringify(event),
      })
    expect((await post('/v1/track')).status).toBe(400)
    expect((await post('/v1/other')).status).toBe(401)
    // The other keys have refused what these have let through.
    await expect.poll(() => outer.told.map(({ type }) => type)).toEqual(['refused', 'accepted'])
  })

  it('believes nothing that other code puts on a request', async () => {
    const { keys, key } = await createKeys()
    let stolen: unknown
    const app = express()
    app.use((req, _, next) => {
      if (stolen !== undefined) Object.assign(req, { writeKey: stolen, body: { type: 'track' }, _body: true })
      next()
    })
    app.use('/v1', onExpress.writeKeyAuth(keys))
    app.post('/v1/track', (req, res) => {
      stolen = req.writeKey
      res.json({})
    })
    const url = await listen(createServer(app))
    const post = (authorization: string) =>
      fetch(`${url}/v1/track`, { method: 'POST', headers: { authorization }, body: JSON.stringify(event) })
    expect((await post(basic(key))).status).toBe(200)
    expect((await post(basic('sk_live_nonsense'))).status).toBe(401)
  })

  it('refuses settings that guard nothing', async () => {
    const { keys } = await createKeys()
    const listener = () => {}
    expect(() => guardListener(listener, keys, {} as never)).toThrow(/path must be a path such as/)
    expect(() => guardListener(listener, keys, undefined as never)).toThrow(/path must be a path such as/)
    expect(() => guardListener(listener, keys, { path, paht: 1 } as never)).toThrow(/paht/)
    expect(() => guardListener(undefined as never, keys, { path })).toThrow(/listener must be/)
    expect(() => guardServer({} as never, keys, { path })).toThrow(/server must be/)
    expect(() => writeKeyAuth(keys, { path } as never)).toThrow(/path/)
    expect(() => writeKeyOf(new Request('http://localhost'))).toThrow(/has not passed/)
  })
})
