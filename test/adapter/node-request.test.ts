import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerOptions } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { bodyOf, toHeaders } from '../../src/adapter/node-request.ts'
import type { ReadBody } from '../../src/http/ingest-request.ts'
import { BodyTakenError } from '../../src/http/parsed-body.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** Sends header lines and a body as they are, and runs `inspect` on the request that a server makes of them. */
async function inRequest<T>(
  lines: string[],
  body: string,
  inspect: (request: IncomingMessage) => Promise<T> | T,
  options: ServerOptions = {},
): Promise<T> {
  const server = createServer(options)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  closers.push(() => socket.destroy())
  const head = ['POST / HTTP/1.1', 'Host: a', `Content-Length: ${Buffer.byteLength(body)}`, ...lines]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  const [request] = (await once(server, 'request')) as [IncomingMessage]
  return await inspect(request)
}

describe('toHeaders', () => {
  it.each([false, true])(
    'gives every value of a repeated authorization, joinDuplicateHeaders %s',
    async (joined) => {
      const lines = ['Authorization: Basic a', 'X-Authorization: c', 'aUTHORIZATION: Basic b', 'Accept: x']
      const headers = await inRequest(lines, '', toHeaders, { joinDuplicateHeaders: joined })
      expect(headers.authorization).toEqual(['Basic a', 'Basic b'])
      expect(headers.accept).toBe('x')
    },
  )

  it('sees repetitions that are equal or empty', async () => {
    for (const second of ['Basic a', '']) {
      const headers = await inRequest(['Authorization: Basic a', `Authorization: ${second}`], '', toHeaders)
      expect(headers.authorization).toEqual(['Basic a', second])
    }
    const headers = await inRequest(['Authorization:', 'Authorization: Basic a'], '', toHeaders)
    expect(headers.authorization).toEqual(['', 'Basic a'])
  })

  it('is request.headers itself otherwise', async () => {
    for (const lines of [
      [],
      ['Authorization: a'],
      ['Authorization: a', 'X: authorization', 'Y: Authorization'],
    ]) {
      expect(await inRequest(lines, '', (request) => toHeaders(request) === request.headers)).toBe(true)
    }
    const headers = { authorization: 'a' }
    expect(toHeaders({ headers })).toBe(headers)
  })
})

describe('bodyOf', () => {
  it('reads the stream while nobody has', async () => {
    const body = await inRequest([], '{"a":1}', async (request) => {
      // What parsers leave when they skip a content type.
      Object.assign(request, { body: {} })
      return await (bodyOf(request) as ReadBody)(100)
    })
    expect(String(body)).toBe('{"a":1}')
  })

  it('takes what was parsed once the stream has been read', async () => {
    const parsed = { a: 1 }
    await inRequest([], '{"a":1}', async (request) => {
      request.resume()
      await once(request, 'end')
      Object.assign(request, { body: parsed })
      expect(bodyOf(request)).toBe(parsed)
      expect(bodyOf(request, { body: 'elsewhere' })).toBe('elsewhere')
    })
  })

  it('throws only when it is asked for a body that somebody has read and not kept', async () => {
    await inRequest([], '{"a":1}', async (request) => {
      request.resume()
      await once(request, 'end')
      const read = bodyOf(request) as ReadBody
      expect(() => read(100)).toThrow(BodyTakenError)
    })
  })

  it('reads what others began to read in front of us, and leaves it to them as well', async () => {
    await inRequest([], '{"a":1}', async (request) => {
      const theirs: Buffer[] = []
      request.on('data', (chunk) => theirs.push(chunk))
      const read = bodyOf(request) as ReadBody
      await new Promise((resolve) => setImmediate(resolve))
      expect(theirs).toEqual([])
      expect(String(await read(100))).toBe('{"a":1}')
      expect(String(Buffer.concat(theirs))).toBe('{"a":1}')
    })
  })

  it.each([
    ['paused', (request: IncomingMessage) => request.pause()],
    ['to be text', (request: IncomingMessage) => request.setEncoding('utf8')],
  ])('reads a stream that somebody wants %s', async (_, prepare) => {
    await inRequest([], '{"a":"ä"}', async (request) => {
      prepare(request)
      await new Promise((resolve) => setImmediate(resolve))
      expect(String(await (bodyOf(request) as ReadBody)(100))).toBe('{"a":"ä"}')
    })
  })

  it.each(['whole', 'in two parts'])(
    'hands out a body that came %s when its stream has ended',
    async (how) => {
      await inRequest([], '{"a":1}', async (request) => {
        if (how !== 'whole') request.pause()
        await (bodyOf(request) as ReadBody)(100)
        expect(request.readableEnded).toBe(true)
      })
    },
  )

  it('prefers the raw body that somebody kept over what a form parser made of it', async () => {
    await inRequest([], '{"a":1}', async (request) => {
      request.resume()
      await once(request, 'end')
      const rawBody = Buffer.from('{"a":1}')
      Object.assign(request, { body: { '{"a":1}': '' }, rawBody })
      expect(bodyOf(request)).toBe(rawBody)
      expect(bodyOf(request, { body: {}, rawBody: '{"a":1}' })).toBe('{"a":1}')
      expect(bodyOf(request, { body: { a: 1 }, rawBody: '' })).toEqual({ a: 1 })
      expect(bodyOf(request, { body: { a: 1 }, rawBody: true })).toEqual({ a: 1 })
    })
  })

  it('takes the body of an object that has no stream', () => {
    expect(bodyOf({ body: 'text' })).toBe('text')
    expect(bodyOf({})).toBeUndefined()
  })
})
