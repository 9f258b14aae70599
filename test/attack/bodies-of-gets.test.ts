import { once } from 'node:events'
import { request } from 'node:http'
import express5 from 'express'
import express4 from 'express4'
import Fastify from 'fastify'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as fastifyWriteKeyAuth } from '../../adapters/fastify.ts'
import { writeKeyAuth as koaWriteKeyAuth } from '../../adapters/koa.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { load } from '../neighbours/neighbour.ts'
import { serve } from '../neighbours/served.ts'

/** Serves whatever gets through; `handled` takes the body that its handler sees. */
type Start = (keys: WriteKeys, handled: unknown[]) => Promise<string>

const everything = { type: () => true }

function onExpress(express: typeof express5, front: () => unknown[]): Start {
  return async (keys, handled) => {
    const app = express()
    app.use(...(front() as express5.RequestHandler[]), writeKeyAuth(keys))
    app.use((req, res) => {
      handled.push(req.body)
      res.json({})
    })
    return served(app)
  }
}

function onKoa(front: () => unknown): Start {
  return async (keys, handled) => {
    const app = new Koa()
    app.use(front() as Koa.Middleware).use(koaWriteKeyAuth(keys))
    app.use((ctx) => {
      handled.push((ctx.request as { body?: unknown }).body)
      ctx.body = {}
    })
    return served(app.callback())
  }
}

const onFastify: Start = async (keys, handled) => {
  const app = Fastify({ exposeHeadRoutes: false })
  onTestFinished(() => app.close())
  for (const method of ['GET', 'HEAD']) app.addHttpMethod(method, { hasBody: true, overrideExisting: true })
  app.register(fastifyWriteKeyAuth(keys))
  app.route({
    method: ['GET', 'HEAD', 'POST'],
    url: '/v1/track',
    async handler({ body }) {
      handled.push(body)
      return {}
    },
  })
  return app.listen({ host: '127.0.0.1', port: 0 })
}

async function served(listener: Parameters<typeof serve>[0]): Promise<string> {
  const { url, close } = await serve(listener)
  onTestFinished(close)
  return url
}

/** Inflated and unpacked in front, with headers that say nothing of a body any more. */
const withoutHeaders: express5.RequestHandler = (req, _res, next) => {
  delete req.headers['content-length']
  delete req.headers['transfer-encoding']
  next()
}
const overriding = () => load('method-override')('X-HTTP-Method-Override')
const methods = ['GET', 'HEAD', 'POST']

const apps: Record<string, Start> = {
  'Express 5, JSON': onExpress(express5, () => [express5.json(everything)]),
  'Express 5, text': onExpress(express5, () => [express5.text(everything)]),
  'Express 5, bytes': onExpress(express5, () => [express5.raw(everything)]),
  'Express 5, a form': onExpress(express5, () => [express5.urlencoded({ ...everything, extended: true })]),
  'Express 5, JSON and no headers': onExpress(express5, () => [express5.json(everything), withoutHeaders]),
  'Express 5, method-override': onExpress(express5, () => [overriding(), express5.json(everything)]),
  'Express 4, JSON': onExpress(express4 as never, () => [express4.json(everything)]),
  'Express 4, method-override behind': onExpress(express4 as never, () => [
    express4.json(everything),
    overriding(),
  ]),
  'Koa, koa-body': onKoa(() => load('koa-body').koaBody({ parsedMethods: methods })),
  'Koa, @koa/bodyparser': onKoa(() => load('@koa/bodyparser').bodyParser({ parsedMethods: methods })),
  Fastify: onFastify,
}

const batch = JSON.stringify(Array.from({ length: 100 }, () => ({ type: 'identify', userId: 'u' })))

async function send(url: string, key: string, method: string, body: string, headers: object) {
  const sent = request(`${url}/v1/track`, {
    method,
    headers: {
      authorization: basic(key),
      ...(body !== '' && { 'content-type': 'application/json' }),
      ...headers,
    },
  })
  sent.end(body)
  const [response] = await once(sent, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, code: text === '' ? undefined : JSON.parse(text).code }
}

describe.each(Object.entries(apps))(
  'a parser that reads the bodies of GETs too, in front: %s',
  (_, start) => {
    it('hands no handler a body that nobody has judged', async () => {
      const keys = createWriteKeys()
      onTestFinished(() => keys.close())
      const handled: unknown[] = []
      const url = await start(keys, handled)
      const { key } = await keys.create({ name: 'Web', sourceType: 'web', allowedEventTypes: ['track'] })
      for (const headers of [{ 'content-length': batch.length }, { 'transfer-encoding': 'chunked' }]) {
        expect(await send(url, key, 'GET', batch, headers)).toEqual({ status: 400, code: 'unexpected_body' })
        expect(await send(url, key, 'HEAD', batch, headers)).toMatchObject({ status: 400 })
      }
      // A POST that is made a GET, where method-override is; elsewhere a batch of another type than the key may send.
      for (const method of ['GET', 'HEAD']) {
        const overridden = { 'x-http-method-override': method, 'content-length': batch.length }
        expect((await send(url, key, 'POST', batch, overridden)).status).not.toBe(200)
      }
      expect(handled).toEqual([])
      expect((await send(url, key, 'GET', '', {})).status).toBe(200)
      expect(handled).toHaveLength(1)
    })
  },
)
