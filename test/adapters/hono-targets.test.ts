import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { writeKeyAuth, writeKeyOf } from '../../adapters/hono.ts'
import { createWriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { sendRaw } from '../../src/testing/adapter/raw-http.ts'
import { startServer } from './started-server.ts'

it.each(['TRACE', 'PURGE'])(
  'Hono shows the accepted events of a %s to handlers, as another method does',
  async (method) => {
    const keys = createWriteKeys({ credentials: ['basic', { path: '/e/:key' }] })
    const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other' })
    const app = new Hono()
    app.use(writeKeyAuth(keys))
    app.all('*', async (c) => {
      const { pathname } = new URL(c.req.url)
      return c.json([c.req.method, pathname, await c.req.json(), c.req.raw.method, await c.req.raw.json()])
    })
    const server = await startServer(createAdaptorServer(app) as Server, keys, [])
    for (const [path, shown] of [
      ['/v1/track', '/v1/track'],
      [`/e/${key}`, `/e/${writeKey.id}`],
    ]) {
      const fields = { authorization: basic(key), 'content-type': 'application/json' }
      // Node's client gives a TRACE no length of its own.
      const headers = { ...(path === shown && fields), 'content-length': 13 }
      const request = httpRequest(server.url + path, { method, headers })
      request.end('{"event":"a"}')
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      expect([response.statusCode, JSON.parse(await text(response))]).toEqual([
        200,
        [method, shown, { event: 'a' }, method, { event: 'a' }],
      ])
    }
    expect(await keys.usage(writeKey.id)).toMatchObject({ acceptedTotal: 2 })
    await server.close()
  },
)

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

it("Hono's getPath leads to a route whose type is judged, not that of the URL", async () => {
  const keys = createWriteKeys({ credentials: ['basic', { path: '/e/:key' }] })
  const { key } = await keys.create({ name: 'Pages', sourceType: 'web', allowedEventTypes: ['page'] })
  const routes: Record<string, string> = {
    '/collect/page': '/v1/track',
    '/collect/track': '/v1/page',
    '/collect/both': '/v1/identify/page',
    '/collect/%2570age': '/v1/%70age',
  }
  const app = new Hono({
    getPath(request) {
      const { pathname } = new URL(request.url)
      return routes[pathname] ?? pathname
    },
  })
  app.use(writeKeyAuth(keys))
  app.post('*', (c) => c.text(`${c.req.path} ${writeKeyOf(c).eventType}`))
  const answers: unknown[] = []
  for (const path of [...Object.keys(routes), '/v1/page', '/v1/pa%67e/', '/v1/track']) {
    const headers = { authorization: basic(key), 'content-type': 'application/json' }
    const response = await app.request(path, { method: 'POST', headers, body: '{"name":"a"}' })
    const answer = await response.text()
    answers.push([path, response.status, response.ok ? answer : JSON.parse(answer).code])
  }
  expect(answers).toEqual([
    ['/collect/page', 403, 'event_type_not_allowed'],
    ['/collect/track', 200, '/v1/page page'],
    ['/collect/both', 400, 'invalid_path'],
    ['/collect/%2570age', 200, '/v1/%70age page'],
    ['/v1/page', 200, '/v1/page page'],
    ['/v1/pa%67e/', 200, '/v1/pa%67e/ page'],
    ['/v1/track', 403, 'event_type_not_allowed'],
  ])
  await keys.close()
})
