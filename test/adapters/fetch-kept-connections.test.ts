import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { expect, it, onTestFinished } from 'vitest'
import { writeKeyAuth } from '../../adapters/fetch.ts'
import { createWriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createAnswerReader, openSocket, toWire } from '../../src/testing/adapter/raw-http.ts'
import { startServer } from './started-server.ts'

const chunkedOf = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

it.each([
  ['unread', 401, 'sk_live_nonsense', 900_000, false],
  ['unread, without a length', 401, 'sk_live_nonsense', 900_000, true],
  ['once it was begun', 413, undefined, 900_000, true],
  ['once it was begun, by an answer of the application,', 418, undefined, 900_000, true],
])(
  'an event on a connection whose last body was refused %s is answered, on the server of Hono',
  async (_, status, secret, length, isChunked) => {
    const keys = createWriteKeys({ maxBodyBytes: 100_000 })
    const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
    const onRefused = () => (status === 418 ? new Response('short', { status }) : undefined)
    const auth = writeKeyAuth(keys, { onRefused })
    const fetch = (request: Request) =>
      auth(request, async ({ events }, accepted) => Response.json([events.length, await accepted.json()]))
    const server = await startServer(createAdaptorServer({ fetch }) as Server, keys, [])
    onTestFinished(() => server.close())
    const socket = await openSocket(server.url)
    const readAnswer = createAnswerReader(socket)
    const post = (by: string, body: string, isChunked = false) =>
      toWire(
        'POST /v1/track HTTP/1.1',
        [
          'Host: localhost',
          `Authorization: ${basic(by)}`,
          isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`,
        ],
        isChunked ? chunkedOf(body) : body,
      )
    for (let turn = 0; turn < 3; turn++) {
      socket.write(post(secret ?? key, ' '.repeat(length), isChunked))
      expect((await readAnswer()).status).toBe(status)
      socket.write(post(key, '{"event":"Sent"}'))
      const { status: next, body } = await readAnswer()
      expect([next, JSON.parse(body)]).toEqual([200, [1, { event: 'Sent' }]])
    }
    socket.destroy()
  },
)

it('a body that was begun is refused with the end of the connection where somebody has asked for headers before, on the server of Hono', async () => {
  const keys = createWriteKeys({ maxBodyBytes: 100_000 })
  const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
  const auth = writeKeyAuth(keys)
  const fetch = (request: Request) => {
    request.headers.get('x-shop')
    return auth(request, () => new Response('handled'))
  }
  const server = await startServer(createAdaptorServer({ fetch }) as Server, keys, [])
  onTestFinished(() => server.close())
  const socket = await openSocket(server.url)
  const fields = ['Host: localhost', `Authorization: ${basic(key)}`, 'Transfer-Encoding: chunked']
  socket.write(toWire('POST /v1/track HTTP/1.1', fields, chunkedOf(' '.repeat(300_000))))
  const { status, headers } = await createAnswerReader(socket)()
  expect([status, headers.connection]).toEqual([413, 'close'])
  socket.destroy()
})
