import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ingestRoutes } from '../../src/adapter/index.ts'
import { createWriteKeys, type IngestEvent } from '../../src/index.ts'
import { createIngestApi, type ForwardOptions, forwardEvents } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'

const serverKey = 'sk_live_serverKeyOfTheTarget'
const page = 'https://app.example.com'

interface Received {
  target: string
  headers: IncomingHttpHeaders
  body: string
}

let received: Received[] = []
let answer: (response: ServerResponse) => unknown
let target: Awaited<ReturnType<typeof serve>>
const closers: (() => unknown)[] = []

beforeAll(async () => {
  target = await serve(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ target: `${request.method} ${request.url}`, headers: request.headers, body })
    answer(response)
  })
})
afterAll(() => target.close())
beforeEach(() => {
  received = []
  answer = (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true,"accepted":1}')
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

function setUp(options: Partial<ForwardOptions> = {}) {
  const errors: unknown[] = []
  const forward = forwardEvents({
    to: `${target.url}/in`,
    key: serverKey,
    onError: (error) => errors.push(error),
    ...options,
  })
  const post = (path: string, body: BodyInit | null = '{"event":"Signed Up"}', headers: HeadersInit = {}) =>
    forward(
      new Request(`${page}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
        duplex: 'half',
      } as RequestInit),
    )
  return { forward, post, errors }
}

type BodyInit = NonNullable<ConstructorParameters<typeof Request>[1]>['body'] & {}
type HeadersInit = Record<string, string>

describe('forwardEvents', () => {
  it("passes a page's events on under the server's key, and the answer back", async () => {
    const { post } = setUp({ ip: () => '203.0.113.7' })
    const answered = await post('/events/v1/track', '{"event":"Signed Up","writeKey":"page"}', {
      origin: page,
    })
    expect([answered.status, await answered.json()]).toEqual([200, { success: true, accepted: 1 }])
    expect(received).toHaveLength(1)
    expect(received[0]).toMatchObject({
      target: 'POST /in/v1/track',
      body: '{"event":"Signed Up","writeKey":"page"}',
    })
    expect(received[0]?.headers).toMatchObject({
      authorization: `Basic ${btoa(`${serverKey}:`)}`,
      'content-type': 'application/json',
      'x-forwarded-for': '203.0.113.7',
    })
  })

  it('leaves out the zone of an address', async () => {
    const { post } = setUp({ ip: () => 'fe80::1%eth0' })
    await post('/events/v1/track', '{"event":"Signed Up"}', { origin: page })
    expect(received[0]?.headers['x-forwarded-for']).toBe('fe80::1')
  })

  it('puts the key where a sender has it in the path', async () => {
    const { post } = setUp()
    answer = (response) => response.end('{"ids":["a"],"status":200}')
    expect((await post('/events/e/anything', '{"name":"a"}')).status).toBe(200)
    expect(received[0]?.target).toBe(`POST /in/e/${serverKey}`)
  })

  it('passes status, Retry-After and a problem back, and nothing else of the answer', async () => {
    const { post } = setUp()
    answer = (response) =>
      response
        .writeHead(429, {
          'content-type': 'application/problem+json',
          'retry-after': '7',
          'x-ratelimit-reset': '7',
          'set-cookie': 'session=1',
          'www-authenticate': 'Basic',
          location: 'https://elsewhere.example',
          'x-internal': 'yes',
          deprecation: '@1',
        })
        .end('{"code":"rate_limited"}')
    const answered = await post('/events/v1/batch')
    expect([answered.status, await answered.json()]).toEqual([429, { code: 'rate_limited' }])
    expect(Object.fromEntries(answered.headers)).toEqual({
      'content-type': 'application/problem+json',
      'retry-after': '7',
      'x-ratelimit-reset': '7',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      vary: 'Origin',
      'access-control-expose-headers': expect.stringContaining('Retry-After'),
    })
  })

  it('tells its owner, not the page, when the target refuses the key', async () => {
    const { post, errors } = setUp()
    answer = (response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end('{}')
    const answered = await post('/events/v1/track')
    expect([answered.status, answered.headers.has('www-authenticate')]).toEqual([401, false])
    expect(inspect(errors)).toMatch(/refuses the key/)
    expect(inspect(errors)).not.toContain(serverKey)
  })

  it('answers 503 with Retry-After when the target does not, and says so without the key', async () => {
    const { post, errors } = setUp({ to: 'http://127.0.0.1:9' })
    for (const path of ['/events/v1/track', '/events/e/page']) {
      const answered = await post(path, '{}', { origin: page })
      expect([answered.status, answered.headers.get('retry-after')]).toEqual([503, '5'])
      expect(await answered.text()).not.toContain('127.0.0.1')
    }
    expect(errors).toHaveLength(2)
    expect(inspect(errors, { depth: 9 })).not.toContain(serverKey)
  })

  it('takes events of pages of its own origin only, unless told which', async () => {
    const { post } = setUp()
    const status = async (headers: HeadersInit) => (await post('/events/v1/track', '{}', headers)).status
    expect(await status({ origin: page, host: 'app.example.com' })).toBe(200)
    expect(await status({ origin: page, 'sec-fetch-site': 'same-origin' })).toBe(200)
    expect(await status({})).toBe(200)
    expect(received).toHaveLength(3)
    const foreign: HeadersInit[] = [
      { origin: 'https://evil.example' },
      { origin: 'http://app.example.com' },
      { origin: 'https://app.example.com.evil.example' },
      { origin: 'https://app.example.com:8443' },
      { origin: 'null' },
      { origin: page, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'cross-site', referer: 'https://evil.example/app.example.com' },
    ]
    for (const headers of foreign) {
      const refused = await post('/events/v1/track', '{}', headers)
      expect([refused.status, refused.headers.has('access-control-allow-origin')]).toEqual([403, false])
    }
    expect(received).toHaveLength(3)
  })

  it('takes events of the origins that it was told, and lets them read every answer', async () => {
    const { forward, post } = setUp({ allow: { origins: ['https://*.example.com'] }, maxBodyBytes: 10 })
    const fine = await post('/events/v1/track', '{}', { origin: 'https://shop.example.com' })
    expect([fine.status, fine.headers.get('access-control-allow-origin')]).toEqual([
      200,
      'https://shop.example.com',
    ])
    expect(fine.headers.has('access-control-allow-credentials')).toBe(false)
    const large = await post('/events/v1/track', '{"a":"0123456789"}', { origin: 'https://shop.example.com' })
    expect([large.status, large.headers.get('access-control-allow-origin')]).toEqual([
      413,
      'https://shop.example.com',
    ])
    expect((await post('/events/v1/track', '{}', { origin: 'https://example.org' })).status).toBe(403)
    const preflight = (origin: string) =>
      forward(
        new Request(`${page}/events/v1/track`, {
          method: 'OPTIONS',
          headers: {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'x-retry-count',
          },
        }),
      )
    const allowed = await preflight('https://shop.example.com')
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://shop.example.com',
    ])
    expect(allowed.headers.get('access-control-allow-headers')).toContain('x-retry-count')
    const refused = await preflight('https://evil.example')
    expect([refused.ok, refused.headers.has('access-control-allow-origin')]).toEqual([false, false])
    expect(received).toHaveLength(1)
  })

  it('refuses what it cannot use, naming it and never the key', () => {
    const fine = { to: 'https://events.example.com', key: serverKey }
    const refusals: [object, RegExp][] = [
      [{ key: serverKey }, /^to must be/],
      [{ ...fine, to: '/events' }, /^to must be/],
      [{ ...fine, to: `https://${serverKey}@events.example.com` }, /^to must be/],
      [{ ...fine, to: 'file:///etc/passwd' }, /^to must be/],
      [{ ...fine, to: 'https://events.example.com/?a=1' }, /^to must be/],
      [{ to: fine.to }, /^key must be .* received nothing/],
      [{ ...fine, key: `${serverKey}\r\nx: y` }, /^key must be/],
      [{ ...fine, at: 'events' }, /^at must be/],
      [{ ...fine, at: '/../v1' }, /^at must/],
      [
        { ...fine, allow: { origins: ['*'] } },
        /^allow\.origins\[0\] must name an origin: any origin cannot be allowed here/,
      ],
      [{ ...fine, allow: { origins: '*' } }, /^allow\.origins must/],
      [{ ...fine, allow: { headers: ['Cookie'] } }, /^allow\.headers\[0\] must not be cookie/],
      [{ ...fine, allow: { headers: ['X-Forwarded-For'] } }, /never passed on/],
      [{ ...fine, allow: { headers: ['a b'] } }, /^allow\.headers\[0\] must be/],
      [{ ...fine, keys: {} }, /^keys must be/],
      [{ ...fine, senders: ['segmnt'] }, /Did you mean 'segment'/],
      [{ ...fine, target: 'x' }, /no option "target"/],
    ]
    for (const [options, message] of refusals) {
      let thrown: unknown
      try {
        forwardEvents(options as ForwardOptions)
      } catch (error) {
        thrown = error
      }
      expect(String((thrown as Error)?.message)).toMatch(message)
      expect(inspect(thrown)).not.toContain(serverKey)
    }
  })
})

