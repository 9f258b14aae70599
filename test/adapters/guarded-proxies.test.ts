import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { fixRequestBody } from 'http-proxy-middleware'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { startedServers } from '../listening-servers.ts'

const { createProxyMiddleware } = createRequire(import.meta.url)(
  'http-proxy-middleware',
) as typeof import('http-proxy-middleware')

const event = { type: 'track', event: 'Signed Up', userId: '42' }
const { closing, listen, closeAll } = startedServers()
afterEach(closeAll)

/** A server further in that answers with what it was sent. */
const startUpstream = () =>
  listen(
    createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += chunk
      const { 'content-length': length, 'content-encoding': coding = 'none' } = request.headers
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ text, coding, isWhole: length === String(Buffer.byteLength(text)) }))
    }),
  )

/** What reads the request behind the guard, instead of its `body`. */
const readers: Record<string, (target: string) => RequestListener> = {
  'http-proxy-middleware': (target) => {
    const proxy = createProxyMiddleware({ target })
    return (request, response) => void proxy(request, response, () => {})
  },
  'http-proxy-middleware with fixRequestBody': (target) => {
    const proxy = createProxyMiddleware({ target, on: { proxyReq: fixRequestBody } })
    return (request, response) => void proxy(request, response, () => {})
  },
  'http-proxy-middleware in Express': (target) => express().use(createProxyMiddleware({ target })),
  'http-proxy-middleware with fixRequestBody in Express behind a parser': (target) =>
    express()
      .use(express.json({ limit: 10 }))
      .use(createProxyMiddleware({ target, on: { proxyReq: fixRequestBody } })),
  'http-proxy-middleware in Express behind a parser and a logger of bodies': (target) =>
    express()
      .use(express.json({ limit: 10 }))
      .use((req, _, next) => next(req.body === undefined ? new Error('no body to log') : undefined))
      .use(createProxyMiddleware({ target })),
  'a handler of Express that pipes': (target) =>
    express().use((req, res) => {
      const { method, url: path, headers } = req
      req.pipe(httpRequest(target, { method, path, headers }, (answer) => answer.pipe(res.type('json'))))
    }),
  'http-proxy-middleware in Koa': (target) => {
    const proxy = createProxyMiddleware({ target })
    const app = new Koa()
    app.use((ctx) => {
      ctx.respond = false
      return proxy(ctx.req, ctx.res, () => {})
    })
    return app.callback()
  },
  // It makes its headers of those that were sent, so they tell about the body as it was sent.
  '@hono/node-server': () =>
    getRequestListener(async (request) =>
      Response.json({ text: await request.text(), coding: 'none', isWhole: true }),
    ) as RequestListener,
}

describe.each(Object.entries(readers))('%s, behind a guard', (_, createListener) => {
  it.each([
    ['JSON', {}, JSON.stringify(event)],
    ['gzip', { 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(event))],
    ['a large batch', {}, JSON.stringify({ batch: [{ ...event, text: 'x'.repeat(300_000) }] })],
  ])('is sent %s once, and whole', async (_, headers, body) => {
    const keys = createWriteKeys()
    closing.push(() => keys.close())
    const { key } = await keys.create({ name: 'Web App', sourceType: 'web' })
    const listener = createListener(await startUpstream())
    const url = await listen(createServer(guardListener(listener, keys, { path: '/v1' })))
    const answer = await fetch(`${url}/v1/${body.length > 10_000 ? 'batch' : 'track'}`, {
      method: 'POST',
      headers: { authorization: basic(key), 'content-type': 'application/json', ...headers },
      body,
      signal: AbortSignal.timeout(10_000),
    })
    const text = typeof body === 'string' ? body : JSON.stringify(event)
    expect(await answer.json()).toEqual({ text, coding: 'none', isWhole: true })
  })
})
