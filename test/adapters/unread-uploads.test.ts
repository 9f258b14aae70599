import { once } from 'node:events'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import express from 'express'
import Koa from 'koa'
import { describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as koaWriteKeyAuth } from '../../adapters/koa.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createAnswerReader, openSocket, toWire } from '../../src/testing/adapter/raw-http.ts'

const megabyte = 1_048_576
const upload = Buffer.alloc(50 * megabyte, 32)
/** What may be read of a body that nobody wants. */
const mostRead = 384 * 1_024

interface Upload {
  status: number
  body: string
}

/** Sends 50 MB with the clients people have, and gives the answer each of them sees. */
const clients: Record<string, (url: string, authorization: string) => Promise<Upload>> = {
  async fetch(url, authorization) {
    const response = await fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization },
      body: upload,
    })
    return { status: response.status, body: await response.text() }
  },

  async 'fetch of a stream'(url, authorization) {
    const piece = Buffer.alloc(65_536, 32)
    let left = upload.length / piece.length
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(piece)
        else controller.close()
      },
    })
    const init = { method: 'POST', headers: { authorization }, body, duplex: 'half' as const }
    const response = await fetch(`${url}/v1/track`, init)
    return { status: response.status, body: await response.text() }
  },

  'node:http'(url, authorization) {
    return new Promise((resolve, reject) => {
      const request = httpRequest(`${url}/v1/track`, {
        method: 'POST',
        headers: { authorization, 'content-length': upload.length },
      })
      request.on('response', async (response) => {
        resolve({ status: response.statusCode ?? 0, body: await text(response) })
        request.destroy()
      })
      request.on('error', reject)
      request.end(upload)
    })
  },

  async 'a socket that reads while it writes'(url, authorization) {
    const socket = await openSocket(url)
    const readAnswer = createAnswerReader(socket)
    const head = ['Host: localhost', `Authorization: ${authorization}`, `Content-Length: ${upload.length}`]
    socket.write(toWire('POST /v1/track HTTP/1.1', head))
    socket.write(upload)
    const { status, body } = await readAnswer()
    socket.destroy()
    return { status, body }
  },

  async 'a socket that reads half a second later'(url, authorization) {
    const socket = await openSocket(url)
    socket.pause()
    const head = ['Host: localhost', `Authorization: ${authorization}`, `Content-Length: ${upload.length}`]
    socket.write(toWire('POST /v1/track HTTP/1.1', head))
    socket.write(upload)
    await new Promise((resolve) => setTimeout(resolve, 500))
    const readAnswer = createAnswerReader(socket)
    socket.resume()
    const { status, body } = await readAnswer()
    socket.destroy()
    return { status, body }
  },
}

const apps: Record<string, (keys: WriteKeys) => Server> = {
  Express(keys) {
    const app = express().use('/v1', writeKeyAuth(keys))
    return createServer(app.use((_, res) => void res.json({ success: true })))
  },
  Koa(keys) {
    const app = new Koa().use(koaWriteKeyAuth(keys))
    app.use((ctx) => {
      ctx.body = { success: true }
    })
    return createServer(app.callback())
  },
}

async function startServer(createApp: (keys: WriteKeys) => Server) {
  const keys = createWriteKeys()
  const create = async (rateLimitEps: number | null) =>
    basic((await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps })).key)
  const good = await create(null)
  const limited = await create(0.001)
  const headers = { authorization: limited }
  expect((await keys.verify({ method: 'GET', path: '/', headers })).ok).toBe(true)
  const server = createApp(keys).listen(0, '127.0.0.1')
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket))
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorizations: { bad: basic('sk_live_nonsense'), good, limited },
    /** Waits until every connection is closed. */
    async bytesRead() {
      await Promise.all(sockets.map(async (socket) => socket.destroyed || once(socket, 'close')))
      return sockets.reduce((sum, socket) => sum + socket.bytesRead, 0)
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await keys.close()
    },
  }
}

