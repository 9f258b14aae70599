import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import express5 from 'express'
import express4 from 'express4'
import { fixRequestBody } from 'http-proxy-middleware'
import { afterAll } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { aroundContract, type HandledRequest } from './around.ts'
import { load } from './neighbour.ts'

const seen: { sink: HandledRequest[] } = { sink: [] }
const upstream = createServer(async (request: IncomingMessage, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const isWhole = Number(request.headers['content-length'] ?? 0) === bytes.length
  const isJson =
    request.headers['content-type'] === 'application/json' ||
    /utf-8/.test(`${request.headers['content-type']}`)
  const isPlain = request.headers['content-encoding'] === undefined
  const body = request.method === 'GET' ? { batch: [] } : JSON.parse(String(bytes))
  const events = Array.isArray(body.batch) ? body.batch : [body]
  if (request.method === 'GET' || (isWhole && isJson && isPlain)) seen.sink.push({ events, body })
  response.end('{}')
})
upstream.listen(0, '127.0.0.1')
const listening = once(upstream, 'listening')
afterAll(() => {
  upstream.closeAllConnections()
  upstream.close()
})

for (const [name, express] of [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const) {
  aroundContract(`http-proxy-middleware behind on ${name}`, async (keys, handled) => {
    await listening
    const { port } = upstream.address() as AddressInfo
    const proxy = load('http-proxy-middleware').createProxyMiddleware({
      target: `http://127.0.0.1:${port}`,
      on: { proxyReq: fixRequestBody },
    })
    const app = express()
    app.use('/v1', writeKeyAuth(keys))
    app.use((_req, _res, next) => {
      seen.sink = handled
      next()
    })
    app.use(proxy)
    return { listener: app }
  })
}
