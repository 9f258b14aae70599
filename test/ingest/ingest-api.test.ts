import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createWriteKeys,
  type IngestEvent,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { createIngestApi, type IngestContext } from '../../src/ingest/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { serve } from '../neighbours/served.ts'
import { apps, type CreateApp } from './ingest-apps.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function listen(listener: Parameters<typeof serve>[0]): Promise<string> {
  const { url, close } = await serve(listener)
  closers.push(close)
  return url
}

const plainExpress = apps[0]?.[1] as CreateApp

const basic = (key: string) => `Basic ${btoa(`${key}:`)}`
const signedUp = { event: 'Signed Up', userId: '42' }

async function setUp(createApp: CreateApp = plainExpress, options: WriteKeysOptions = {}) {
  const told: WriteKeyEvent[] = []
  const keys = createWriteKeys({ ...options, onEvent: (event) => told.push(event) })
  closers.push(() => keys.close())
  const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other', rateLimitEps: 100 })
  const arrived: IngestEvent[] = []
  const contexts: IngestContext[] = []
  let fails: unknown
  const api = createIngestApi<IngestEvent>(keys, {
    async onEvents(events, context) {
      await Promise.resolve()
      if (fails !== undefined) throw fails
      arrived.push(...events)
      contexts.push(context)
    },
  })
  const url = await listen(await createApp(api, (close) => closers.push(close)))
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}/in${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) }
  }
  return {
    keys,
    key,
    url,
    post,
    arrived,
    contexts,
    told,
    id: writeKey.id,
    fail: (error: unknown) => {
      fails = error
    },
  }
}

