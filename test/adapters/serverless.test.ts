import { configure } from '@codegenie/serverless-express'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import Koa from 'koa'
import serverlessHttp from 'serverless-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as forExpress from '../../adapters/express.ts'
import * as forFastify from '../../adapters/fastify.ts'
import * as forHono from '../../adapters/hono.ts'
import * as forKoa from '../../adapters/koa.ts'
import { guardListener } from '../../adapters/node.ts'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys, type RefusedEvent } from '../../src/index.ts'

const token = 'token-of-an-administrator-of-these-keys'
const refusals: RefusedEvent[] = []
const keys = createWriteKeys({
  store: createMemoryStore(),
  onEvent: (event) => event.type === 'refused' && refusals.push(event),
})
const api = createAdminApi(keys, { tokens: [{ name: 'ops', token, role: 'admin' }] })
let key: string
beforeAll(async () => {
  const created = await keys.create({ name: 'Web', sourceType: 'web', allowedOrigins: ['https://a.example'] })
  key = created.key
})
afterAll(() => keys.close())

function createExpressApp() {
  const app = express()
  app.use(forExpress.adminRoutes(api))
  app.use('/v1', forExpress.writeKeyAuth(keys))
  app.post('/v1/track', (req, res) => void res.json(req.body))
  return app
}

function createKoaApp() {
  const app = new Koa()
  app.silent = true
  app.use(forKoa.adminRoutes(api)).use(forKoa.writeKeyAuth(keys))
  return app.use((ctx) => {
    ctx.body = (ctx.request as { body?: unknown }).body
  })
}

/** Behind `guardListener`: nobody but the guard has completed the response. */
const echo = guardListener(
  (request, response) => void response.end(JSON.stringify((request as { body?: unknown }).body)),
  keys,
  { path: '/v1' },
)

function createFastifyApp() {
  const app = Fastify()
  app.register(forFastify.adminRoutes(api))
  app.register(async (ingest) => {
    ingest.register(forFastify.writeKeyAuth(keys))
    ingest.post('/v1/track', async (request) => forFastify.writeKeyOf(request).events[0])
  })
  return app
}

function createHonoApp() {
  const app = new Hono().use('/v1/*', forHono.writeKeyAuth(keys)).use(forHono.adminRoutes(api))
  return app.post('/v1/track', (c) => c.json(forHono.writeKeyOf(c).events[0]))
}

interface Answer {
  statusCode: number
  headers?: Record<string, string>
  multiValueHeaders?: Record<string, string[]>
  body: string
  isBase64Encoded?: boolean
}
type Handler = (event: object, context: object) => Promise<Answer>

// Their types are those of AWS's event sources, of which there are many.
const handlers = {
  'serverless-http, Express': serverlessHttp(createExpressApp()),
  'serverless-http, Koa': serverlessHttp(createKoaApp()),
  'serverless-http, Fastify': serverlessHttp(createFastifyApp() as never),
  'serverless-http, guardListener': serverlessHttp(echo),
  'serverless-express, Express': configure({ app: createExpressApp() }),
  'serverless-express, Koa': configure({ app: createKoaApp().callback() as never }),
  'serverless-express, guardListener': configure({ app: echo as never }),
  'hono/aws-lambda': handle(createHonoApp()),
} as unknown as Record<string, Handler>

interface Sent {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string
}

/** What an HTTP API of AWS hands to a function, format 2.0. */
function toEvent({ method = 'POST', path = '/v1/track', headers = {}, body }: Sent): object {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: { host: 'events.example', ...headers },
    requestContext: {
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '203.0.113.9' },
      domainName: 'events.example',
      stage: '$default',
    },
    body: body === undefined ? undefined : Buffer.from(body).toString('base64'),
    isBase64Encoded: body !== undefined,
  }
}

/** What a REST API or a load balancer hands to a function, format 1.0. */
function toOldEvent({ method = 'POST', path = '/v1/track', headers = {}, body }: Sent): object {
  const fields = { host: 'events.example', ...headers }
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: method,
    headers: fields,
    multiValueHeaders: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    requestContext: { httpMethod: method, path, identity: { sourceIp: '203.0.113.9' }, resourcePath: '/' },
    body: body ?? null,
    isBase64Encoded: false,
  }
}

const textOf = ({ body, isBase64Encoded }: Answer) =>
  isBase64Encoded === true ? Buffer.from(body, 'base64').toString() : body

describe.each(Object.entries(handlers))('on Lambda through %s', (name, handler) => {
  describe.each([
    ['2.0', toEvent],
    ['1.0', toOldEvent],
  ])('with events of format %s', (_, toLambdaEvent) => {
    const call = (sent: Sent) => handler(toLambdaEvent(sent), { awsRequestId: '1' })
    const basic = (secret: string) => ({ authorization: `Basic ${btoa(`${secret}:`)}` })
    const event = JSON.stringify({ event: 'Signed Up' })

    it('accepts events', async () => {
      const answer = await call({ headers: basic(key), body: event })
      expect([answer.statusCode, JSON.parse(textOf(answer))]).toEqual([200, { event: 'Signed Up' }])
    })

    it.each([
      ['short', event],
      ['long', JSON.stringify({ batch: Array.from({ length: 2_000 }, () => ({ event: 'x'.repeat(50) })) })],
    ])('refuses a wrong key with a %s body', async (_, body) => {
      const answer = await call({ headers: basic('sk_live_nonsense'), body })
      expect(answer.statusCode).toBe(401)
      const [type] = answer.multiValueHeaders?.['content-type'] ?? [answer.headers?.['content-type']]
      expect(type).toBe('application/problem+json')
      expect(JSON.parse(textOf(answer)).code).toBe('invalid_write_key')
    })

    it('refuses another origin', async () => {
      const headers = { ...basic(key), origin: 'https://b.example' }
      const answer = await call({ headers, body: event })
      expect([answer.statusCode, JSON.parse(textOf(answer)).code]).toEqual([403, 'origin_not_allowed'])
      expect(refusals.at(-1)).toMatchObject({ reason: 'origin_not_allowed' })
    })

    it('answers preflights', async () => {
      const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' }
      expect((await call({ method: 'OPTIONS', headers })).statusCode).toBe(204)
    })

    it.skipIf(name.includes('guardListener'))('serves the management API', async () => {
      const path = '/api/v1/events/write-keys'
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ name: 'iOS', source_type: 'mobile' })
      const created = await call({ path, headers, body })
      expect([created.statusCode, JSON.parse(textOf(created)).name]).toEqual([201, 'iOS'])
      const listed = await call({ method: 'GET', path, headers })
      expect(listed.statusCode).toBe(200)
      expect(JSON.parse(textOf(listed)).data.length).toBeGreaterThan(0)
    })
  })
})
