import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeKeyAuth } from '../../adapters/express.ts'
import { writeKeyAuth as koaWriteKeyAuth } from '../../adapters/koa.ts'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys, type WriteKeyEvent, type WriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createAnswerReader, openSocket, toWire } from '../../src/testing/adapter/raw-http.ts'

const apps: Record<string, (keys: WriteKeys, handle: () => void) => RequestListener> = {
  guardListener: (keys, handle) =>
    guardListener(
      (_, response) => {
        handle()
        response.end()
      },
      keys,
      { path: '/v1' },
    ),
  Express: (keys, handle) =>
    express().use('/v1', writeKeyAuth(keys), (_, response) => {
      handle()
      response.end()
    }),
  Koa: (keys, handle) =>
    new Koa()
      .use(koaWriteKeyAuth(keys))
      .use((ctx) => {
        handle()
        ctx.body = 'ok'
      })
      .callback(),
}

const chunked = 'Transfer-Encoding: chunked'
const chunk = (length: number) => `${length.toString(16)}\r\n${' '.repeat(length)}\r\n`

describe.each(Object.entries(apps))('on %s', (_, createApp) => {
  async function start() {
    const events: WriteKeyEvent[] = []
    const keys = createWriteKeys({ onEvent: (event) => events.push(event), logger: false })
    const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    let handled = 0
    const server = createServer(
      createApp(keys, () => {
        handled += 1
      }),
    ).listen(0, '127.0.0.1')
    onTestFinished(async () => {
      server.closeAllConnections()
      server.close()
      await keys.close()
    })
    await once(server, 'listening')
    const socket = await openSocket(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const post = (secret: string, fields: string[], body: string) =>
      toWire(
        'POST /v1/track HTTP/1.1',
        ['Host: localhost', `Authorization: ${basic(secret)}`, ...fields],
        body,
      )
    const good = post(key, ['Content-Length: 16'], '{"event":"Sent"}')
    const usage = () => keys.usage(writeKey.id)
    return { socket, post, good, usage, handled: () => handled, reasons: () => events.map(reasonOf) }
  }

  it('a request behind a refusal that ends the connection reaches no handler: in the same packet', async () => {
    const { socket, post, good, usage, handled, reasons } = await start()
    socket.write(Buffer.concat([post('sk_live_nonsense', [chunked], `${chunk(100)}0\r\n\r\n`), good]))
    const { status, headers } = await createAnswerReader(socket)()
    expect([status, headers.connection]).toEqual([401, 'close'])
    await once(socket, 'close')
    expect(handled()).toBe(0)
    expect(reasons()).toEqual(['malformed_key', 'client_aborted'])
    expect(await usage()).toMatchObject({ acceptedTotal: 0, refusedTotal: 0 })
  })

  it('a request behind a refusal that ends the connection reaches no handler: after the rest of the body', async () => {
    const { socket, post, good, usage, handled, reasons } = await start()
    socket.write(post('sk_live_nonsense', [chunked], chunk(100)))
    expect((await createAnswerReader(socket)()).status).toBe(401)
    socket.write(Buffer.concat([Buffer.from(`${chunk(100)}0\r\n\r\n`), good]))
    await once(socket, 'close')
    expect(handled()).toBe(0)
    expect(reasons()).toEqual(['malformed_key', 'client_aborted'])
    expect(await usage()).toMatchObject({ acceptedTotal: 0, refusedTotal: 0 })
  })

  it('no request of many behind a refusal that ends the connection reaches a handler', async () => {
    const { socket, post, good, usage, handled } = await start()
    const body = ' '.repeat(80_000)
    const refused = post('sk_live_nonsense', [`Content-Length: ${body.length}`], body)
    socket.write(Buffer.concat([refused, good, good, good]))
    expect((await createAnswerReader(socket)()).status).toBe(401)
    await once(socket, 'close')
    expect(handled()).toBe(0)
    expect(await usage()).toMatchObject({ acceptedTotal: 0, refusedTotal: 0 })
  })

  it('a request whose sender ends its side at once, and wants no answer, is handled', async () => {
    const { socket, good, usage, handled } = await start()
    socket.end(good)
    socket.resume()
    await once(socket, 'close')
    await expect.poll(handled).toBe(1)
    expect(await usage()).toMatchObject({ acceptedTotal: 1 })
  })

  it('a request behind one whose answer keeps the connection is handled', async () => {
    const { socket, post, good, handled } = await start()
    const readAnswer = createAnswerReader(socket)
    socket.write(Buffer.concat([post('sk_live_nonsense', ['Content-Length: 2'], '{}'), good, good]))
    expect([(await readAnswer()).status, (await readAnswer()).status, (await readAnswer()).status]).toEqual([
      401, 200, 200,
    ])
    expect(handled()).toBe(2)
    socket.destroy()
  })
})

const reasonOf = (event: WriteKeyEvent) => ('reason' in event ? event.reason : event.type)
