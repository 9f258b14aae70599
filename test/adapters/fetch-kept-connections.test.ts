import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { expect, it, onTestFinished } from 'vitest'
import { writeKeyAuth } from '../../adapters/fetch.ts'
import { createWriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createAnswerReader, openSocket, toWire } from '../../src/testing/adapter/raw-http.ts'
import { startServer } from './started-server.ts'

it('an event on a connection whose last body was refused unread is answered, on the server of Hono', async () => {
  const keys = createWriteKeys()
  const { key } = await keys.create({ name: 'Web', sourceType: 'web' })
  const auth = writeKeyAuth(keys)
  const fetch = (request: Request) => auth(request, ({ events }) => Response.json(events.length))
  const server = await startServer(createAdaptorServer({ fetch }) as Server, keys, [])
  onTestFinished(() => server.close())
  const socket = await openSocket(server.url)
  const readAnswer = createAnswerReader(socket)
  const post = (secret: string, body: string) =>
    toWire(
      'POST /v1/track HTTP/1.1',
      ['Host: localhost', `Authorization: ${basic(secret)}`, `Content-Length: ${body.length}`],
      body,
    )
  for (let turn = 0; turn < 3; turn++) {
    socket.write(post('sk_live_nonsense', ' '.repeat(900_000)))
    expect((await readAnswer()).status).toBe(401)
    socket.write(post(key, '{"event":"Sent"}'))
    expect((await readAnswer()).status).toBe(200)
  }
  socket.destroy()
})
