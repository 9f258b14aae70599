import { createInstance } from '@amplitude/analytics-node'
import { jitsuAnalytics } from '@jitsu/js'
import express from 'express'
import Fastify from 'fastify'
import Mixpanel from 'mixpanel'
import { PostHog } from 'posthog-node'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ingestRoutes as expressRoutes } from '../../adapters/express.ts'
import { ingestRoutes as fastifyRoutes } from '../../adapters/fastify.ts'
import { createWriteKeys, type IngestEvent } from '../../src/index.ts'
import { createIngestApi, type IngestApi, type IngestContext } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

type Start = (api: IngestApi) => Promise<string>

const starts: [string, Start][] = [
  [
    'Express',
    async (api) => {
      const { url, close } = await serve(express().use(expressRoutes(api)))
      closers.push(close)
      return url
    },
  ],
  [
    'Fastify',
    async (api) => {
      const app = Fastify()
      app.register(fastifyRoutes(api))
      closers.push(() => app.close())
      return app.listen({ port: 0, host: '127.0.0.1' })
    },
  ],
]

async function setUp(start: Start, schemas: Record<string, z.ZodType> = {}) {
  const keys = createWriteKeys()
  closers.push(() => keys.close())
  const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'server', rateLimitEps: 1_000 })
  const arrived: IngestEvent[] = []
  const requests: [sender: string, events: number][] = []
  const api = createIngestApi<IngestEvent>(keys, {
    senders: ['posthog', 'amplitude', 'mixpanel', 'jitsu'],
    schemas,
    onEvents(events, { sender }: IngestContext) {
      arrived.push(...events)
      requests.push([sender, events.length])
    },
  })
  const url = await start(api)
  return { keys, key, id: writeKey.id, url, arrived, requests }
}

const hundred = Array.from({ length: 100 }, (_, n) => `Event ${n}`)
const nameOf = ({ event }: IngestEvent) => event