describe.each(Object.entries(apps))('an upload that nobody reads, on %s', (_, createApp) => {
  describe.concurrent.each(Object.entries(clients))('sent by %s', (client, send) => {
    it.each([
      [401, 'a bad key', 'bad'],
      [413, 'a body too large', 'good'],
      [429, 'too many events', 'limited'],
    ] as const)('is answered with %d for %s, and hardly read', async (status, _, who) => {
      const { url, authorizations, bytesRead, close } = await startServer(createApp)
      const answer = await send(url, authorizations[who])
      expect(answer.status).toBe(status)
      expect(JSON.parse(answer.body).status).toBe(status)
      // Of a body without a length as much is read as might have been good.
      const wanted = status === 413 && client.endsWith('stream') ? 4_000_000 : 0
      const read = await bytesRead()
      expect(read).toBeGreaterThan(wanted)
      expect(read).toBeLessThan(wanted + mostRead)
      await close()
    })
  })

  async function startUpload(url: string, length: number) {
    const socket = await openSocket(url)
    const errors: Error[] = []
    socket.on('error', (error) => errors.push(error))
    const readAnswer = createAnswerReader(socket)
    const head = ['Host: localhost', 'Authorization: Basic junk', `Content-Length: ${length}`]
    socket.write(toWire('POST /v1/track HTTP/1.1', head))
    return { socket, errors, readAnswer }
  }

  it('is answered first, and then thrown away when it is short: the connection lives on', async () => {
    const { url, authorizations, close } = await startServer(createApp)
    const { socket, errors, readAnswer } = await startUpload(url, 65_536)
    const refused = await readAnswer()
    expect(refused).toMatchObject({ status: 401, headers: { connection: 'keep-alive' } })
    for (let piece = 0; piece < 4; piece++) socket.write(Buffer.alloc(16_384, 32))
    const head = ['Host: localhost', `Authorization: ${authorizations.good}`, 'Content-Length: 2']
    socket.write(toWire('POST /v1/track HTTP/1.1', head, '{}'))
    expect((await readAnswer()).status).toBe(200)
    expect(errors).toEqual([])
    socket.destroy()
    await close()
  })

  it('is read to its end when less than 64 KiB are left of it, and its connection closed in peace', async () => {
    const { url, close } = await startServer(createApp)
    const { socket, errors, readAnswer } = await startUpload(url, 100_000)
    socket.write(Buffer.alloc(40_000, 32))
    const refused = await readAnswer()
    expect(refused).toMatchObject({ status: 401, headers: { connection: 'close' } })
    const sentAt = performance.now()
    for (let piece = 0; piece < 4; piece++) socket.write(Buffer.alloc(15_000, 32))
    await once(socket, 'end')
    expect(performance.now() - sentAt).toBeLessThan(900)
    expect(errors).toEqual([])
    await close()
  })

  it.each([40_000, 99_999])(
    'of %d bytes does not hold its connection for ever when it stops',
    async (length) => {
      const { url, close } = await startServer(createApp)
      const { socket, readAnswer } = await startUpload(url, length)
      const { status } = await readAnswer()
      expect(status).toBe(401)
      const answeredAt = performance.now()
      await Promise.race([once(socket, 'end'), once(socket, 'close')])
      expect(performance.now() - answeredAt).toBeLessThan(3_000)
      await close()
    },
  )

  it('ends its connection when the client still waits for 100 Continue', async () => {
    const { url, close } = await startServer((keys) => {
      const server = createApp(keys)
      return server.on('checkContinue', (request, response) => server.emit('request', request, response))
    })
    const socket = await openSocket(url)
    const head = [
      'Host: localhost',
      'Authorization: Basic junk',
      'Content-Length: 20',
      'Expect: 100-continue',
    ]
    socket.write(toWire('POST /v1/track HTTP/1.1', head))
    expect(await createAnswerReader(socket)()).toMatchObject({
      status: 401,
      headers: { connection: 'close' },
    })
    socket.destroy()
    await close()
  })
})

describe('an HTTP/2 connection', () => {
  it('gets refusals without the header that HTTP/2 forbids', async () => {
    const keys = createWriteKeys()
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    const middleware = writeKeyAuth(keys)
    const server = createHttp2Server((req, res) =>
      middleware(req as never, res as never, () => res.end('handled')),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const stream = session.request({ ':method': 'POST', ':path': '/v1/track', authorization: 'Basic junk' })
    stream.end('{"event":"x"}')
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(401)
    expect(JSON.parse(await text(stream)).code).toBe('invalid_write_key')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect(warnings).toEqual([])
    session.close()
    server.close()
    await keys.close()
  })
})
