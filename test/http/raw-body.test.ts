import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerRequest,
} from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type BodyStream, createBodyReader } from '../../src/http/raw-body.ts'

const EVENTS = ['data', 'end', 'error', 'close', 'aborted', 'readable']
const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** As streams are from Node 26 on, and in Deno: without a number, `read` hands out one piece of what has arrived. */
class OnePieceAtATime extends PassThrough {
  readonly pieces: number[] = []

  override read(bytes?: number): unknown {
    return super.read(bytes ?? this.pieces.shift())
  }
}

it('reads all of a body that has arrived in several pieces, whatever read() gives', async () => {
  const pieces = [Buffer.alloc(70_000, 'a'), Buffer.alloc(5, 'b'), Buffer.alloc(30_000, 'c')]
  const whole = Buffer.concat(pieces)
  const stream = new OnePieceAtATime({ highWaterMark: 1_000_000 })
  const request = Object.assign(stream, {
    headers: { 'content-length': String(whole.length) },
    complete: true,
  })
  for (const piece of pieces) {
    request.write(piece)
    request.pieces.push(piece.length)
  }
  request.end()
  expect(request.readableLength).toBe(whole.length)
  expect(await createBodyReader(request as unknown as BodyStream)(1_000_000)).toEqual(whole)
})

type Outcome = { bytes: Uint8Array | string | null } | { error: unknown }

