import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/hono.ts'
import { createWriteKeys } from '../../src/index.ts'
import { sendRaw } from '../../src/testing/adapter/raw-http.ts'
import { startServer } from './started-server.ts'

it('Hono refuses an absolute target with user info as ambiguous, where the server would fail to make a Request', async () => {
  const keys = createWriteKeys()
  const app = new Hono()
  app.use('/v1/*', writeKeyAuth(keys))
  app.all('/v1/*', (c) => c.text('handled'))
  const server = await startServer(createAdaptorServer(app) as Server, keys, [])
  for (const method of ['POST', 'GET']) {
    const head = `${method} http://u:p@x/v1/track HTTP/1.1\r\nhost: x\r\ncontent-length: ${method === 'POST' ? 2 : 0}\r\n\r\n`
    const answer = await sendRaw(server.url, Buffer.from(head + (method === 'POST' ? '{}' : '')), method)
    expect(answer.status).toBe(400)
    expect(answer.body).toContain('invalid_path')
  }
  await server.close()
})
