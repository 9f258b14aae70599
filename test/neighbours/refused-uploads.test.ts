import { once } from 'node:events'
import { H3, serve } from 'h3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/fetch.ts'
import { createMemoryStore, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createAnswerReader, openSocket, toWire } from '../../src/testing/adapter/raw-http.ts'

/**
 * srvx throws away what nobody reads of a body, so that a refusal of a large one arrives. Once `request.body` has been looked at it
 * does not, and a client that still sends finds its connection reset.
 */
describe('a large upload that is refused on the server of h3', () => {
  const upload = `{"event":"${'x'.repeat(4_200_000)}"}`
  const asked: boolean[] = []
  let keys: WriteKeys
  let good: string
  let server: ReturnType<typeof serve>

  beforeAll(async () => {
    keys = createWriteKeys({ store: createMemoryStore(), logger: false })
    good = (await keys.create({ name: 'Shop', sourceType: 'server' })).key
    const auth = writeKeyAuth(keys)
    const app = new H3()
    app.all('/v1/**', async ({ req }) => {
      let isAsked = false
      const seen = new Proxy(req, {
        get(target, name) {
          if (name === 'body') isAsked = true
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      const answer = await auth(seen, ({ events }) => Response.json({ accepted: events.length }))
      asked.push(isAsked)
      return answer
    })
    const withOwn = writeKeyAuth(keys, { onRefused: () => new Response('too long', { status: 413 }) })
    app.all('/own/**', ({ req }) => withOwn(req, () => new Response('handled')))
    server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true })
    await server.ready()
  })

  afterAll(async () => {
    await server.close(true)
    await keys.close()
  })

  function send(key: string, body: string): Promise<Response> {
    const headers = { authorization: basic(key), 'content-type': 'application/json' }
    return fetch(new URL('/v1/track', server.url), { method: 'POST', headers, body })
  }

  it.each([
    ['a wrong key', 401, () => `${good.slice(0, -1)}!`],
    ['a body above the limit', 413, () => good],
  ])('gets its answer for %s, and the next request passes', async (_, status, key) => {
    asked.length = 0
    for (let round = 0; round < 5; round++) {
      const refused = await send(key(), upload)
      expect(refused.status).toBe(status)
      await refused.text()
      const accepted = await send(good, '{"event":"Order Completed"}')
      await expect(accepted.json()).resolves.toEqual({ accepted: 1 })
    }

    expect(asked.filter((_, index) => index % 2 === 0)).toEqual([false, false, false, false, false])
  })

  it.each([
    ['its answer', '/v1/track'],
    ['the answer of the application', '/own/track'],
  ])('gets %s when it says no length, and then the end of the connection', async (_, path) => {
    const { hostname, port } = new URL(server.url as string)
    const socket = await openSocket(`http://${hostname}:${port}`)
    const readAnswer = createAnswerReader(socket)
    const head = ['Host: localhost', `Authorization: ${basic(good)}`, 'Transfer-Encoding: chunked']
    socket.write(toWire(`POST ${path} HTTP/1.1`, head))
    for (let part = 0; part < 5; part++) socket.write(`100000\r\n${'x'.repeat(0x100000)}\r\n`)
    const answer = await readAnswer()
    expect(answer.status).toBe(413)
    expect(answer.headers).toMatchObject({ connection: 'close' })
    await once(socket, 'close')
  })

  it('is refused without a body as it was before', async () => {
    const headers = { authorization: basic(good), 'content-type': 'application/json' }
    const answer = await fetch(new URL('/v1/track', server.url), { method: 'POST', headers })

    expect(answer.status).toBe(400)
    await expect(answer.json()).resolves.toMatchObject({ code: 'invalid_json' })
  })
})
