import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ForwardOptions, forwardEvents } from '../../src/ingest/index.ts'
import { openSocket, sendRaw, toWire } from '../../src/testing/adapter/raw-http.ts'
import { serve } from '../neighbours/served.ts'

const serverKey = 'sk_live_serverKeyOfTheTarget'
const limits = { timeoutMs: 200, maxBodyBytes: 10_000 }

let received: { target: string; headers: IncomingHttpHeaders; body: string }[] = []
let answer: (response: ServerResponse) => unknown
let elsewhere = 0
let target: Awaited<ReturnType<typeof serve>>
let other: Awaited<ReturnType<typeof serve>>
let front: Awaited<ReturnType<typeof serve>>

/** The handler behind a real server, as on Node. */
async function serveForward(options: Partial<ForwardOptions> = {}): Promise<typeof front> {
  const forward = forwardEvents({
    to: `${target.url}/in`,
    key: serverKey,
    ip: () => '203.0.113.7',
    onError: () => {},
    ...limits,
    ...options,
  })
  const server = createAdaptorServer({ fetch: (request) => forward(request) })
  return serve((request, response) => void server.emit('request', request, response))
}

beforeAll(async () => {
  target = await serve(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ target: request.url ?? '', headers: request.headers, body })
    answer(response)
  })
  other = await serve((_, response) => {
    elsewhere++
    response.end('{}')
  })
  front = await serveForward()
})
afterAll(() => {
  for (const { close } of [target, other, front]) close()
})
beforeEach(() => {
  received = []
  elsewhere = 0
  answer = (response) => response.end('{}')
})

const json = ['Host: app.example.com', 'Content-Type: application/json', 'Content-Length: 2']
const post = (path: string, headers: readonly string[] = json) =>
  sendRaw(front.url, toWire(`POST ${path} HTTP/1.1`, headers, '{}'))

it.each([
  '/events/v1/../../admin',
  '/events/../events/v1/track/../../../secret',
  '/events/v1/%2e%2e/%2e%2e/admin',
  '/events/v1%2ftrack',
  '/events/v1/track%00',
  '/events//v1/track',
  '/events/v1/track/extra',
  '/events/v1/track;x=1',
  '/events/v1\\track',
  '/events/v1/check',
  '/events/admin',
  '/events',
  '/events@127.0.0.1/v1/track',
  '/eventsv1/track',
  '/EVENTS/v1/track',
  '//127.0.0.1/events/v1/track',
  '/events/e/a/b',
  '/events/http://127.0.0.1/v1/track',
])('calls nothing for %s', async (path) => {
  const { status } = await post(path)
  expect([404, 400]).toContain(status)
  expect([received.length, elsewhere]).toEqual([0, 0])
})

it('calls the one path of the table, whatever spells it', async () => {
  for (const path of [
    '/events/v1/track',
    '/events/V1/TRACK/',
    '/events/v1/track?writeKey=page&redirect=http://127.0.0.1',
    '/events/e/..%2f..%2fadmin',
    '/events/e/%0d%0aX-Injected:%20yes',
    'http://127.0.0.1:1/events/v1/track',
    'http://user:secret@127.0.0.1:1/events/v1/track',
  ]) {
    received = []
    await post(path)
    for (const one of received) expect(one.target).toMatch(/^\/in\/(?:v1\/track|e\/sk_live_\w+)$/)
  }
  expect(elsewhere).toBe(0)
})

it('is led nowhere by Host, or by what proxies say', async () => {
  const host = new URL(other.url).host
  for (const name of ['Host', 'X-Forwarded-Host', 'Forwarded', 'X-Original-URL', 'X-Rewrite-URL']) {
    const headers = name === 'Host' ? [`Host: ${host}`, ...json.slice(1)] : [...json, `${name}: ${host}`]
    await post('/events/v1/track', headers)
  }
  expect(received.map(({ headers }) => headers.host)).toEqual(Array(5).fill(new URL(target.url).host))
  expect(elsewhere).toBe(0)
})

