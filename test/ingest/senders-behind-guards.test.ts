import 'reflect-metadata'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ingestRoutes, writeKeyAuth } from '../../adapters/express.ts'
import {
  type CreateKeyInput,
  createWriteKeys,
  type IngestEvent,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import { serve } from '../neighbours/served.ts'
import { apps, guardsReading } from './guard-apps.ts'

describe.each(Object.entries(apps))('behind %s', (_, create) => {
  async function start(fields: Partial<CreateKeyInput>, options: WriteKeysOptions = {}) {
    const keys = createWriteKeys({ ...guardsReading, ...options })
    const { key } = await keys.create({ name: 'Sender', sourceType: 'web', ...fields })
    const arrived: IngestEvent[] = []
    const api = createIngestApi<IngestEvent>(keys, {
      senders: ['segment', 'inngest', 'posthog', 'amplitude', 'mixpanel'],
      onEvents: (events) => void arrived.push(...events),
    })
    const { url, close } = await serve(await create(keys, api))
    onTestFinished(() => {
      close()
      return keys.close()
    })
    async function post(path: string, body: (key: string) => unknown) {
      const isInPath = path === '/e/with-key'
      return await fetch(url + (isInPath ? `/e/${key}` : path), {
        method: 'POST',
        ...(!isInPath && { headers: { authorization: `Basic ${btoa(`${key}:`)}` } }),
        body: JSON.stringify(body(key)),
      })
    }
    return { arrived, post, key }
  }

  it.each<[string, (key: string) => unknown]>([
    ['/capture/', () => ({ event: '$identify', type: 'track', properties: {} })],
    ['/capture/', () => ({ event: '$set', type: 'track', $set: { plan: 'admin' } })],
    ['/capture/', () => ({ event: '$merge_dangerously', type: 'track' })],
    ['/batch/', () => ({ batch: [{ event: '$identify', type: 'track' }] })],
    ['/batch/', (key) => ({ api_key: key, batch: [{ event: '$groupidentify', type: 'track' }] })],
    ['/i/v0/e/', () => [{ event: '$create_alias', type: 'track' }]],
    ['/2/httpapi', () => ({ events: [{ event_type: '$identify', type: 'track', event: 'a' }] })],
    ['/batch', (key) => ({ api_key: key, events: [{ event_type: '$groupidentify', type: 'track' }] })],
    ['/track', (key) => [{ event: '$identify', type: 'track', properties: { token: key } }]],
    ['/track', () => [{ $set: { plan: 'admin' }, type: 'track' }]],
    ['/engage', (key) => [{ $token: key, type: 'track', event: 'a', $set: { plan: 'admin' } }]],
    ['/groups', (key) => [{ $token: key, type: 'track', event: 'a', $group_key: 'c', $delete: '' }]],
    ['/e/with-key', () => ({ name: 'a', type: 'track', event: 'a', data: {} })],
  ])('a record at %s is what its sender makes of it, whatever type it says (%#)', async (path, body) => {
    const { post, arrived } = await start({ allowedEventTypes: ['track'] })
    expect((await post(path, body)).status).toBe(403)
    expect(arrived).toEqual([])
  })

  it('good records of every sender arrive as without the guard, and no key with them', async () => {
    const { post, arrived, key } = await start({ allowedEventTypes: ['track', 'identify'] })
    const sent: [string, (key: string) => unknown][] = [
      ['/capture/', (key) => ({ api_key: key, token: key, event: 'a', type: 'track' })],
      ['/batch/', (key) => ({ batch: [{ event: 'b', type: 'track', properties: { token: key, x: 1 } }] })],
      ['/2/httpapi', (key) => ({ api_key: key, events: [{ event_type: 'c', type: 'track' }] })],
      ['/track', (key) => [{ event: 'd', type: 'track', properties: { token: key, $insert_id: 'i' } }]],
      ['/engage', (key) => [{ $token: key, type: 'track', $set: { a: 1 } }]],
    ]
    for (const [path, body] of sent) expect([path, (await post(path, body)).status]).toEqual([path, 200])
    expect(arrived).toEqual([
      { event: 'a', type: 'track' },
      { event: 'b', type: 'track', properties: { x: 1 } },
      { event_type: 'c', type: 'track', event: 'c' },
      { event: 'd', type: 'track', properties: { $insert_id: 'i' }, messageId: 'i' },
      { $set: { a: 1 }, type: 'identify' },
    ])
    expect(JSON.stringify(arrived)).not.toContain(key)
  })

  it('a key without a type rule takes records without a type, each as an event of its own', async () => {
    const { post, arrived } = await start({ deniedEventNames: ['secret'] })
    const events = [{ event_type: 'a' }, { event_type: 'b' }]
    expect((await post('/2/httpapi', (key) => ({ api_key: key, events }))).status).toBe(200)
    expect(
      (await post('/2/httpapi', () => ({ events: [{ event_type: 'secret', event: 'a' }] }))).status,
    ).toBe(403)
    expect((await post('/e/with-key', () => ({ name: 'fine', data: {} }))).status).toBe(200)
    expect((await post('/e/with-key', () => ({ name: 'secret', type: 'track', event: 'a' }))).status).toBe(
      403,
    )
    expect(arrived).toEqual([
      { event_type: 'a', type: 'track', event: 'a' },
      { event_type: 'b', type: 'track', event: 'b' },
      { name: 'fine', data: {}, id: expect.any(String) },
    ])
  })

  it('what is left out of a batch by guard and endpoint is counted from the batch that was sent', async () => {
    const { post, arrived } = await start({ allowedEventTypes: ['track'] }, { onForbiddenEvent: 'drop' })
    const batch = [null, ...['$identify', 'a', '$set', 'b'].map((event) => ({ event, type: 'track' }))]
    const answer = await post('/batch/', () => ({ batch }))
    const { rejected } = (await answer.json()) as { rejected: { index: number; type: string | null }[] }
    expect(rejected.map(({ index, type }) => [index, type])).toEqual([
      [0, null],
      [1, 'identify'],
      [3, 'identify'],
    ])
    expect(arrived.map(({ event }) => event)).toEqual(['a', 'b'])
  })
})

/** The status that Inngest's endpoint answers an event with, alone or behind a guard of the same keys. */
async function answerOf(
  event: object,
  isGuarded: boolean,
  input: Partial<CreateKeyInput>,
  onEvent?: (event: WriteKeyEvent) => void,
): Promise<number> {
  const keys = createWriteKeys({ ...guardsReading, onEvent })
  const { key } = await keys.create({ name: 'Sender', sourceType: 'web', ...input })
  const app = express()
  if (isGuarded) app.use(writeKeyAuth(keys))
  app.use(ingestRoutes(createIngestApi(keys, { onEvents() {} })))
  const { url, close } = await serve(app)
  onTestFinished(() => {
    close()
    return keys.close()
  })
  return (await fetch(`${url}/e/${key}`, { method: 'POST', body: JSON.stringify(event) })).status
}

it.each([
  ['is not text', { name: 'good', type: 5, data: {} }, 400],
  ['says that its name is elsewhere', { name: 'good', type: 'track', data: {} }, 403],
  ['is missing', { name: 'good', data: {} }, 200],
])(
  'an event of Inngest whose type %s passes its endpoint, but not every guard in front',
  async (_, event, behind) => {
    const rules = { allowedEventNames: ['good'] }
    expect(await answerOf(event, false, rules)).toBe(200)
    expect(await answerOf(event, true, rules)).toBe(behind)
  },
)

it('a rule on trial goes by the type of an Inngest event only where a guard is in front', async () => {
  const told: string[][] = []
  for (const isGuarded of [false, true]) {
    const types: string[] = []
    const event = { name: 'a', type: 'track', data: {} }
    const rules = { trial: { allowedEventTypes: ['track'] } }
    expect(await answerOf(event, isGuarded, rules, ({ type }) => void types.push(type))).toBe(200)
    told.push(types.filter((type) => type === 'would_refuse'))
  }
  expect(told).toEqual([['would_refuse'], []])
})
