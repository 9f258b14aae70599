import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as ofExpress from '../../adapters/express.ts'
import * as ofFastify from '../../adapters/fastify.ts'
import * as ofHono from '../../adapters/hono.ts'
import * as ofKoa from '../../adapters/koa.ts'
import { guardListener } from '../../adapters/node.ts'
import { type CreateKeyInput, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

/** What an application asks a database for, before its guard. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

type Serve = (keys: WriteKeys, handled: () => void) => Server | Promise<Server>

const servers: Record<string, Serve> = {
  Express(keys, handled) {
    const app = express()
    app.use('/v1', ofExpress.writeKeyAuth(keys))
    app.post('/v1/track', (_, response) => {
      handled()
      response.json({})
    })
    return createServer(app)
  },
  Koa(keys, handled) {
    const app = new Koa()
    app.use(ofKoa.writeKeyAuth(keys))
    app.use((ctx) => {
      handled()
      ctx.body = {}
    })
    return createServer(app.callback())
  },
  async Fastify(keys, handled) {
    const app = fastify()
    app.register(ofFastify.writeKeyAuth(keys))
    app.post('/v1/track', async () => {
      handled()
      return {}
    })
    await app.ready()
    return app.server
  },
  Hono(keys, handled) {
    const app = new Hono()
    app.use('/v1/*', ofHono.writeKeyAuth(keys, { ip: (c) => getConnInfo(c).remote.address }))
    app.post('/v1/track', (c) => {
      handled()
      return c.json({})
    })
    return createAdaptorServer({ fetch: app.fetch }) as Server
  },
  'Express, once somebody has been asked': (keys, handled) => {
    const app = express()
    app.use(
      '/v1',
      express.json({ type: '*/*' }),
      (_request, _response, next) => void pause().then(() => next()),
    )
    app.use('/v1', ofExpress.writeKeyAuth(keys))
    app.post('/v1/track', (_, response) => {
      handled()
      response.json({})
    })
    return createServer(app)
  },
  'node:http': (keys, handled) =>
    createServer(
      guardListener(
        (_, response) => {
          handled()
          response.end('{}')
        },
        keys,
        { path: '/v1' },
      ),
    ),
  'endpoints of its own': (keys, handled) =>
    createServer(express().use(ofExpress.ingestRoutes(createIngestApi(keys, { onEvents: handled })))),
}

async function start(serve: Serve, rules: Partial<CreateKeyInput>) {
  const refusals: string[] = []
  let handled = 0
  const keys = createWriteKeys({
    logger: false,
    onEvent: (event) => {
      if (event.type === 'refused') refusals.push(event.reason)
    },
  })
  const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web', ...rules })
  const server = await serve(keys, () => handled++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await keys.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    refusals,
    handled: () => handled,
    acceptedTotal: async () => (await keys.usage(writeKey.id)).acceptedTotal,
    send: (leave: 'reset' | 'wait') => sendOn(port, key, leave),
  }
}

/** One event on a connection of its own. Whoever resets it does not wait for the answer. */
async function sendOn(port: number, key: string, leave: 'reset' | 'wait'): Promise<void> {
  const body = '{"type":"track","event":"Seen"}'
  const head = `POST /v1/track HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic(key)}\r\nContent-Length: ${body.length}\r\n\r\n`
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.on('data', () => socket.destroy())
  socket.write(head + body, () => {
    if (leave === 'reset') socket.resetAndDestroy()
  })
  await once(socket, 'close')
}

describe.each(Object.entries(servers))('a sender that resets its connections to %s', (_, serve) => {
  it('has no more events handled than its share', async () => {
    const { send, handled, acceptedTotal } = await start(serve, {
      rateLimitEps: 1_000,
      senderRateLimitEps: 1,
    })
    for (let sent = 0; sent < 40; sent++) await send('reset')
    // Whoever waits is answered after those who came before.
    await send('wait')
    expect(handled()).toBeLessThanOrEqual(1)
    expect(await acceptedTotal()).toBe(handled())
  })

  it('is not said to have an address that may not send', async () => {
    const { send, refusals, handled } = await start(serve, { allowedIps: ['127.0.0.0/8'] })
    for (let sent = 0; sent < 10; sent++) await send('reset')
    await send('wait')
    expect(handled()).toBeGreaterThanOrEqual(1)
    expect(refusals.filter((reason) => reason !== 'client_aborted')).toEqual([])
  })
})
