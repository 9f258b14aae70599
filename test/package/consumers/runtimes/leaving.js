// Run by Node, Bun and Deno: a server whose clients leave, see leaving-clients.js. It prints its port and a key, and then
// a line for each request that reaches the application. It ends once standard input does.
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { createWriteKeys } from 'writekey'
import * as forExpress from 'writekey/express'
import * as forFastify from 'writekey/fastify'
import * as forFetch from 'writekey/fetch'
import * as forHono from 'writekey/hono'
import * as forKoa from 'writekey/koa'
import * as forNode from 'writekey/node'
import { serveWeb } from './serve-web.js'

// A key in the body: a guard must read it before it can refuse.
const keys = createWriteKeys({ credentials: ['basic', 'body'] })
const { key } = await keys.create({ name: 'Web', sourceType: 'web' })

const later = () => new Promise((resolve) => setTimeout(resolve, 50))

/** Answers late, or in two parts, so that clients can leave before and in between. */
async function answer(response, { events: [{ event }] }) {
  console.log('{"handled":true}')
  if (event === 'late') await later()
  response.writeHead(200, { 'content-type': 'text/plain' })
  if (event === 'parts') {
    response.write('x'.repeat(100_000))
    await later()
  }
  response.end('done')
}

async function answerWeb({ events: [{ event }] }) {
  console.log('{"handled":true}')
  if (event === 'late') await later()
  const parts = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode('x'.repeat(100_000)))
      await later()
      try {
        controller.close()
      } catch {
        // The client has left.
      }
    },
  })
  return new Response(event === 'parts' ? parts : 'done')
}

async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server.address().port
}

const auth = forNode.writeKeyAuth(keys)
const handle = (request, response) => answer(response, forNode.writeKeyOf(request))
const listener = (request, response) => auth(request, response, () => handle(request, response))

const starts = {
  node: () => listen(createServer(listener)),
  http2: () => listen(createHttp2Server(listener)),
  guardListener: () => listen(createServer(forNode.guardListener(handle, keys, { path: '/v1' }))),
  express() {
    const app = express()
    app.use('/v1', forExpress.writeKeyAuth(keys))
    app.post('/v1/track', (req, res) => answer(res, forExpress.writeKeyOf(req)))
    return listen(createServer(app))
  },
  koa() {
    const app = new Koa()
    app.use(forKoa.writeKeyAuth(keys))
    app.use(async (ctx) => {
      ctx.respond = false
      await answer(ctx.res, forKoa.writeKeyOf(ctx))
    })
    return listen(createServer(app.callback()))
  },
  async fastify() {
    const app = Fastify()
    app.register(
      async (scope) => {
        scope.register(forFastify.writeKeyAuth(keys))
        scope.post('/track', async (request, reply) => {
          reply.hijack()
          await answer(reply.raw, forFastify.writeKeyOf(request))
        })
      },
      { prefix: '/v1' },
    )
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server.address().port
  },
  async fetch() {
    const auth = forFetch.writeKeyAuth(keys)
    return (await serveWeb((request) => auth(request, answerWeb))).port
  },
  async hono() {
    const app = new Hono()
    app.use('/v1/*', forHono.writeKeyAuth(keys))
    app.post('/v1/track', (c) => answerWeb(forHono.writeKeyOf(c)))
    return (await serveWeb((request) => app.fetch(request))).port
  },
}

const port = await starts[process.argv[2]]()
console.log(JSON.stringify({ port, key }))
process.stdin.on('end', () => process.exit(0)).resume()
