import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import { guardListener, guardServer } from '../../adapters/node.ts'
import { createWriteKeys } from '../../src/index.ts'
import {
  type AdapterConfig,
  type AdapterServer,
  adapterContract,
  type Handled,
} from '../contract/adapter-contract.ts'
import { startServer } from './started-server.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Answers as every handler of the contract does, past whatever framework there is. */
function createHandler({ adapter, handlerThrows }: AdapterConfig, handled: Handled[]): Listener {
  return function handle(request, response) {
    const { id, events } = Reflect.get(request, adapter.requestProperty ?? 'writeKey')
    handled.push({ writeKeyId: id, events, body: Reflect.get(request, 'body') })
    response.statusCode = handlerThrows ? 500 : 200
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.end(JSON.stringify({ success: true, accepted: events.length }))
  }
}

/** A framework's listener, made of its own JSON parser, if there is to be one, and the handler. */
const frameworks: Record<string, (handler: Listener, parsesBody: boolean) => Listener> = {
  'node:http': (handler) => handler,
  Express(handler, parsesBody) {
    const app = express()
    if (parsesBody) app.use(express.json())
    return app.use(handler)
  },
  Koa(handler) {
    const app = new Koa()
    app.use((ctx) => {
      ctx.respond = false
      handler(ctx.req, ctx.res)
    })
    return app.callback()
  },
}

/** The guard stands in front of the framework, so its own parser comes behind: nothing ahead of the guard parses. */
function start(createListener: (typeof frameworks)[string]) {
  return async function startGuarded(config: AdapterConfig): Promise<AdapterServer> {
    const keys = createWriteKeys(config.options)
    const handled: Handled[] = []
    const options = { ...config.adapter, path: '/v1' }
    const listener = createListener(createHandler(config, handled), config.parsesBody)
    const server = createServer(guardListener(listener, keys, options))
    return startServer(config.mountedTwice ? guardServer(server, keys, options) : server, keys, handled)
  }
}

async function startFastify(config: AdapterConfig): Promise<AdapterServer> {
  const keys = createWriteKeys(config.options)
  const handled: Handled[] = []
  const handle = createHandler(config, handled)
  const options = { ...config.adapter, path: '/v1' }
  const app = Fastify({
    // Its JSON parser refuses `constructor` otherwise.
    onConstructorPoisoning: 'ignore',
    serverFactory(listener) {
      const server = createServer(guardListener(listener, keys, options))
      return config.mountedTwice ? guardServer(server, keys, options) : server
    },
  })
  app.all('/*', (request, reply) => {
    Reflect.set(request.raw, 'body', request.body)
    reply.hijack()
    handle(request.raw, reply.raw)
  })
  await app.ready()
  return startServer(app.server, keys, handled, () => app.close())
}

adapterContract('Fastify behind guardListener', startFastify)

for (const [name, createListener] of Object.entries(frameworks))
  adapterContract(`${name} behind guardListener`, start(createListener))