/** A server that reads each body up to `maxBytes` and hands over what came of it. */
async function startReader(
  maxBytes: number,
  before: (request: IncomingMessage) => Promise<void> | void = () => {},
) {
  const outcomes: Outcome[] = []
  const requests: IncomingMessage[] = []
  const listenersLeft: number[] = []
  const didRead: boolean[] = []
  let notify = () => {}
  const server: Server = createServer(async (request, response) => {
    requests.push(request)
    const already = countListeners(request)
    await before(request)
    try {
      const bytes = await createBodyReader(request)(maxBytes)
      didRead.push(request.readableDidRead)
      outcomes.push({ bytes })
      response.writeHead(bytes === null ? 413 : 200, bytes === null ? { connection: 'close' } : {})
      response.end(String(bytes?.length))
    } catch (error) {
      outcomes.push({ error })
      response.destroy()
    }
    listenersLeft.push(countListeners(request) - already)
    notify()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    outcomes,
    requests,
    listenersLeft,
    didRead,
    async outcome(index = 0): Promise<Outcome> {
      while (outcomes.length <= index) await new Promise<void>((resolve) => (notify = resolve))
      return outcomes[index] as Outcome
    },
  }
}

function countListeners(stream: NodeJS.EventEmitter): number {
  return EVENTS.reduce((sum, event) => sum + stream.listenerCount(event), 0)
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  closers.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function post(port: number, body: Buffer | string, headers: Record<string, string> = {}) {
  const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.statusCode
}

const aborted = { error: expect.objectContaining({ code: 'client_aborted' }) }

describe('createBodyReader', () => {
  it.each([0, 1, 999, 1000])('reads a body of %d bytes within a limit of 1000', async (length) => {
    const reader = await startReader(1000)
    expect(await post(reader.port, Buffer.alloc(length, 'a'))).toBe(200)
    expect(await reader.outcome()).toEqual({ bytes: Buffer.alloc(length, 'a') })
    expect(reader.listenersLeft).toEqual([0])
  })

  it('puts many chunks together in order', async () => {
    const reader = await startReader(1000)
    const socket = await openSocket(reader.port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (const chunk of ['{"a"', ':"é', '"}']) {
      socket.write(`${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`)
      await sleep(5)
    }
    socket.write('0\r\n\r\n')
    expect(await reader.outcome()).toEqual({ bytes: Buffer.from('{"a":"é"}') })
  })

  it('reads a slow body byte by byte', async () => {
    const reader = await startReader(100)
    const socket = await openSocket(reader.port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n')
    for (let i = 0; i < 20; i++) {
      socket.write('x')
      await sleep(2)
    }
    expect(await reader.outcome()).toEqual({ bytes: Buffer.alloc(20, 'x') })
    expect(reader.listenersLeft).toEqual([0])
  })

  it('reads nothing when Content-Length is above the limit', async () => {
    const reader = await startReader(1000)
    expect(await post(reader.port, Buffer.alloc(1001))).toBe(413)
    expect(await reader.outcome()).toEqual({ bytes: null })
    expect(reader.didRead).toEqual([false])
    expect(reader.listenersLeft).toEqual([0])
  })

  it('stops reading a chunked body soon after the limit', async () => {
    const maxBytes = 100_000
    const reader = await startReader(maxBytes)
    const socket = await openSocket(reader.port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`)
    for (let i = 0; i < 800 && !socket.destroyed; i++) if (!socket.write(chunk)) await sleep(0)
    expect(await reader.outcome()).toEqual({ bytes: null })
    expect(reader.listenersLeft).toEqual([0])
    const { socket: serverSocket } = reader.requests[0] as IncomingMessage
    expect(serverSocket.bytesRead).toBeLessThan(maxBytes + 256 * 1024)
  })

  it('refuses a 50 MB upload without taking it in', async () => {
    const reader = await startReader(512_000)
    const socket = await openSocket(reader.port)
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${50 * 1024 * 1024}\r\n\r\n`)
    socket.write(Buffer.alloc(50 * 1024 * 1024))
    expect(await reader.outcome()).toEqual({ bytes: null })
    await sleep(50)
    expect(reader.requests[0]?.socket.bytesRead).toBeLessThan(512 * 1024)
  })

  it('rejects when the client goes away in the middle of the body', async () => {
    const reader = await startReader(1000)
    const socket = await openSocket(reader.port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{"half":')
    await sleep(20)
    socket.destroy()
    expect(await reader.outcome()).toEqual(aborted)
    expect(reader.listenersLeft).toEqual([0])
  })

  it('rejects when the client resets the connection', async () => {
    const reader = await startReader(1000)
    const socket = await openSocket(reader.port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"ha\r\n')
    await sleep(20)
    socket.resetAndDestroy()
    expect(await reader.outcome()).toEqual(aborted)
  })

  it('rejects when Content-Length promises more than comes', async () => {
    const reader = await startReader(1000)
    const socket = await openSocket(reader.port)
    socket.end('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{"a":1}')
    expect(await reader.outcome()).toEqual(aborted)
  })

  it('takes no more than Content-Length promises', async () => {
    const reader = await startReader(1000)
    const socket = await openSocket(reader.port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}garbage\r\n\r\n')
    expect(await reader.outcome()).toEqual({ bytes: Buffer.from('{}') })
  })

  it('rejects when the client had gone before the reading began', async () => {
    const reader = await startReader(1000, async (request) => {
      await new Promise((resolve) => request.on('close', resolve))
    })
    const socket = await openSocket(reader.port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n')
    await sleep(20)
    socket.destroy()
    expect(await reader.outcome()).toEqual(aborted)
  })

  it('gives no bytes, and does not hang, when somebody has read the stream to its end', async () => {
    const reader = await startReader(1000, async (request) => {
      request.resume()
      await once(request, 'end')
    })
    await post(reader.port, 'gone')
    expect(await reader.outcome()).toEqual({ bytes: Buffer.alloc(0) })
  })

  it('raises no unhandled error when the client goes away after an overflow', async () => {
    const reader = await startReader(10)
    for (let i = 0; i < 20; i++) {
      const socket = await openSocket(reader.port)
      socket.write(
        'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n01234567890123456789\r\n',
      )
      expect(await reader.outcome(i)).toEqual({ bytes: null })
      socket.resetAndDestroy()
    }
    await sleep(20)
    expect(reader.listenersLeft.every((count) => count === 0)).toBe(true)
  })

  it('survives 500 clients that go away', async () => {
    const reader = await startReader(1000)
    await Promise.all(
      Array.from({ length: 500 }, async () => {
        const socket = await openSocket(reader.port)
        socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{"half":')
        await sleep(30)
        socket.resetAndDestroy()
      }),
    )
    await reader.outcome(499)
    expect(reader.outcomes.every((outcome) => 'error' in outcome)).toBe(true)
    expect(reader.listenersLeft.every((count) => count === 0)).toBe(true)
  })

  it('reads streams that are no HTTP request, and text where an encoding was set', async () => {
    const stream = Object.assign(new PassThrough(), { headers: {} })
    stream.setEncoding('utf8')
    stream.end('{"é":1}')
    expect(await createBodyReader(stream as BodyStream)(8)).toEqual(Buffer.from('{"é":1}'))
  })

  it.each(['latin1', 'hex', 'base64'] as const)('gets every byte back from text in %s', async (encoding) => {
    const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * 7) & 255))
    const stream = Object.assign(new PassThrough(), { headers: {} })
    stream.setEncoding(encoding)
    const read = createBodyReader(stream as BodyStream)(2_000)
    for (let at = 0; at < bytes.length; at += 100) stream.write(bytes.subarray(at, at + 100))
    stream.end()
    expect(await read).toEqual(bytes)
  })

  it.each([
    ['utf8', gzipSync('{"a":1}')],
    ['utf8', Buffer.from('{"a":"\xe9"}', 'latin1')],
    ['ascii', Buffer.from('{"a":"é"}')],
    ['utf16le', Buffer.from('{"a":1}')],
  ] as const)('takes no text in %s for what it no longer tells', async (encoding, bytes) => {
    const stream = Object.assign(new PassThrough(), { headers: {} })
    stream.setEncoding(encoding)
    stream.end(bytes)
    await expect(createBodyReader(stream as BodyStream)(100)).rejects.toThrow(/setEncoding\(\)/)
    expect(stream.listenerCount('data')).toBe(0)
  })

  it('hands out a body of one chunk without copying it', async () => {
    const chunk = Buffer.from('{"a":1}')
    const stream = Object.assign(new PassThrough(), { headers: {} })
    stream.end(chunk)
    expect(await createBodyReader(stream as BodyStream)(100)).toBe(chunk)
  })
})

describe('createBodyReader over HTTP/2', () => {
  async function startHttp2(maxBytes: number, delayMs = 0) {
    let settle: (outcome: Outcome) => void
    const outcome = new Promise<Outcome>((resolve) => (settle = resolve))
    let listenersLeft = -1
    let arrive: () => void
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    const server = createHttp2Server(async (request: Http2ServerRequest, response) => {
      arrive()
      request.stream.on('error', () => {})
      const already = countListeners(request)
      if (delayMs > 0) await sleep(delayMs)
      try {
        const bytes = await createBodyReader(request)(maxBytes)
        listenersLeft = countListeners(request) - already
        settle({ bytes })
        response.statusCode = bytes === null ? 413 : 200
        response.end()
      } catch (error) {
        listenersLeft = countListeners(request) - already
        settle({ error })
      }
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    session.on('error', () => {})
    closers.push(() => {
      session.destroy()
      server.close()
    })
    const stream = session.request({ ':method': 'POST', ':path': '/' })
    stream.on('error', () => {})
    return { stream, session, arrived, outcome, listenersLeft: () => listenersLeft }
  }

  it('reads a body', async () => {
    const { stream, outcome, listenersLeft } = await startHttp2(100_000)
    stream.write(Buffer.alloc(40_000, 'a'))
    stream.end(Buffer.alloc(40_000, 'a'))
    expect(await outcome).toEqual({ bytes: Buffer.alloc(80_000, 'a') })
    expect(listenersLeft()).toBe(0)
  })

  it('stops at the limit', async () => {
    const { stream, outcome, listenersLeft } = await startHttp2(10_000)
    stream.end(Buffer.alloc(1_000_000, 'a'))
    expect(await outcome).toEqual({ bytes: null })
    expect(listenersLeft()).toBe(0)
  })

  it.each([0, 60])('rejects when the client cancels, reading begun %d ms later', async (delayMs) => {
    const { stream, arrived, outcome, listenersLeft } = await startHttp2(10_000, delayMs)
    stream.write('{"half":')
    await arrived
    await sleep(20)
    stream.destroy()
    expect(await outcome).toEqual(aborted)
    expect(listenersLeft()).toBe(0)
  })

  it('rejects when the whole connection goes away', async () => {
    const { stream, session, arrived, outcome } = await startHttp2(10_000)
    stream.write('{"half":')
    await arrived
    await sleep(20)
    session.destroy()
    expect(await outcome).toEqual(aborted)
  })
})
