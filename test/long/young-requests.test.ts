import { createServer, type RequestListener } from 'node:http'
import { Duplex } from 'node:stream'
import { getHeapSpaceStatistics } from 'node:v8'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it } from 'vitest'
import * as hono from '../../adapters/hono.ts'
import * as koa from '../../adapters/koa.ts'
import { guardListener } from '../../adapters/node.ts'
import { createMemoryStore, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { garbageCollector } from '../garbage-collector.ts'

/**
 * What old objects hold lives until the next full collection, and each young collection until then copies it. After the first full
 * collections of a process a guard in Koa once left whole requests behind, 4 KB each, and took half as long again.
 */
describe('a request that has been answered', () => {
  const event = JSON.stringify({ type: 'track', event: 'Order Completed' })

  const listeners: Record<string, (keys: WriteKeys) => RequestListener> = {
    Koa: (keys) => {
      const app = new Koa()
      app.use(koa.writeKeyAuth(keys))
      app.use((ctx) => {
        ctx.body = { accepted: koa.writeKeyOf(ctx).events.length }
      })
      return app.callback()
    },
    Hono: (keys) => {
      const app = new Hono()
      app.use('/v1/*', hono.writeKeyAuth(keys))
      app.post('/v1/track', (c) => c.json({ accepted: hono.writeKeyOf(c).events.length }))
      return getRequestListener(app.fetch) as RequestListener
    },
    "Koa's ingestRoutes": (keys) => {
      const app = new Koa()
      app.use(koa.ingestRoutes(createIngestApi(keys, { onEvents() {} })))
      return app.callback()
    },
    'node:http': (keys) =>
      guardListener((_request, response) => response.end('{"accepted":1}'), keys, { path: '/v1' }),
  }

  it.each(Object.keys(listeners))('leaves nothing among the old objects of V8, %s', async (name) => {
    const keys = createWriteKeys({ store: createMemoryStore(), logger: false })
    const { key } = await keys.create({ name: 'Web App', sourceType: 'web', rateLimitEps: 1_000_000 })
    const server = createServer(listeners[name]?.(keys))
    const send = connectInMemory(server, post(key, event))
    await expect(send()).resolves.toMatch(/^HTTP\/1.1 200 [\s\S]*"accepted":1/)

    expect(await keptOf(send)).toBeLessThan(1_000)
    await keys.close()
  })
})

/** Bytes that each request leaves among old objects, once those of the first full collections are gone. */
async function keptOf(send: () => Promise<string>): Promise<number> {
  const collect = garbageCollector()
  for (let round = 0; round < 3; round++) {
    for (let request = 0; request < 1_000; request++) await send()
    collect()
  }
  const before = oldBytes()
  for (let request = 0; request < 4_000; request++) await send()
  return (oldBytes() - before) / 4_000
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'old_space')?.space_used_size ?? 0
}

function post(key: string, body: string): Buffer {
  const credential = Buffer.from(`${key}:`).toString('base64')
  return Buffer.from(
    `POST /v1/track HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${credential}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}

/** A connection without system calls. Sends the same request each time, and resolves with the answer. */
function connectInMemory(server: ReturnType<typeof createServer>, request: Buffer): () => Promise<string> {
  let answered: (answer: string) => void = () => {}
  const connection = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      done()
      setImmediate(answered, chunk.toString('latin1'))
    },
    writev(chunks, done) {
      done()
      setImmediate(answered, chunks.map(({ chunk }) => (chunk as Buffer).toString('latin1')).join(''))
    },
  })
  Object.assign(connection, {
    remoteAddress: '127.0.0.1',
    setTimeout: () => connection,
    setNoDelay: () => connection,
    setKeepAlive: () => connection,
  })
  server.emit('connection', connection)
  return () =>
    new Promise((resolve) => {
      answered = resolve
      connection.push(request)
    })
}
