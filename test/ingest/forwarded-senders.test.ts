import type { IncomingHttpHeaders } from 'node:http'
import { createInstance } from '@amplitude/analytics-node'
import { jitsuAnalytics } from '@jitsu/js'
import Mixpanel from 'mixpanel'
import { PostHog } from 'posthog-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answerByFetch, ingestRoutes } from '../../src/adapter/index.ts'
import {
  type CreateKeyInput,
  createWriteKeys,
  type IngestEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { createIngestApi, type ForwardOptions, forwardEvents } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const senders = ['inngest', 'posthog', 'amplitude', 'mixpanel', 'jitsu'] as const
const theirKey = 'key-at-the-target'

/** A guarded forwarder on a server of its own, for pages and SDKs. */
async function startForwarder(
  target: Pick<ForwardOptions, 'to' | 'key'>,
  options: WriteKeysOptions = {},
  fields: Partial<CreateKeyInput> = {},
) {
  const keys = createWriteKeys(options)
  const { key } = await keys.create({
    name: 'Page',
    sourceType: 'web',
    deniedEventNames: ['secret'],
    ...fields,
  })
  const forward = forwardEvents({ ...target, senders, keys })
  const handler = { handles: () => true, fetch: (request: Request) => forward(request) }
  const { url, close } = await serve(
    (request, response) => void answerByFetch(handler, request, response, { maxBodyBytes: 4_000_000 }),
  )
  closers.push(close, () => keys.close())
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}/events${path}`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return { url: `${url}/events`, key, post }
}

describe('a target that is the API of the sender', () => {
  let received: { path: string; headers: IncomingHttpHeaders; body: unknown }[] = []
  beforeEach(() => {
    received = []
  })

  async function start(options?: WriteKeysOptions, fields?: Partial<CreateKeyInput>) {
    const target = await serve(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      received.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(body) })
      response.end('{}')
    })
    closers.push(target.close)
    return startForwarder({ to: target.url, key: theirKey }, options, fields)
  }

  it.each<[string, string, (key: string) => unknown, unknown]>([
    [
      'a batch of PostHog',
      '/batch/',
      (key) => ({
        api_key: key,
        batch: [{ event: '$pageview', type: 'capture', uuid: 'u1', properties: { token: key, a: 1 } }],
        sent_at: '2026-01-01T00:00:00Z',
        event: 'beside',
      }),
      {
        api_key: theirKey,
        batch: [{ event: '$pageview', type: 'capture', uuid: 'u1', properties: { token: theirKey, a: 1 } }],
        sent_at: '2026-01-01T00:00:00Z',
      },
    ],
    [
      'a list of PostHog',
      '/e/',
      (key) => [{ event: 'a', properties: { token: key } }, { event: 'b' }],
      [{ event: 'a', properties: { token: theirKey } }, { event: 'b' }],
    ],
    [
      'an event of PostHog',
      '/i/v0/e/',
      (key) => ({ token: key, event: 'a', distinct_id: '1' }),
      { token: theirKey, event: 'a', distinct_id: '1' },
    ],
    [
      'Amplitude',
      '/2/httpapi',
      (key) => ({
        api_key: key,
        events: [{ event_type: 'a', insert_id: 'i1', event_properties: {} }],
        batch: [{ event_type: 'unjudged' }],
        options: { min_id_length: 1 },
      }),
      {
        api_key: theirKey,
        events: [{ event_type: 'a', insert_id: 'i1', event_properties: {} }],
        options: { min_id_length: 1 },
      },
    ],
    [
      'events of Mixpanel',
      '/track',
      (key) => [{ event: 'a', properties: { token: key, $insert_id: 'i1' } }],
      [{ event: 'a', properties: { token: theirKey, $insert_id: 'i1' } }],
    ],
    [
      'profiles of Mixpanel',
      '/engage',
      (key) => [{ $token: key, $distinct_id: '1', $set: { plan: 'pro' } }],
      [{ $token: theirKey, $distinct_id: '1', $set: { plan: 'pro' } }],
    ],
  ])('gets %s as it was sent, under its own key', async (_, path, sent, expected) => {
    const { key, post } = await start()
    expect((await post(path, sent(key))).status).toBe(200)
    expect(received).toMatchObject([{ path, headers: { 'content-type': 'application/json' } }])
    expect(received[0]?.body).toEqual(expected)
    expect(JSON.stringify(received)).not.toContain(key)
  })

  it.each<[string, unknown, unknown]>([
    ['/batch/', { batch: [{ event: 'a' }] }, { api_key: theirKey, batch: [{ event: 'a' }] }],
    ['/capture/', { event: 'a' }, { event: 'a', api_key: theirKey }],
    ['/2/httpapi', { events: [{ event_type: 'a' }] }, { api_key: theirKey, events: [{ event_type: 'a' }] }],
    ['/import', [{ event: 'a' }], [{ event: 'a', properties: { token: theirKey } }]],
    ['/engage', [{ $set: { a: 1 } }], [{ $set: { a: 1 }, $token: theirKey }]],
    ['/groups', { event: 'a', $set: {} }, { event: 'a', $set: {}, $token: theirKey }],
  ])('finds its key at %s also when the page had its own in a header', async (path, sent, expected) => {
    const { key, post } = await start()
    expect((await post(path, sent, { authorization: `Basic ${btoa(`${key}:`)}` })).status).toBe(200)
    expect(received[0]?.body).toEqual(expected)
  })

  it('gets nothing that the key of the page may not send', async () => {
    const { key, post } = await start({ onForbiddenEvent: 'drop' })
    const events = ['a', 'secret', 'b'].map((event) => ({ event, properties: { token: key } }))
    expect((await post('/track', [...events, null, { event: 'c', __proto__: null }])).status).toBe(200)
    expect((await post('/batch/', { api_key: key, batch: events })).status).toBe(200)
    const names = received.map(({ body }) => (Array.isArray(body) ? body : (body as { batch: [] }).batch))
    expect(names.map((list) => list.map(({ event }: IngestEvent) => event))).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b'],
    ])
    const refused = await post('/2/httpapi', { api_key: key, events: [{ event_type: 'secret' }] })
    expect([refused.status, await refused.json()]).toEqual([403, expect.objectContaining({ code: 403 })])
    expect(received).toHaveLength(2)
  })

  const profile = { $distinct_id: '42', $set: { plan: 'admin' } }
  it.each<[string, unknown]>([
    ['/engage', [{ ...profile, event: 'x' }]],
    ['/engage', [{ ...profile, event: 'x', $group_key: 'company', type: 'track' }]],
    ['/engage', { $distinct_id: '42', $delete: '', event: 'x', properties: {} }],
    ['/groups', [{ $group_key: 'company', $group_id: '1', $delete: '', event: 'x' }]],
    ['/track', [{ event: '$merge', properties: {} }]],
    ['/capture/', { event: '$merge_dangerously', type: 'track', properties: { alias: '42' } }],
    ['/2/httpapi', { events: [{ event_type: '$identify', event: 'x', type: 'track' }] }],
    ['/api/s/event', { type: 'identify', event: 'x' }],
    ['/e/with-key', { name: 'x', type: 'track', event: 'x' }],
  ])(
    'gets no profile at %s under a key for track alone, whatever the record says (%#)',
    async (path, body) => {
      const { key, post } = await start({}, { allowedEventTypes: ['track'] })
      const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
      expect((await post(path.replace('with-key', key), body, headers)).status).toBe(403)
      const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
      if (path === '/engage') {
        const data = `data=${encodeURIComponent(JSON.stringify(body))}`
        expect((await post(path, data, form)).status).toBe(403)
      }
      expect(received).toEqual([])
    },
  )

  it('of Inngest gets no type, and no name that is denied', async () => {
    const { key, post } = await start()
    expect((await post(`/e/${key}`, { name: 'a', type: 'track', event: 'b', data: {} })).status).toBe(200)
    expect((await post(`/e/${key}`, [{ name: 'secret', type: 'track', event: 'b' }])).status).toBe(403)
    expect((await post(`/e/${key}`, { batch: [{ name: 'secret', type: 'track' }] })).status).toBe(403)
    expect(received).toMatchObject([{ path: `/e/${theirKey}`, body: { name: 'a', event: 'b', data: {} } }])
    expect(received[0]?.body).not.toHaveProperty('type')
  })

  it('of Jitsu finds its key in X-Write-Key', async () => {
    const { key, post } = await start()
    const headers = { 'x-write-key': `page:${key}` }
    expect((await post('/api/s/track', { event: 'a' }, headers)).status).toBe(200)
    expect(received[0]).toMatchObject({ headers: { 'x-write-key': theirKey }, body: { event: 'a' } })
    expect(JSON.stringify(received)).not.toContain(key)
  })

  it('of Jitsu alone may have a key with a colon, which Basic cannot carry', async () => {
    const target = await serve((request, response) => {
      received.push({ path: '', headers: request.headers, body: null })
      response.end('{}')
    })
    closers.push(target.close)
    const fine = { to: target.url, key: 'id:secret' }
    expect(() => forwardEvents({ ...fine, senders: ['jitsu', 'segment'] })).toThrow(/^key must not hold ":"/)
    expect(() => forwardEvents(fine)).toThrow(/^key must not hold ":"/)
    const forward = forwardEvents({ ...fine, senders: ['jitsu'] })
    const url = 'https://app.example.com/events/api/s/track'
    expect((await forward(new Request(url, { method: 'POST', body: '{"event":"a"}' }))).status).toBe(200)
    expect(received[0]?.headers).toMatchObject({ 'x-write-key': 'id:secret' })
    expect(received[0]?.headers).not.toHaveProperty('authorization')
  })
})

it('published SDKs deliver every event once through a guarded forwarder', async () => {
  const theirs = createWriteKeys()
  closers.push(() => theirs.close())
  const server = await theirs.create({ name: 'Edge', sourceType: 'server' })
  const arrived: IngestEvent[] = []
  const api = createIngestApi<IngestEvent>(theirs, {
    senders,
    onEvents: (events) => void arrived.push(...events),
  })
  const routes = ingestRoutes(api)
  const target = await serve((request, response) => routes(request, response))
  closers.push(target.close)
  const { url, key } = await startForwarder({ to: target.url, key: server.key })

  const posthog = new PostHog(key, { host: url, flushInterval: 60_000 })
  posthog.capture({ distinctId: '42', event: 'of PostHog' })
  await posthog.shutdown()
  const amplitude = createInstance()
  await amplitude.init(key, { serverUrl: `${url}/2/httpapi`, flushIntervalMillis: 60_000 }).promise
  const sent = amplitude.track('of Amplitude', {}, { user_id: 'user 42' }).promise
  await amplitude.flush().promise
  expect((await sent).code).toBe(200)
  const { hostname: host, port } = new URL(url)
  const mixpanel = Mixpanel.init(key, {
    host,
    port: Number(port),
    protocol: 'http',
    path: '/events',
  } as never)
  const failure = await new Promise((resolve) =>
    mixpanel.track('of Mixpanel', { distinct_id: '42' }, resolve),
  )
  expect(failure).toBeUndefined()
  const jitsu = jitsuAnalytics({ host: url, writeKey: `key:${key}`, s2s: true, errorPolicy: 'rethrow' })
  await jitsu.track('of Jitsu')

  await expect.poll(() => arrived.length).toBe(4)
  expect(arrived.map(({ event }) => event)).toEqual(['of PostHog', 'of Amplitude', 'of Mixpanel', 'of Jitsu'])
  expect(JSON.stringify(arrived)).not.toContain(key)
  expect(JSON.stringify(arrived)).not.toContain(server.key)
})