it('passes no header of the page on but those it names', async () => {
  const withMore = await serveForward({ allow: { headers: ['User-Agent'] } })
  const headers = [
    ...json,
    'User-Agent: Browser',
    'Cookie: session=secret',
    'Authorization: Basic cGFnZTo=',
    'Proxy-Authorization: Basic cGFnZTo=',
    'X-Write-Key: page',
    'X-Api-Key: page',
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-For: 10.0.0.1',
    'X-Real-IP: 127.0.0.1',
    'Forwarded: for=127.0.0.1',
    'Via: 1.1 page',
    'Origin: http://app.example.com',
    'Referer: http://app.example.com/reset?token=secret',
    'X-HTTP-Method-Override: DELETE',
    'Connection: content-type, x-forwarded-for',
    'TE: trailers',
    'Sec-Fetch-Site: same-origin',
  ]
  await sendRaw(withMore.url, toWire('POST /events/v1/track?token=secret HTTP/1.1', headers, '{}'))
  withMore.close()
  expect(received).toHaveLength(1)
  const { target: url, headers: passed } = received[0] as (typeof received)[0]
  expect(url).toBe('/in/v1/track')
  expect(passed).toMatchObject({
    authorization: `Basic ${btoa(`${serverKey}:`)}`,
    'x-forwarded-for': '203.0.113.7',
    'user-agent': 'Browser',
    'content-type': 'application/json',
    'content-length': '2',
  })
  // What is left is the runtime's own: it says nothing of the page.
  const ours = [
    'authorization',
    'x-forwarded-for',
    'user-agent',
    'content-type',
    'content-length',
    'host',
    'connection',
  ]
  const own = ['accept', 'accept-language', 'accept-encoding', 'sec-fetch-mode']
  expect(Object.keys(passed).filter((name) => !ours.includes(name) && !own.includes(name))).toEqual([])
  expect(JSON.stringify(received)).not.toMatch(/secret|page|10\.0\.0\.1|127\.0\.0\.1"|app\.example/)
})

it('takes two requests in one as one, and never passes the second on', async () => {
  for (const framing of [
    ['Content-Length: 2', 'Transfer-Encoding: chunked'],
    ['Content-Length: 2', 'Content-Length: 60'],
    ['Transfer-Encoding: identity, chunked'],
  ]) {
    const smuggled = '{}POST /events/v1/identify HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}'
    await sendRaw(
      front.url,
      toWire('POST /events/v1/track HTTP/1.1', [...json.slice(0, 2), ...framing], smuggled),
    ).catch(() => {})
  }
  expect(received.filter(({ target: url }) => url !== '/in/v1/track')).toEqual([])
})

it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])('forwards no %s', async (method) => {
  const { status } = await sendRaw(
    front.url,
    toWire(`${method} /events/v1/track HTTP/1.1`, json.slice(0, 1)),
    method,
  )
  expect(status).toBeGreaterThanOrEqual(400)
  expect(received).toEqual([])
})

it.each([301, 302, 303, 307, 308, 304, 399])(
  'follows no %d, which would take the key along',
  async (status) => {
    answer = (response) => response.writeHead(status, { location: other.url, 'set-cookie': 'a=1' }).end()
    const answered = await post('/events/v1/track')
    expect([answered.status, answered.headers['retry-after'], answered.headers.location]).toEqual([
      503,
      '5',
      undefined,
    ])
    expect([received.length, elsewhere]).toEqual([1, 0])
  },
)

it('gives no page a page: what is no data becomes text', async () => {
  answer = (response) =>
    response.writeHead(400, { 'content-type': 'text/html' }).end('<script>alert(1)</script>')
  const { headers } = await post('/events/v1/track')
  expect([headers['content-type'], headers['x-content-type-options']]).toEqual(['text/plain', 'nosniff'])
})

it('ends a body that is slow, and forwards no part of it', async () => {
  const socket = await openSocket(front.url)
  socket.write(
    toWire('POST /events/v1/track HTTP/1.1', [...json.slice(0, 2), 'Content-Length: 1000'], '{"a":'),
  )
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  expect(String(bytes)).toMatch(/^HTTP\/1\.1 408/)
  socket.destroy()
  expect(received).toEqual([])
})

it('ends a body that has no end, and keeps no more of it than it may', async () => {
  const forward = forwardEvents({ to: target.url, key: serverKey, ...limits })
  let pulled = 0
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1_000
      controller.enqueue(new Uint8Array(1_000))
    },
  })
  const request = new Request('https://app.example.com/events/v1/track', {
    method: 'POST',
    body: endless,
    duplex: 'half',
  } as RequestInit)
  expect((await forward(request)).status).toBe(413)
  expect(pulled).toBeLessThan(20_000)
  const claimed = await sendRaw(
    front.url,
    toWire('POST /events/v1/track HTTP/1.1', [...json.slice(0, 2), 'Content-Length: 99999999']),
  )
  expect([claimed.status, received.length]).toEqual([413, 0])
})

it('waits no longer for the target than it may, nor for the end of its answer', async () => {
  answer = () => {}
  expect((await post('/events/v1/track')).status).toBe(503)
  answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{"success":')
  const cut = await post('/events/v1/track')
  expect([cut.status, cut.body]).toEqual([200, ''])
  answer = (response) => {
    response.writeHead(200)
    const more = () => {
      while (response.write('x'.repeat(10_000)));
    }
    response.on('drain', more)
    more()
  }
  const long = await post('/events/v1/track')
  expect([long.status, long.body]).toEqual([200, ''])
})

it('makes no header of an address that is none', async () => {
  for (const ip of [
    () => '1.2.3.4\r\nX-Injected: yes',
    () => 'localhost',
    () => undefined,
    // Refused with 503.
    () => 7 as never,
  ]) {
    const server = await serveForward({ ip })
    await sendRaw(
      server.url,
      toWire('POST /events/v1/track HTTP/1.1', [...json, 'X-Forwarded-For: 9.9.9.9'], '{}'),
    )
    server.close()
  }
  expect(received.map(({ headers }) => headers['x-forwarded-for'])).toEqual(Array(3).fill(undefined))
  expect(JSON.stringify(received)).not.toContain('injected')
})