describe.each(starts)('on %s', (_, start) => {
  it('posthog-node delivers every event once', async () => {
    const { keys, key, id, url, arrived, requests } = await setUp(start)
    const sdk = new PostHog(key, { host: url, flushAt: 1_000, maxBatchSize: 100, flushInterval: 60_000 })
    for (const event of hundred) sdk.capture({ distinctId: '42', event, properties: { total: 1 } })
    await sdk.shutdown()
    expect(requests).toEqual([['posthog', 100]])
    expect(arrived.map(nameOf)).toEqual(hundred)
    expect(arrived[0]).toMatchObject({
      type: 'track',
      distinct_id: '42',
      messageId: arrived[0]?.uuid,
      properties: { total: 1 },
    })
    expect(JSON.stringify(arrived)).not.toContain(key)
    expect(await keys.usage(id)).toMatchObject({ accepted: { track: 100 } })
  })

  it('posthog-node identifies, aliases and groups', async () => {
    const { key, url, arrived } = await setUp(start)
    const sdk = new PostHog(key, { host: url, flushInterval: 60_000 })
    sdk.identify({ distinctId: '42', properties: { plan: 'pro' } })
    sdk.alias({ distinctId: '42', alias: 'a1' })
    sdk.groupIdentify({ groupType: 'company', groupKey: 'acme' })
    sdk.capture({ distinctId: '42', event: '$pageview' })
    await sdk.shutdown()
    expect(arrived.map(({ type }) => type).toSorted()).toEqual(['alias', 'group', 'identify', 'page'])
  })

  it('@amplitude/analytics-node delivers every event once', async () => {
    const { keys, key, id, url, arrived, requests } = await setUp(start)
    const sdk = createInstance()
    await sdk.init(key, {
      serverUrl: `${url}/2/httpapi`,
      flushQueueSize: 100,
      flushIntervalMillis: 60_000,
    }).promise
    const sent = hundred.map((name) => sdk.track(name, { total: 1 }, { user_id: 'user 42' }).promise)
    await sdk.flush().promise
    expect((await Promise.all(sent)).map(({ code }) => code)).toEqual(Array(100).fill(200))
    expect(requests).toEqual([['amplitude', 100]])
    expect(arrived.map(nameOf)).toEqual(hundred)
    expect(arrived[0]).toMatchObject({
      type: 'track',
      event_type: 'Event 0',
      messageId: arrived[0]?.insert_id,
      event_properties: { total: 1 },
    })
    expect(JSON.stringify(arrived)).not.toContain(key)
    expect(await keys.usage(id)).toMatchObject({ accepted: { track: 100 } })
  })

  it('mixpanel delivers every event once, by GET and by POST', async () => {
    const { keys, key, id, url, arrived, requests } = await setUp(start)
    const { hostname: host, port } = new URL(url)
    const sdk = Mixpanel.init(key, { host, port: Number(port), protocol: 'http' } as never)
    const ended = <T>(call: (done: (error?: T) => void) => void) =>
      new Promise<T | undefined>((resolve) => call(resolve))
    const batch = hundred.map((event) => ({ event, properties: { distinct_id: '42', total: 1 } }))
    expect(
      await ended((done) => sdk.track_batch(batch as never, ((errors: unknown) => done(errors)) as never)),
    ).toBeFalsy()
    expect(await ended((done) => sdk.track('Büro?&', { distinct_id: '42' }, done))).toBeUndefined()
    expect(await ended((done) => sdk.people.set('42', { plan: 'pro' }, done))).toBeUndefined()
    expect(requests).toEqual([
      ['mixpanel', 50],
      ['mixpanel', 50],
      ['mixpanel', 1],
      ['mixpanel', 1],
    ])
    expect(arrived.slice(0, 101).map(nameOf).toSorted()).toEqual([...hundred, 'Büro?&'].toSorted())
    expect(arrived[101]).toMatchObject({ type: 'identify', $distinct_id: '42', $set: { plan: 'pro' } })
    expect(JSON.stringify(arrived)).not.toContain(key)
    expect(await keys.usage(id)).toMatchObject({ accepted: { track: 101, identify: 1 } })
  })

  it('@jitsu/js delivers every event once', async () => {
    const { keys, key, id, url, arrived } = await setUp(start)
    const sdk = jitsuAnalytics({ host: url, writeKey: `key:${key}`, s2s: true, errorPolicy: 'rethrow' })
    await Promise.all(hundred.map((event) => sdk.track(event, { total: 1 })))
    await sdk.identify('42', { plan: 'pro' })
    await expect.poll(() => arrived.length).toBe(101)
    expect(arrived.slice(0, 100).map(nameOf).toSorted()).toEqual(hundred.toSorted())
    expect(arrived[0]).toMatchObject({
      type: 'track',
      messageId: expect.any(String),
      properties: { total: 1 },
    })
    expect(JSON.stringify(arrived)).not.toContain(key)
    expect(JSON.stringify(arrived)).not.toContain('***')
    expect(await keys.usage(id)).toMatchObject({ accepted: { track: 100, identify: 1 } })
  })

  it('@jitsu/js names pages in their properties, and rules and schemas see it', async () => {
    const { keys, url, arrived } = await setUp(start, { Checkout: z.looseObject({ total: z.number() }) })
    const { key } = await keys.create({ name: 'Page', sourceType: 'web', deniedEventNames: ['Secret'] })
    for (const s2s of [true, false]) {
      arrived.length = 0
      const refused: string[] = []
      const errorPolicy = (error: unknown) => void refused.push(String(error))
      const sdk = jitsuAnalytics({ host: url, writeKey: `key:${key}`, s2s, errorPolicy })
      await sdk.page({ name: 'Secret' })
      await sdk.page({ name: 'Checkout', total: '1' })
      expect(refused).toEqual([
        expect.stringContaining('event_name_not_allowed'),
        expect.stringContaining('invalid_event'),
      ])
      await sdk.page({ name: 'Checkout', total: 1 })
      await sdk.page({ name: 'Home' })
      await sdk.page({})
      expect(arrived).toMatchObject([
        { type: 'page', name: 'Checkout', properties: { name: 'Checkout', total: 1 } },
        { type: 'page', name: 'Home' },
        { type: 'page' },
      ])
      expect(arrived[2]).not.toHaveProperty('name')
    }
  })

  it.each([
    ['/api/s/page', { properties: { name: 'Secret' } }],
    ['/api/s/screen', [{ properties: { name: 'Secret' } }]],
    ['/api/s/event', { type: 'page', properties: { name: 'Secret' } }],
    ['/api/s/s2s/batch', { batch: [{ type: 'screen', properties: { name: 'Secret' } }] }],
    ['/api/s/page', { properties: { name: ['Secret'] } }],
    ['/api/s/page', { name: 'Secret', properties: { name: 'Home' } }],
  ])('a name that Jitsu finds in %s %j is judged', async (path, body) => {
    const { keys, url } = await setUp(start)
    const { key } = await keys.create({ name: 'Page', sourceType: 'web', deniedEventNames: ['Secret'] })
    const sent = await fetch(url + path, {
      method: 'POST',
      headers: { 'x-write-key': `key:${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect([sent.status, await sent.json()]).toMatchObject([403, { code: 'event_name_not_allowed' }])
  })
})
