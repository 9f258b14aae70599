import 'reflect-metadata'
import { gzipSync } from 'node:zlib'
import express from 'express'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ingestRoutes, writeKeyAuth } from '../../adapters/express.ts'
import { guardListener } from '../../adapters/node.ts'
import { createWriteKeys, type IngestEvent } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'
import { apps, guardsReading } from './guard-apps.ts'
import { holdEvents } from './held-events.ts'

it.each(Object.entries(apps))(
  'behind %s a request counts once, as what its sender was told',
  async (_, create) => {
    const decided: string[] = []
    const keys = createWriteKeys({
      logger: false,
      onEvent(event) {
        if (event.type === 'accepted' || event.type === 'refused') decided.push(event.type)
      },
    })
    const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other', rateLimitEps: 10 })
    const api = createIngestApi(keys, {
      onEvents([first]) {
        if (first?.type === 'track' && first.event === 'fail') throw new Error('the queue is away')
      },
    })
    const { url, close } = await serve(await create(keys, api))
    onTestFinished(() => {
      close()
      return keys.close()
    })
    const send = (path: string, event: string) =>
      fetch(url + path, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' },
        body: JSON.stringify({ event, userId: '42' }),
      })
    expect((await send('/v1/track', 'fail')).status).toBe(503)
    expect(await keys.usage(writeKey.id)).toMatchObject({ accepted: {}, refused: { handler_failed: 1 } })
    expect((await send('/v1/track', 'good')).status).toBe(200)
    const own = await send('/own/track', 'good')
    expect(await own.text()).toBe('own')
    await vi.waitFor(() => expect(decided).toEqual(['refused', 'accepted', 'accepted']))
    expect(await keys.usage(writeKey.id)).toMatchObject({
      accepted: { track: 2 },
      refused: { handler_failed: 1 },
    })
  },
)

it.each(Object.entries(apps))(
  'behind %s close() waits for onEvents and counts its events',
  async (_, create) => {
    const { keys, api, order, begun, go, close, authorization } = await holdEvents()
    const { url, close: stop } = await serve(await create(keys, api))
    onTestFinished(stop)
    const sent = fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"event":"good","userId":"42"}',
    })
    await begun.promise
    const closing = close()
    await new Promise((resolve) => setImmediate(resolve))
    go.resolve()
    expect((await sent).status).toBe(200)
    await closing
    expect(order).toEqual(['handled', 'counted', 'closed'])
  },
)

it('a guard of keys that wrap those of the endpoints does not speak for their formats', async () => {
  const keys = createWriteKeys({ logger: false })
  const wrapped = {
    preflight: keys.preflight,
    verify: async (request: Parameters<typeof keys.verify>[0]) => ({ ...(await keys.verify(request)) }),
  }
  const { key } = await keys.create({ name: 'Sender', sourceType: 'web', allowedEventTypes: ['track'] })
  const arrived: IngestEvent[] = []
  const api = createIngestApi<IngestEvent>(wrapped, {
    senders: ['posthog'],
    onEvents: (events) => void arrived.push(...events),
  })
  const app = express().use(writeKeyAuth(wrapped, { eventType: 'batch' }), ingestRoutes(api))
  const { url, close } = await serve(app)
  onTestFinished(() => {
    close()
    return keys.close()
  })
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const body = JSON.stringify({ event: '$identify', type: 'track' })
  expect((await fetch(`${url}/capture/`, { method: 'POST', headers, body })).status).toBe(403)
  expect(arrived).toEqual([])
})

it('a guard in front takes no body but JSON, and no events of a GET: none gets through unread', async () => {
  const keys = createWriteKeys(guardsReading)
  const { key } = await keys.create({ name: 'Sender', sourceType: 'web' })
  const arrived: IngestEvent[] = []
  const api = createIngestApi<IngestEvent>(keys, {
    senders: ['posthog', 'mixpanel'],
    onEvents: (events) => void arrived.push(...events),
  })
  const { url, close } = await serve(guardListener(express().use(ingestRoutes(api)), keys, { path: '/' }))
  onTestFinished(() => {
    close()
    return keys.close()
  })
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const data = `data=${encodeURIComponent('{"event":"a","properties":{}}')}`
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
  const answers = [
    await fetch(`${url}/track`, { method: 'POST', headers: form, body: data }),
    await fetch(`${url}/e/`, { method: 'POST', headers, body: gzipSync('{"event":"a"}') }),
    await fetch(`${url}/track?${data}`, { headers }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
  expect(arrived).toEqual([])
})
