import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys } from '../../src/index.ts'
import { createIngestApi, forwardEvents } from '../../src/ingest/index.ts'
import { base64, form, setUp } from './named-senders.ts'

it('serves senders that are named, and no others', () => {
  const keys = createWriteKeys()
  onTestFinished(() => keys.close())
  const usual = createIngestApi(keys, { onEvents() {} })
  for (const path of ['/batch/', '/2/httpapi', '/track', '/api/s/track'])
    expect(usual.find(path)).toBeUndefined()
  const all = createIngestApi(keys, {
    onEvents() {},
    senders: ['inngest', 'posthog', 'amplitude', 'mixpanel', 'jitsu'],
  })
  const owners = ['/e/', '/e', '/e/key', '/batch/', '/batch', '/I/v0/e', '/Track/', '/api/s/s2s/page']
  expect(owners.map((path) => all.find(path)?.sender?.name)).toEqual([
    'posthog',
    'posthog',
    'inngest',
    'posthog',
    'amplitude',
    'posthog',
    'mixpanel',
    'jitsu',
  ])
})

describe.each([
  ['raw', false],
  ['behind express.json()', true],
])('a body, %s', (_, parses) => {
  it('may hold the key beside the events and in each, and none of it goes on', async () => {
    const { post, key, otherKey, arrived } = await setUp({}, {}, parses)
    const bodies: [string, object][] = [
      ['/batch/', { api_key: key, batch: [{ event: 'a', api_key: key, properties: { token: key, x: 1 } }] }],
      [
        '/i/v0/e/',
        [
          { event: 'b', properties: { token: key } },
          { event: 'c', token: key },
        ],
      ],
      ['/capture/', { api_key: key, event: 'd' }],
      ['/2/httpapi', { api_key: key, events: [{ event_type: 'e' }] }],
      ['/track', { event: 'f', properties: { token: key, time: 1 } }],
      ['/engage', [{ $token: key, $distinct_id: '1', $set: { a: 1 } }]],
    ]
    for (const [path, body] of bodies) expect((await post(path, body)).status).toBe(200)
    expect(arrived).toEqual([
      { event: 'a', properties: { x: 1 }, type: 'track' },
      { event: 'b', properties: {}, type: 'track' },
      { event: 'c', type: 'track' },
      { event: 'd', type: 'track' },
      { event_type: 'e', type: 'track', event: 'e' },
      { event: 'f', properties: { time: 1 }, type: 'track' },
      { $distinct_id: '1', $set: { a: 1 }, type: 'identify' },
    ])
    const several: [string, object][] = [
      ['/batch/', { api_key: key, batch: [{ event: 'a', properties: { token: otherKey } }] }],
      [
        '/i/v0/e/',
        [
          { event: 'b', token: key },
          { event: 'c', properties: { token: otherKey } },
        ],
      ],
      [
        '/track',
        [
          { event: 'a', properties: { token: key } },
          { event: 'a', properties: { token: otherKey } },
        ],
      ],
      ['/2/httpapi', { events: [{ event_type: 'e' }] }],
      ['/2/httpapi', { api_key: { a: key }, events: [{ event_type: 'e' }] }],
    ]
    for (const [path, body] of several) expect((await post(path, body)).status).toBe(401)
    expect(arrived).toHaveLength(7)
  })
})

it('bodies are inflated without a label, and read from forms', async () => {
  const { post, key, arrived, url, logged } = await setUp()
  const batch = { api_key: key, batch: [{ event: 'ü' }] }
  const zipped = gzipSync(JSON.stringify(batch))
  expect((await post('/e/?ip=1&_=2&ver=1', zipped, { 'content-type': 'text/plain' })).status).toBe(200)
  expect((await post('/batch/', zipped, { 'content-encoding': 'gzip' })).status).toBe(200)
  const beacon = `data=${encodeURIComponent(base64([{ event: 'ü', token: key }]))}&compression=base64`
  expect((await post('/e/?compression=base64&beacon=1', beacon, form)).status).toBe(200)
  // As mixpanel's package writes it: nothing is escaped.
  const plain = `data=${base64({ event: 'ü>>>???', properties: { token: key } })}`
  expect((await post('/track', plain, form)).text).toBe('1')
  const json = `verbose=1&data=${encodeURIComponent(JSON.stringify({ event: 'ü', properties: { token: key } }))}`
  expect((await post('/track?verbose=1', json, form)).json()).toEqual({ status: 1, error: null })
  const data = encodeURIComponent(base64({ event: 'ü', properties: { token: key } }))
  const got = await fetch(`${url}/track?ip=0&data=${data}&verbose=0`)
  expect([got.status, await got.text(), got.headers.get('cache-control')]).toEqual([200, '1', 'no-store'])
  expect(logged.at(-1)).toBe('/track?ip=0&verbose=0')
  expect(arrived.map(({ event }) => event)).toEqual(['ü', 'ü', 'ü', 'ü>>>???', 'ü', 'ü'])
})

