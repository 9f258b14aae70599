import { EventEmitter, once } from 'node:events'
import { type } from 'arktype'
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  createWriteKeys,
  type IngestEvent,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'
import {
  createIngestApi,
  type EventSchemas,
  type IngestApi,
  type IngestApiOptions,
  type StandardSchema,
} from '../../src/ingest/index.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

function createKeys(options: WriteKeysOptions = {}) {
  const keys = createWriteKeys(options)
  closers.push(() => keys.close())
  return keys
}

async function setUp(schemas: EventSchemas, options: WriteKeysOptions = {}) {
  const told: WriteKeyEvent[] = []
  const keys = createKeys({ ...options, onEvent: (event) => told.push(event) })
  const { key, writeKey } = await keys.create({ name: 'Shop', sourceType: 'server', rateLimitEps: 100 })
  const arrived: IngestEvent[] = []
  const api = createIngestApi(keys, {
    schemas,
    onEvents: (events) => void arrived.push(...(events as IngestEvent[])),
  })
  return {
    keys,
    arrived,
    told,
    id: writeKey.id,
    send: (path: string, body: unknown) => send(api, key, path, body),
  }
}

async function send(api: IngestApi, key: string, path: string, body: unknown) {
  const at = path.replace(':key', key)
  const route = api.find(at)
  if (route === undefined) throw new Error(`nobody serves ${path}`)
  const headers = path.includes(':key') ? {} : { authorization: `Basic ${btoa(`${key}:`)}` }
  const answer = await api.answer(route, { method: 'POST', path: at, headers, body })
  const { status = 0, body: text = '', headers: sent = {} } = answer?.reply ?? {}
  return { status, text, headers: sent, json: () => JSON.parse(text) }
}

const paid = (properties: unknown) => ({ type: 'track', event: 'Order Paid', userId: '42', properties })

/** The same demand in three libraries: an amount, and items with an SKU each. */
const validators: [string, EventSchemas[string]][] = [
  ['zod', z.object({ total: z.number(), items: z.array(z.object({ sku: z.string() })) })],
  ['valibot', v.object({ total: v.number(), items: v.array(v.object({ sku: v.string() })) })],
  ['arktype', type({ total: 'number', items: type({ sku: 'string' }).array() })],
  [
    'zod, waiting',
    z.object({
      total: z.number().refine(async () => await Promise.resolve(true)),
      items: z.array(z.object({ sku: z.string() })),
    }),
  ],
  [
    'valibot, waiting',
    v.pipeAsync(
      v.object({ total: v.number(), items: v.array(v.object({ sku: v.string() })) }),
      v.checkAsync(async () => await Promise.resolve(true)),
    ),
  ],
]

describe.each(validators)('a schema of %s', (_, schema) => {
  it('refuses names that are no texts: a handler may make a text of them', async () => {
    const { send, arrived } = await setUp({ 'Order Paid': z.object({ total: z.number() }) })
    for (const event of [['Order Paid'], false, 1, {}]) {
      const answer = await send('/v1/track', { event, properties: {} })
      expect([answer.status, answer.json().rejected]).toEqual([
        400,
        [{ index: 0, type: 'track', field: 'event' }],
      ])
    }
    for (const event of ['Other', undefined, null])
      expect((await send('/v1/track', { event, properties: {} })).status).toBe(200)
    expect((await send('/v1/identify', { event: ['Order Paid'], traits: {} })).status).toBe(200)
    expect(arrived).toHaveLength(4)
  })

  it('refuses a name that is no text beside another one, in events whose type nobody says', async () => {
    const { send, arrived } = await setUp({ 'Order Paid': schema })
    for (const [event, field] of [
      [{ event: ['Order Paid'], name: 'Other' }, 'event'],
      [{ event: 'Other', name: ['Order Paid'] }, 'name'],
    ] as const) {
      const answer = await send('/v1/batch', { batch: [event] })
      expect([answer.status, answer.json().rejected]).toEqual([400, [{ index: 0, type: null, field }]])
    }
    for (const event of [{ event: null, name: 'Other' }, { event: 'Other', name: null }, { name: null }])
      expect((await send('/v1/batch', { batch: [event] })).status).toBe(200)
    expect((await send('/v1/batch', { batch: [{ event: null, name: 'Order Paid' }] })).status).toBe(400)
    expect(arrived).toHaveLength(3)
  })

  it('takes what fits, and refuses the rest naming index and field, never the value', async () => {
    const { send, arrived, keys, id } = await setUp({ 'Order Paid': schema })
    const good = paid({ total: 5, items: [{ sku: 'a' }] })
    expect((await send('/v1/batch', { batch: [good, { type: 'track', event: 'Other' }] })).status).toBe(200)
    expect(arrived).toEqual([good, { type: 'track', event: 'Other' }])

    const secret = 'sk_live_hunter2hunter2'
    const answer = await send('/v1/batch', {
      batch: [
        good,
        paid({ total: secret, items: [] }),
        paid({ total: 1, items: [{ sku: 'a' }, { sku: 7 }] }),
      ],
    })
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json'])
    expect(answer.json()).toMatchObject({
      code: 'invalid_event',
      detail: expect.stringContaining('does not fit the schema'),
      rejected: [
        { index: 1, type: 'track', field: 'properties.total' },
        { index: 2, type: 'track', field: 'properties.items[1].sku' },
      ],
    })
    expect(answer.text).not.toContain(secret)
    expect(arrived).toHaveLength(2)
    expect(await keys.usage(id)).toMatchObject({ accepted: { track: 2 }, refused: { invalid_event: 1 } })
  })
})