describe.each(apps)('ingestRoutes on %s', (_, createApp) => {
  it('serves every sender, and leaves other paths alone', async () => {
    const { post, key, url, arrived, contexts, id } = await setUp(createApp)
    const withKey = { authorization: basic(key) }
    expect((await post('/v1/t', signedUp, withKey)).json()).toEqual({ success: true, accepted: 1 })
    expect((await post('/v1/batch', { batch: [{ type: 'page', name: 'Home' }], writeKey: key })).status).toBe(
      200,
    )
    const gzipped = gzipSync(JSON.stringify({ batch: [{ type: 'identify', userId: '1' }] }))
    const label = { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' }
    expect((await post('/v1/batch', gzipped, { ...withKey, ...label })).status).toBe(200)
    const beacon = await post(`/beacon/v1/batch?writeKey=${key}`, {
      batch: [{ type: 'track', event: 'Left' }],
    })
    expect([beacon.status, beacon.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const sent = await post(`/e/${key}`, [
      { name: 'app/signed.up', data: {} },
      { name: 'b', id: 'mine' },
    ])
    expect(sent.json()).toEqual({ ids: [expect.stringMatching(/^\w{26}$/), 'mine'], status: 200 })
    expect(arrived).toEqual([
      { type: 'track', ...signedUp },
      { type: 'page', name: 'Home' },
      { type: 'identify', userId: '1' },
      { type: 'track', event: 'Left' },
      { name: 'app/signed.up', data: {}, id: sent.json().ids[0] },
      { name: 'b', id: 'mine' },
    ])
    expect(contexts.map(({ sender }) => sender)).toEqual([
      'segment',
      'segment',
      'segment',
      'rudderstack',
      'inngest',
    ])
    expect(contexts[0]).toMatchObject({ writeKey: { id, name: 'Sender' }, rejected: [] })
    expect(JSON.stringify([arrived, contexts])).not.toContain(key)
    const other = await post('/v1/else', {}, withKey)
    expect([other.status, other.text.includes('success')]).toEqual([404, false])
    expect((await fetch(`${url}/in/v1/track`)).status).toBe(404)
  })

  it('answers checks, preflights and refusals', async () => {
    const { post, key, url, arrived } = await setUp(createApp)
    const check = (secret: string) =>
      fetch(`${url}/in/v1/check`, { headers: { authorization: basic(secret) } }).then(({ status }) => status)
    expect([await check(key), await check(generateSecret('sk_live_'))]).toEqual([204, 401])
    const preflight = await fetch(`${url}/in/v1/track`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    const refused = await post(`/e/${generateSecret('sk_live_')}`, { name: 'a' })
    expect(refused.json()).toMatchObject({
      status: 401,
      code: 'invalid_write_key',
      error: expect.any(String),
    })
    expect(arrived).toEqual([])
  })
})

describe('onEvents', () => {
  it('that fails makes the sender come back, counts nothing and gives the charge back', async () => {
    const { post, key, keys, id, fail, told, arrived } = await setUp()
    fail(new Error('the queue is away'))
    const send = () =>
      post(
        '/v1/batch',
        { batch: Array(60).fill({ type: 'track', event: 'a' }) },
        { authorization: basic(key) },
      )
    const refused = await send()
    expect([refused.status, refused.headers.get('retry-after'), refused.json().code]).toEqual([
      503,
      '5',
      'handler_failed',
    ])
    expect(refused.text).not.toContain('queue')
    fail(undefined)
    const accepted = await send()
    expect([accepted.status, accepted.headers.get('x-ratelimit-remaining')]).toEqual([200, '40'])
    expect(arrived).toHaveLength(60)
    expect(told.map((event) => (event.type === 'refused' ? event.reason : event.type))).toEqual([
      'handler_failed',
      'accepted',
    ])
    expect(told[0]).toMatchObject({ error: new Error('the queue is away') })
    expect(await keys.usage(id)).toMatchObject({ accepted: { track: 60 }, refusedTotal: 1 })
  })

  it('gives back one bucket a minute at most', async () => {
    const { post, key, fail } = await setUp(undefined, { clock: () => 1_800_000_000_000 })
    fail(new Error('poison'))
    const send = async () =>
      (
        await post(
          '/v1/batch',
          { batch: Array(60).fill({ type: 'track', event: 'a' }) },
          { authorization: basic(key) },
        )
      ).status
    expect([await send(), await send(), await send()]).toEqual([503, 503, 429])
  })

  it('may find events wrong for good, which is charged', async () => {
    const { post, key, fail } = await setUp()
    fail(Object.assign(new Error('no such product'), { status: 422 }))
    const answer = await post('/v1/track', signedUp, { authorization: basic(key) })
    expect([answer.status, answer.json().code]).toEqual([400, 'invalid_event'])
    fail(undefined)
    const next = await post('/v1/track', signedUp, { authorization: basic(key) })
    expect(Number(next.headers.get('x-ratelimit-remaining'))).toBeLessThan(100)
  })
})

describe('createIngestApi', () => {
  it('refuses what it cannot use, naming it', () => {
    const keys = createWriteKeys()
    closers.push(() => keys.close())
    const onEvents = () => {}
    expect(() => createIngestApi(keys, {} as never)).toThrow(/onEvents/)
    expect(() => createIngestApi({} as never, { onEvents })).toThrow(/keys/)
    expect(() => createIngestApi(keys, { onEvents, senders: [] })).toThrow(/senders/)
    expect(() => createIngestApi(keys, { onEvents, senders: ['segmnt' as never] })).toThrow(
      /Did you mean 'segment'/,
    )
    expect(() => createIngestApi(keys, { onEvents, sender: ['segment'] } as never)).toThrow(
      /Did you mean "senders"/,
    )
  })

  it('serves the senders that it was given, and no path of others', () => {
    const keys = createWriteKeys()
    closers.push(() => keys.close())
    const api = createIngestApi(keys, { onEvents() {}, senders: ['inngest'] })
    expect(api.find('/v1/track')).toBeUndefined()
    expect(api.find('/e/x')?.sender?.name).toBe('inngest')
  })

  it('tells events apart by type', async () => {
    type Own =
      | { type: 'track'; event: 'Order Paid'; properties: { total: number } }
      | { type: 'identify'; userId: string }
    const keys = createWriteKeys()
    closers.push(() => keys.close())
    createIngestApi<Own>(keys, {
      onEvents(events) {
        for (const event of events) {
          if (event.type === 'track') event.properties.total satisfies number
          else event.userId satisfies string
        }
      },
    })
  })
})