describe('forwardEvents with keys', () => {
  async function withKeys() {
    const theirs = createWriteKeys()
    const keys = createWriteKeys()
    closers.push(
      () => theirs.close(),
      () => keys.close(),
    )
    const server = await theirs.create({ name: 'Edge', sourceType: 'server' })
    const web = await keys.create({
      name: 'Web',
      sourceType: 'web',
      rateLimitEps: 100,
      allowedEventTypes: ['track'],
      allowedOrigins: [page],
    })
    const arrived: IngestEvent[] = []
    let failures = 0
    const routes = ingestRoutes(
      createIngestApi<IngestEvent>(theirs, {
        onEvents(events) {
          if (failures-- > 0) throw new Error('away')
          arrived.push(...events)
        },
      }),
    )
    const { url, close } = await serve((request, response) => routes(request, response))
    closers.push(close)
    const { post } = setUp({ to: url, key: server.key, keys })
    const send = (path: string, body: unknown, key = web.key, origin = page) =>
      post(path, JSON.stringify(body), { authorization: `Basic ${btoa(`${key}:`)}`, origin })
    const fail = () => {
      failures = 1
    }
    return { arrived, keys, web, server, send, post, fail }
  }

  it('forwards only what the key of the page may send', async () => {
    const { send, arrived, web, server, post } = await withKeys()
    const fine = await send('/events/v1/batch', { batch: [{ type: 'track', event: 'a' }], writeKey: web.key })
    expect([fine.status, fine.headers.get('access-control-allow-origin')]).toEqual([200, page])
    expect((await send('/events/v1/identify', { userId: '1' })).status).toBe(403)
    expect((await send('/events/v1/track', { event: 'a' }, server.key)).status).toBe(401)
    expect((await send('/events/v1/track', { event: 'a' }, web.key, 'https://evil.example')).status).toBe(403)
    expect((await post('/events/v1/track', '{"event":"a"}')).status).toBe(401)
    expect((await send(`/events/e/${web.key}`, { name: 'a' })).status).toBe(403)
    expect(arrived).toEqual([{ type: 'track', event: 'a' }])
    expect(JSON.stringify(arrived)).not.toContain(web.key)
  })

  it('takes a key without origins from pages of its own origin only, and from programs', async () => {
    const { send, post, arrived, keys } = await withKeys()
    const open = await keys.create({ name: 'Open', sourceType: 'web' })
    const sendFrom = async (origin: string, more: Record<string, string> = {}) => {
      const authorization = `Basic ${btoa(`${open.key}:`)}`
      const answer = await post('/events/v1/track', '{"event":"a"}', { authorization, origin, ...more })
      return [answer.status, answer.headers.get('access-control-allow-origin')]
    }
    expect(await sendFrom('https://evil.example')).toEqual([403, null])
    expect(await sendFrom('https://evil.example', { 'sec-fetch-site': 'cross-site' })).toEqual([403, null])
    expect(await sendFrom('null')).toEqual([403, null])
    expect((await sendFrom(page))[0]).toBe(200)
    expect((await sendFrom(page, { 'sec-fetch-site': 'same-origin' }))[0]).toBe(200)
    const program = { authorization: `Basic ${btoa(`${open.key}:`)}` }
    expect((await post('/events/v1/track', '{"event":"a"}', program)).status).toBe(200)
    expect(arrived).toHaveLength(3)
    expect(await keys.usage(open.writeKey.id)).toMatchObject({ refused: { origin_not_allowed: 3 } })

    await keys.update(open.writeKey.id, { allowedOrigins: ['https://evil.example'] })
    expect(await sendFrom('https://evil.example')).toEqual([200, 'https://evil.example'])
    expect((await send('/events/v1/track', { event: 'a' }, open.key)).status).toBe(403)
  })

  it('goes by allow.origins where they are given, and by the origins of the key', async () => {
    const keys = createWriteKeys()
    closers.push(() => keys.close())
    const { key } = await keys.create({ name: 'Open', sourceType: 'web' })
    const { post } = setUp({ keys, allow: { origins: ['https://shop.example.com'] } })
    const statusFrom = async (origin: string) => {
      const authorization = `Basic ${btoa(`${key}:`)}`
      return (await post('/events/v1/track', '{"event":"a"}', { authorization, origin })).status
    }
    expect(await statusFrom('https://shop.example.com')).toBe(200)
    expect(await statusFrom('https://evil.example')).toBe(403)
  })

  it('gives the charge back when the target does not take the events', async () => {
    const { send, arrived, keys, web, fail } = await withKeys()
    fail()
    const batch = { batch: Array(60).fill({ type: 'track', event: 'a' }) }
    const refused = await send('/events/v1/batch', batch)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    const accepted = await send('/events/v1/batch', batch)
    expect([accepted.status, accepted.headers.get('x-ratelimit-remaining')]).toEqual([200, '40'])
    expect(arrived).toHaveLength(60)
    expect(await keys.usage(web.writeKey.id)).toMatchObject({ accepted: { track: 60 }, refusedTotal: 1 })
  })
})