it.each([
  ['/track', 'data=%%%', 400],
  ['/track', 'data=', 400],
  ['/track', 'other=1', 400],
  ['/track', `data=${Buffer.from('{"a":').toString('base64')}`, 400],
  ['/e/', Buffer.from([0x1f, 0x8b, 8, 0, 0]), 400],
  ['/e/', gzipSync(Buffer.alloc(5_000_000, 32)), 413],
  ['/e/', `data=${'%7B'.repeat(1_000)}`, 400],
])('%s takes no nonsense (%#)', async (path, body, status) => {
  const { post, key, arrived } = await setUp()
  expect((await post(path, body, { authorization: `Basic ${btoa(`${key}:`)}` })).status).toBe(status)
  expect(arrived).toEqual([])
})

it('takes data of a GET once, and none beside a body', async () => {
  const { url, key, arrived } = await setUp()
  const data = encodeURIComponent(base64({ event: 'a', properties: { token: key } }))
  const statuses = await Promise.all(
    [`data=${data}&data=${data}`, 'ip=0', `data=${data}x`].map(async (query) => {
      const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
      return (await fetch(`${url}/track?${query}`, { headers })).status
    }),
  )
  expect(statuses.slice(0, 2)).toEqual([400, 400])
  expect((await fetch(`${url}/engage?data=${data}`)).status).toBe(200)
  expect((await fetch(`${url}/2/httpapi?data=${data}`)).status).toBe(404)
  expect(arrived.length).toBeLessThanOrEqual(2)
})

describe('answers', () => {
  it('are in the words of the sender', async () => {
    const { post, key, otherKey, keys, id } = await setUp(
      { allowedEventTypes: ['track'], rateLimitEps: 10 },
      { clock: () => 1_800_000_000_000 },
    )
    expect((await post('/batch/', { api_key: key, batch: [{ event: 'a' }] })).json()).toEqual({
      status: 'Ok',
    })
    const jitsu = await post('/api/s/track', { type: 'track' }, { 'x-write-key': `any:${key}` })
    expect(jitsu.json()).toEqual({ ok: true })
    const amplitude = (events: unknown, secret = key) => post('/2/httpapi', { api_key: secret, events })
    expect((await amplitude([{ event_type: 'a' }])).json()).toMatchObject({ code: 200, events_ingested: 1 })
    const wrong = await amplitude([{ event_type: 'a' }], `${otherKey}x`)
    expect([wrong.status, wrong.json()]).toMatchObject([401, { code: 401, error: /^Invalid API key/ }])
    const forbidden = await amplitude([{ event_type: 'a' }, { event_type: '$identify' }])
    expect([forbidden.status, forbidden.json()]).toMatchObject([
      403,
      { code: 403, events_with_invalid_fields: { event_type: [1] } },
    ])
    expect((await amplitude([])).json()).toMatchObject({ code: 400, missing_field: 'event_type' })
    const mixpanel = await post('/track?verbose=1', [{ event: 'a', properties: { token: `${key}x` } }])
    expect([mixpanel.status, mixpanel.json()]).toMatchObject([401, { status: 0, error: expect.any(String) }])
    const limited = await amplitude(Array(20).fill({ event_type: 'a' }))
    expect([limited.status, limited.json()]).toMatchObject([429, { code: 429, throttled_events: [] }])
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
    await keys.pause(id)
    const paused = (await amplitude([{ event_type: 'a' }])).json()
    expect(paused).toMatchObject({ code: 429, reason: 'key_paused' })
    expect(paused.throttled_events.slice(0, 3)).toEqual([0, 1, 2])
  })
})

it('forwardEvents passes them on under its own key', async () => {
  const { url, key, arrived } = await setUp()
  const senders = ['posthog', 'amplitude', 'mixpanel', 'jitsu'] as const
  const own = createWriteKeys()
  onTestFinished(() => own.close())
  const web = await own.create({ name: 'Web', sourceType: 'web' })
  for (const keys of [undefined, own]) {
    const forward = forwardEvents({ to: url, key, senders, ...(keys && { keys }) })
    const page = keys === undefined ? 'page' : web.key
    const send = (path: string, body?: unknown, headers = {}) =>
      forward(
        new Request(`https://app.example.com/events${path}`, {
          ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
          headers,
        }),
      )
    const data = encodeURIComponent(base64({ event: 'c', properties: { token: page } }))
    const answers = [
      await send('/i/v0/e/', [{ event: 'a', properties: { token: page } }]),
      await send('/2/httpapi', { api_key: page, events: [{ event_type: 'b' }] }),
      await send(`/track?verbose=1&data=${data}`),
      await send('/api/s/track', { event: 'd' }, { 'x-write-key': `any:${page}` }),
    ]
    expect(await Promise.all(answers.map((answer) => answer.json()))).toMatchObject([
      { status: 'Ok' },
      { code: 200 },
      { status: 1 },
      { ok: true },
    ])
  }
  expect(arrived.map(({ event }) => event)).toEqual(['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd'])
  expect(JSON.stringify(arrived)).not.toContain(web.key)
})
