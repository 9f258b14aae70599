import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect, createServer, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import cors from '@koa/cors'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { afterEach, describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/koa.ts'
import { toIngestRequest } from '../../src/adapter/index.ts'
import { createWriteKeys, type IngestRequest } from '../../src/index.ts'

let server: Http2Server | undefined
let session: ClientHttp2Session | undefined
afterEach(() => {
  session?.close()
  server?.close()
})

async function start(fail = false) {
  const keys = createWriteKeys()
  const handled: unknown[] = []
  const app = new Koa()
  app.silent = true
  app
    .use(writeKeyAuth(keys))
    .use(cors({ exposeHeaders: 'X-Own' }))
    .use(bodyParser())
  app.use((ctx) => {
    handled.push(ctx.request.body)
    if (fail) throw Object.freeze(new Error('no'))
    ctx.body = {}
  })
  server = createServer(app.callback())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 500 })
  const send = async (method: string, body: string) => {
    const stream = (session as ClientHttp2Session).request(
      {
        ':method': method,
        ':path': '/v1/track',
        authorization: `Basic ${btoa(`${key}:`)}`,
        'content-type': 'application/json',
        origin: 'https://app.example.com',
      },
      { endStream: false },
    )
    stream.end(body)
    const [headers] = await once(stream, 'response')
    stream.resume()
    return headers as Record<string, string> & { ':status': number }
  }
  return { send, handled }
}

describe('writeKeyAuth on Koa over HTTP/2', () => {
  it('hands the body on, past a parser, with the headers of both', async () => {
    const { send, handled } = await start()
    const headers = await send('POST', '{"type":"track"}')
    expect(headers[':status']).toBe(200)
    expect(handled).toEqual([{ type: 'track' }])
    expect(headers['access-control-expose-headers']).toMatch(/X-Own.*Retry-After/)
  })

  it('keeps its headers when a handler throws', async () => {
    const { send } = await start(true)
    const headers = await send('POST', '{"type":"track"}')
    expect(headers[':status']).toBe(500)
    expect(headers['x-ratelimit-limit']).toBe('500')
    expect(headers['access-control-allow-origin']).toBe('*')
  })

  it.each([
    ['GET', '', undefined],
    ['GET', '[{"type":"track"}]', 'chunked'],
    ['POST', '{"type":"track"}', 'chunked'],
  ])('sees whether a %s with %j has content that no field tells of', async (method, body, expected) => {
    const seen: IngestRequest[] = []
    server = createServer((request, response) => {
      seen.push(toIngestRequest(request as unknown as IncomingMessage))
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const stream = session.request({ ':method': method, ':path': '/v1/track' }, { endStream: body === '' })
    if (body !== '') stream.end(body)
    await once(stream, 'response')
    stream.resume()
    expect(seen.map(({ headers }) => headers['transfer-encoding'])).toEqual([expected])
  })
})
