import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'

const received = []
const target = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  received.push({ url: request.url, headers: request.headers, body })
  response.setHeader('content-type', 'application/json').end('{"success":true}')
})
let next
let url

before(async () => {
  target.listen(0, '127.0.0.1')
  await once(target, 'listening')
  next = spawn('node_modules/.bin/next', ['start', '--port', '0', '--hostname', '127.0.0.1'], {
    env: { ...process.env, EVENTS_URL: `http://127.0.0.1:${target.address().port}`, WRITE_KEY: 'server-key' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve, reject) => {
    // Read to its end: Next would end with an error when nobody listens.
    next.stdout.on('data', (chunk) => {
      url ??= /http:\/\/127\.0\.0\.1:\d+/.exec(String(chunk))?.[0]
      if (url !== undefined) resolve()
    })
    next.once('exit', (code) => reject(new Error(`next ended with ${code}`)))
  })
})
after(() => {
  next.kill()
  target.close()
})

test('a route handler behind writekey/fetch gets the events of good keys', async () => {
  const key = await (await fetch(`${url}/v1/key`, { method: 'PUT' })).text()
  const send = (path, init = {}) =>
    fetch(url + path, {
      method: 'POST',
      body: '{"event":"a"}',
      ...init,
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, ...init.headers },
    })
  const accepted = await send('/v1/track')
  assert.deepEqual(
    [accepted.status, await accepted.json()],
    [200, { events: [{ event: 'a' }], body: { event: 'a' } }],
  )
  const gzip = await new Response(
    new Blob(['{"event":"a"}']).stream().pipeThrough(new CompressionStream('gzip')),
  ).arrayBuffer()
  assert.equal((await send('/v1/track', { body: gzip, headers: { 'content-encoding': 'gzip' } })).status, 200)
  const wrong = await send('/v1/track', { headers: { authorization: 'Basic c2tfbGl2ZV94Og==' } })
  assert.deepEqual([wrong.status, (await wrong.json()).code], [401, 'invalid_write_key'])
  assert.equal((await send('/v1/identify')).status, 403)
  const asBrowser = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
  assert.equal(
    (await send('/v1/track', { method: 'OPTIONS', body: undefined, headers: asBrowser })).status,
    204,
  )
})

test('a route handler forwards the events of its own pages, and of no other', async () => {
  const send = (path, headers) =>
    fetch(url + path, { method: 'POST', body: '{"event":"a"}', redirect: 'manual', headers })
  const own = { origin: url, cookie: 'session=1', 'x-real-ip': '203.0.113.7' }
  assert.equal((await send('/events/v1/track', own)).status, 200)
  assert.equal((await send('/events/v1/track/', own)).status, 200)
  assert.equal((await send('/events/v1/track', { ...own, origin: 'https://evil.example' })).status, 403)
  assert.equal((await send('/events/v1/elsewhere', own)).status, 404)
  assert.deepEqual(
    received.map(({ url, headers, body }) => [
      url,
      headers.authorization,
      headers['x-forwarded-for'],
      headers.cookie,
      body,
    ]),
    Array(2).fill(['/v1/track', `Basic ${btoa('server-key:')}`, '203.0.113.7', undefined, '{"event":"a"}']),
  )
})
