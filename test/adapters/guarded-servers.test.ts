import 'reflect-metadata'
import { EventEmitter, once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  Server,
  type ServerResponse,
} from 'node:http'
import { connect, createServer as createHttp2Server, createSecureServer, type Http2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import hapi from '@hapi/hapi'
import express from 'express'
import express4 from 'express4'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { guardListener, guardServer, writeKeyAuth } from '../../adapters/node.ts'
import { createWriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createKeys, event, listen, path } from './guarded-frameworks.ts'

describe('a guarded server', () => {
  /** Sends the head of a request that waits for 100 Continue, and tells what came before the body was sent. */
  async function ask(
    url: string,
    target: string,
    authorization: string,
    { expect = '100-continue', method = 'POST' } = {},
  ) {
    const request = httpRequest(url + target, {
      method,
      headers: { authorization, expect, 'content-type': 'application/json' },
    })
    let continued = 0
    request.on('continue', () => {
      continued++
      request.end(method === 'GET' ? undefined : JSON.stringify(event))
    })
    request.flushHeaders()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    request.destroy()
    return { status: response.statusCode, continued }
  }

  const answering: RequestListener = (_, response) => void response.end('{}')

  it('lets a client send its body only when it is going to be read', async () => {
    const { keys, key } = await createKeys()
    const url = await listen(guardServer(createServer(answering), keys, { path }))
    expect(await ask(url, '/v1/track', basic('sk_live_nonsense'))).toEqual({ status: 401, continued: 0 })
    expect(await ask(url, '/v1/track', basic(key))).toEqual({ status: 200, continued: 1 })
    expect(await ask(url, '/elsewhere', '')).toEqual({ status: 200, continued: 1 })
  })

  it.each([
    [['/v1'], ['/v2']],
    [['/v1'], ['/v2'], ['/v3']],
    [['/v1'], ['/v1', '/v2']],
  ])('asks each of its guards before a body is sent: %j', async (...paths) => {
    const server = createServer(answering)
    const guards = await Promise.all(paths.map(createKeys))
    const targets = paths.flatMap((path) => path.map((one) => `${one}/track`))
    paths.forEach((path, index) => {
      guardServer(server, (guards[index] as (typeof guards)[0]).keys, { path })
    })
    const url = await listen(server)
    for (const target of targets)
      expect(await ask(url, target, basic('sk_live_nonsense'))).toEqual({ status: 401, continued: 0 })
    const { key } = guards[0] as (typeof guards)[0]
    if (paths[1]?.length === 1)
      expect(await ask(url, '/v1/track', basic(key))).toEqual({ status: 200, continued: 1 })
    expect(await ask(url, '/elsewhere', '')).toEqual({ status: 200, continued: 1 })
  })

  it('asks a listener of the application once, behind two guards', async () => {
    const [one, other] = [await createKeys(), await createKeys()]
    const server = createServer(answering)
    let asked = 0
    guardServer(server, one.keys, { path: '/v1' })
    server.on('checkContinue', (_: IncomingMessage, response: ServerResponse) => {
      asked++
      response.writeHead(417).end()
    })
    guardServer(server, other.keys, { path: '/v2' })
    const url = await listen(server)
    expect(await ask(url, '/v1/track', basic('sk_live_nonsense'))).toEqual({ status: 401, continued: 0 })
    expect(await ask(url, '/v1/track', basic(one.key))).toEqual({ status: 417, continued: 1 })
    expect(asked).toBe(1)
  })

  it('leaves the word to a listener of the application, behind the guard', async () => {
    const { keys, key } = await createKeys()
    const asked: (string | undefined)[] = []
    const server = guardServer(createServer(answering), keys, { path })
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      asked.push(request.url)
      response.writeHead(417).end()
    })
    const url = await listen(server)
    expect(await ask(url, '/elsewhere', '')).toEqual({ status: 417, continued: 0 })
    expect(await ask(url, '/v1/track', basic('sk_live_nonsense'))).toEqual({ status: 401, continued: 0 })
    expect(await ask(url, '/v1/track', basic(key))).toEqual({ status: 417, continued: 1 })
    expect(asked).toEqual(['/elsewhere', '/v1/track'])
  })

  /** As Node's documentation has it. */
  function continueItself(server: Server): Server {
    return server.on('checkContinue', (request, response) => {
      response.writeContinue()
      server.emit('request', request, response)
    })
  }

  it.each([
    ['a listener of checkContinue', () => continueItself(createServer(answering))],
    [
      'Hapi',
      async () => {
        const app = hapi.server()
        app.route({ method: 'POST', path: '/{any*}', handler: () => '{}' })
        await app.initialize()
        return app.listener as Server
      },
    ],
  ])('and %s tell a client to continue once between them', async (_, create) => {
    const { keys, key } = await createKeys()
    const url = await listen(guardServer(await create(), keys, { path }))
    expect(await ask(url, '/v1/track', 'Basic junk')).toEqual({ status: 401, continued: 0 })
    expect(await ask(url, '/v1/track', basic(key))).toEqual({ status: 200, continued: 1 })
    expect(await ask(url, '/elsewhere', '')).toEqual({ status: 200, continued: 1 })
  })

  it('and a listener that continues late, and waits until that is sent, do so once between them', async () => {
    const { keys, key } = await createKeys()
    const server = createServer()
    guardServer(server, keys, { path })
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      response.writeContinue(() => answering.call(server, request, response as never))
    })
    const url = await listen(server)
    expect(await ask(url, '/v1/track', basic(key))).toEqual({ status: 200, continued: 1 })
    expect(await ask(url, '/elsewhere', '')).toEqual({ status: 200, continued: 1 })
  })

  it('lets a client continue that expects more than that', async () => {
    const { keys, key } = await createKeys()
    const url = await listen(guardServer(createServer(answering), keys, { path }))
    expect(await ask(url, '/v1/track', basic(key), { expect: '100-continue, x' })).toEqual({
      status: 200,
      continued: 1,
    })
  })

  it('leaves a client to the listener where it has read no body', async () => {
    const { keys, key } = await createKeys()
    const url = await listen(guardServer(continueItself(createServer(answering)), keys, { path }))
    expect(await ask(url, '/v1/track', basic(key), { method: 'GET' })).toEqual({ status: 200, continued: 1 })
  })

  it.each(['guardServer', 'guardListener', 'writeKeyAuth'])(
    'lets a handler behind %s throw the body away, and wait for its end',
    async (name) => {
      const { keys, key } = await createKeys()
      const handler: RequestListener = (request, response) => {
        request.on('end', () => response.end('{}')).resume()
      }
      const auth = writeKeyAuth(keys)
      const server =
        name === 'guardServer'
          ? guardServer(createServer(handler), keys, { path })
          : createServer(
              name === 'guardListener'
                ? guardListener(handler, keys, { path })
                : (request, response) => auth(request, response, () => handler(request, response)),
            )
      const headers = { authorization: basic(key) }
      const url = `${await listen(server)}/v1/track`
      expect((await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })).status).toBe(200)
    },
  )

  it('guards listeners that are added later, and once for each of its guards', async () => {
    const { keys, key, told } = await createKeys()
    const server = createServer()
    guardServer(server, keys, { path: '/v1' })
    guardServer(server, keys, { path: ['/v1', '/v2'] })
    server.on('request', answering)
    const url = await listen(server)
    const post = (target: string, authorization: string) =>
      fetch(url + target, { method: 'POST', headers: { authorization }, body: JSON.stringify(event) })
    expect((await post('/v1/track', basic(key))).status).toBe(200)
    expect((await post('/v2/track', '')).status).toBe(401)
    expect((await post('/v3', '')).status).toBe(200)
    expect(told).toMatchObject([{ type: 'accepted' }, { type: 'refused' }])
    expect(await ask(url, '/v1/track', basic(key))).toEqual({ status: 200, continued: 1 })
  })

  it('leaves upgrades to those who take them', async () => {
    const { keys, told } = await createKeys()
    const server = guardServer(createServer(answering), keys, { path })
    server.on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
    })
    const url = await listen(server)
    const request = httpRequest(`${url}/v1/live`, {
      headers: { connection: 'upgrade', upgrade: 'websocket' },
    })
    request.end()
    const [response] = (await once(request, 'upgrade')) as [IncomingMessage]
    expect(response.statusCode).toBe(101)
    expect(told).toEqual([])
  })

  it.each([
    ['', () => {}],
    [
      ', in front of a listener of checkContinue',
      (server: Http2Server) =>
        server.on('checkContinue', (request, response) => {
          expect(response.writeContinue()).toBe(true)
          server.emit('request', request, response)
        }),
    ],
  ])('guards HTTP/2 as well%s', async (_, listenTo) => {
    const { keys, key, told } = await createKeys()
    const server = createHttp2Server()
    guardServer(server, keys, { path })
    listenTo(server)
    server.on('request', (request, response) => {
      let text = ''
      request.on('data', (chunk) => {
        text += chunk
      })
      request.on('end', () => {
        response.setHeader('content-type', 'application/json')
        response.end(text)
      })
    })
    const client = connect(await listen(server))
    onTestFinished(async () => void (await client.close()))

    async function send(headers: Record<string, string>, body = JSON.stringify(event)) {
      const stream = client.request({ ':method': 'POST', ...headers })
      let continued = 0
      stream.on('continue', () => {
        continued++
        stream.end(body)
      })
      if (headers.expect === undefined) stream.end(body)
      const [answer] = (await once(stream, 'response')) as [Record<string, unknown>]
      let text = ''
      for await (const chunk of stream) text += chunk
      return { status: answer[':status'], continued, text }
    }

    const authorization = basic(key)
    const echoed = JSON.stringify(event)
    expect(await send({ ':path': '/v1/track', authorization })).toEqual({
      status: 200,
      continued: 0,
      text: echoed,
    })
    expect(await send({ ':path': '/v1/track', authorization, expect: '100-continue' })).toEqual({
      status: 200,
      continued: 1,
      text: echoed,
    })
    expect(await send({ ':path': '/v1/track' })).toMatchObject({ status: 401 })
    expect(await send({ ':path': '/echo' }, 'as it was')).toMatchObject({ status: 200, text: 'as it was' })
    expect(told.map(({ type }) => type)).toEqual(['accepted', 'accepted', 'refused'])
  })

  const keys = createWriteKeys({ logger: false })
  const expected = 'server must be an HTTP server, such as createServer(…) or app.listen(…) returns'

  it.each([
    ['an app of Express 5', express(), 'this is a listener: use guardListener(app, keys, { path }).'],
    ['an app of Express 4', express4(), 'this is a listener: use guardListener(app, keys, { path }).'],
    ['an app of Koa', new Koa(), 'this is an app: use guardListener(app.callback(), keys, { path }).'],
    ['a plain emitter', new EventEmitter(), 'received an object of class EventEmitter.'],
    ['a server without HTTP', createTcpServer(), 'received an object of class Server.'],
    ['nothing', undefined, 'received nothing.'],
  ])('is not %s, which would be guarded by nothing', (_, app, problem) => {
    expect(() => guardServer(app as Server, keys, { path })).toThrow(
      expect.objectContaining({ name: 'ConfigError', option: 'server', message: `${expected}; ${problem}` }),
    )
  })

  it('is any of HTTP, with TLS or without, and one of a subclass', () => {
    class OwnServer extends Server {}
    const servers = [
      createServer(),
      createHttpsServer(),
      createHttp2Server(),
      createSecureServer(),
      new OwnServer(),
    ]
    for (const server of servers) expect(guardServer(server, keys, { path })).toBe(server)
  })

  it('is not an app for TypeScript either', () => {
    // @ts-expect-error An app of Express emits events, and is no server.
    expect(() => guardServer(express(), keys, { path })).toThrow(expected)
    // @ts-expect-error
    expect(() => guardServer(new Koa(), keys, { path })).toThrow(expected)
  })
})