const total = z.object({ total: z.number() })

describe('schemas', () => {
  it('find an event by the name of its type, whatever path says the type', async () => {
    const { send } = await setUp({ Named: total })
    const statusOf = async (path: string, body: object) => (await send(path, body)).status
    const bad = { total: 'x' }
    expect(await statusOf('/v1/track', { event: 'Named', properties: bad })).toBe(400)
    expect(await statusOf('/v1/t', { event: 'Named' })).toBe(400)
    expect(await statusOf('/v1/page', { name: 'Named', properties: bad })).toBe(400)
    expect(await statusOf('/v1/screen', { name: 'Named', properties: bad })).toBe(400)
    expect(await statusOf('/v1/track', { event: 'other', name: 'Named', properties: bad })).toBe(200)
    expect(await statusOf('/v1/identify', { name: 'Named', event: 'Named', traits: bad })).toBe(200)
    // No type, so either may be the name.
    expect(await statusOf('/v1/batch', { batch: [{ event: 'Named', properties: bad }] })).toBe(400)
    expect(await statusOf('/v1/batch', { batch: [{ name: 'Named', event: 'x', properties: bad }] })).toBe(400)
    expect(await statusOf('/v1/track', { event: 'toString', properties: bad })).toBe(200)
  })

  it('check the data of Inngest events', async () => {
    const { send, arrived } = await setUp({ 'shop/paid': total })
    expect((await send('/e/:key', [{ name: 'shop/paid', data: { total: 5, more: 1 } }])).status).toBe(200)
    expect(arrived).toEqual([{ name: 'shop/paid', data: { total: 5 }, id: expect.any(String) }])
    expect((await send('/e/:key', { name: 'shop/paid', data: {} })).json()).toMatchObject({
      rejected: [{ index: 0, type: null, field: 'data.total' }],
      error: expect.any(String),
    })
  })

  it('hand on what they make of an event, and leave the rest of it', async () => {
    const { send, arrived } = await setUp({
      'Order Paid': z.object({ total: z.coerce.number(), currency: z.string().default('EUR') }),
    })
    await send('/v1/track', { event: 'Order Paid', userId: '42', properties: { total: '7', x: 1 } })
    expect(arrived).toEqual([
      { type: 'track', event: 'Order Paid', userId: '42', properties: { total: 7, currency: 'EUR' } },
    ])
  })

  it('leave bad events out of a batch under drop, with their place in it as it was sent', async () => {
    const { send, arrived, keys, id } = await setUp({ 'Order Paid': total }, { onForbiddenEvent: 'drop' })
    const batch = [null, paid({ total: 1 }), paid({ total: 'x' }), paid({ total: 3 }), paid({})]
    const answer = await send('/v1/batch', { batch })
    expect([answer.status, answer.json()]).toEqual([
      200,
      {
        success: true,
        accepted: 2,
        rejected: [
          { index: 0, type: null, code: 'invalid_event' },
          { index: 2, type: 'track', code: 'invalid_event', field: 'properties.total' },
          { index: 4, type: 'track', code: 'invalid_event', field: 'properties.total' },
        ],
      },
    ])
    expect(arrived).toEqual([paid({ total: 1 }), paid({ total: 3 })])
    expect((await send('/v1/batch', { batch: [paid({}), paid({})] })).status).toBe(400)
    expect((await send('/v1/track', { event: 'Order Paid' })).status).toBe(400)
    expect(arrived).toHaveLength(2)
    expect(await keys.usage(id)).toMatchObject({ accepted: { track: 2 } })
  })

  it('name ten events at most, and no property that a sender has made up', async () => {
    const { send } = await setUp({ Any: z.record(z.string(), z.number()) })
    const key = 'sk_live_0123456789012345678901234567890123456789'
    const batch = Array.from({ length: 30 }, () => ({
      type: 'track',
      event: 'Any',
      properties: { [key]: '' },
    }))
    const { rejected } = (await send('/v1/batch', { batch })).json()
    expect(rejected).toHaveLength(10)
    expect(rejected[0].field).toBe('properties.?')
  })

  it('that throw make the sender come back, and the log says why', async () => {
    const logged: string[] = []
    const { send, told } = await setUp(
      {
        'Order Paid': z.object({}).transform(() => {
          throw new TypeError('no such table')
        }),
      },
      {
        logger: {
          error: (fields, text) => void logged.push(`${text} ${(fields as { err: Error }).err.message}`),
        },
      },
    )
    const answers = [await send('/v1/batch', { batch: [paid({})] }), await send('/v1/track', paid({}))]
    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    expect(answers[0]?.text).not.toContain('table')
    expect(told[0]).toMatchObject({ reason: 'handler_failed', error: { message: 'no such table' } })
    expect(logged).toEqual([expect.stringMatching(/onEvents failed.*no such table/)])
  })

  it('that wait start nothing for a key that was revoked meanwhile', async () => {
    const validator = new EventEmitter()
    const slow = z.object({}).refine(async () => {
      validator.emit('asked')
      await once(validator, 'go on')
      return true
    })
    const { send, keys, id, arrived } = await setUp({ 'Order Paid': slow })
    const asked = once(validator, 'asked')
    const answer = send('/v1/track', paid({}))
    await asked
    await keys.revoke(id)
    validator.emit('go on')
    expect((await answer).status).toBe(401)
    expect(arrived).toEqual([])
  })

  it('cost a sender nothing when they refuse, up to one bucket a minute', async () => {
    const { send } = await setUp({ 'Order Paid': total }, { clock: () => 1_800_000_000_000 })
    await send('/v1/batch', { batch: Array(60).fill(paid({})) })
    const next = await send('/v1/track', paid({ total: 1 }))
    expect([next.status, next.headers['x-ratelimit-remaining']]).toEqual([200, '99'])
  })

  it('are refused at construction when they are none', () => {
    const keys = createKeys()
    const make = (schemas: unknown) => () =>
      createIngestApi(keys, { onEvents() {}, schemas } as IngestApiOptions<IngestEvent>)
    for (const none of [[], new Map([['Order Paid', {}]])])
      expect(make(none as never)).toThrow(/schemas must be an object of schemas by event name/)
    expect(make({ 'Order Paid': { parse() {} } })).toThrow(/schemas\["Order Paid"\] must be a validator/)
    expect(make({ A: { '~standard': { version: 2, validate() {} } } })).toThrow(/version 1/)
    expect(make({ A: undefined })).toThrow(/schemas\["A"\] must be/)
    expect(make({})).not.toThrow()
  })

  it('type the events that they check', () => {
    createIngestApi(createKeys(), {
      schemas: {
        'Order Paid': z.object({ total: z.number() }),
        'Order Sent': v.object({ carrier: v.string() }),
        'shop/paid': type({ id: 'string' }),
      },
      onEvents(events) {
        for (const event of events) {
          if (event.type === 'track' && event.event === 'Order Paid') event.properties.total.toFixed(2)
          else if (event.type === 'page' && event.name === 'Order Sent') event.properties.carrier.trim()
          else if (event.type === undefined && event.name === 'shop/paid') event.data.id.trim()
          else if (event.type === 'track') String(event.event).trim()
          else if (event.type === 'identify') event.traits satisfies object | undefined
        }
      },
    })
    const own: StandardSchema<{ id: number }> = {
      '~standard': { version: 1, vendor: 'own', validate: () => ({ value: { id: 1 } }) },
    }
    createIngestApi(createKeys(), {
      schemas: { Own: own },
      onEvents(events) {
        for (const event of events)
          if (event.type === 'track' && event.event === 'Own') event.properties.id.toFixed()
      },
    })
  })
})
