import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type IngestRequest,
  type Verdict,
  type WriteKeysOptions,
} from '../../../src/index.ts'
import { AcceptedRequest } from '../../../src/verifier/accepted-request.ts'
import { type Settlement, withSettlement } from '../../../src/verifier/settlement.ts'
import type { Accepted } from '../../../src/verifier/verdict.ts'
import { shareMemory } from '../../cache/shared-memory.ts'
import { createManualClock } from '../../contract/limiter-contract.ts'
import { post, web } from '../../manual-keys.ts'

const origin = 'https://app.example.com'
type Event = Record<string, unknown>

/** A request that a guard has let through, and what guards further in say to it. */
async function pass(about: Partial<IngestRequest> = {}, fields: object = {}, options: WriteKeysOptions = {}) {
  const clock = createManualClock()
  const store = createMemoryStore()
  const keys = createWriteKeys({ store, clock, logger: false, ...options })
  onTestFinished(() => keys.close())
  const { key, writeKey } = await keys.create({
    ...web,
    workspace: 'acme',
    allowedEventTypes: ['track', 'identify'],
    ...fields,
  })
  const made = post(key, { event: 'a' })
  const request: IngestRequest = { ...made, ...about, headers: { ...made.headers, ...about.headers } }
  const settlements: Settlement[] = []
  const leaveOpen = (one: IngestRequest, decider: 'guard' | 'endpoint') =>
    withSettlement(one, decider, (settlement) => settlements.push(settlement))
  const verdict = (await keys.verify(leaveOpen(request, 'guard'))) as Accepted
  expect(verdict.ok).toBe(true)
  /** @param change of the request as the inner guard sees it */
  const again = (change: object = {}, body: unknown = verdict.body, decider?: 'guard' | 'endpoint') => {
    const seen = { ...request, ...change }
    return Promise.resolve(
      AcceptedRequest.judgeAgain(verdict, decider === undefined ? seen : leaveOpen(seen, decider), body),
    ) as Promise<Verdict>
  }
  const accepted = async () => (await keys.usage(writeKey.id)).acceptedTotal
  return { keys, clock, id: writeKey.id, verdict, again, accepted, settlements }
}

const inBatch = (...events: Event[]) => ({
  path: '/v1/batch',
  body: {
    batch:
      events.length > 0
        ? events
        : [
            { type: 'track', event: 'a' },
            { type: 'track', event: 'b' },
          ],
  },
})

describe('an inner guard', () => {
  it('gives the same verdict on the same request', async () => {
    const one = await pass()
    expect(await one.again()).toBe(one.verdict)
    const get = await pass({ method: 'GET', body: undefined })
    expect(await get.again()).toBe(get.verdict)
    const batch = await pass(inBatch())
    expect(await batch.again()).toBe(batch.verdict)
  })

  it.each<[string, object, object]>([
    ['another type', { eventType: 'identify' }, { ok: true, eventType: 'identify' }],
    ['a type that is not allowed', { eventType: 'page' }, { ok: false, reason: 'event_type_not_allowed' }],
    ['another path', { path: '/v1/page' }, { ok: false, reason: 'event_type_not_allowed' }],
    ['a query that begins a fragment', { query: 'a#b' }, { ok: false, reason: 'invalid_path' }],
    [
      'a method without a body',
      { method: 'GET', body: undefined },
      { ok: true, events: [], body: undefined },
    ],
    ['its own workspace', { workspace: 'acme' }, { ok: true }],
    ['another workspace', { workspace: 'other' }, { ok: false, reason: 'wrong_workspace' }],
    ['a workspace that is not known', { workspace: undefined }, { ok: false, reason: 'wrong_workspace' }],
    [
      'a form of bodies',
      { bodyForm: { shape: (body: Event) => ({ ...body, event: 'shaped' }) } },
      { ok: true, events: [{ event: 'shaped' }] },
    ],
  ])('judges a request again that has %s', async (_, change, expected) => {
    const { again } = await pass()
    expect(await again(change)).toMatchObject(expected)
  })

  it('judges a request again whose events stand elsewhere', async () => {
    const events = [{ type: 'track', event: 'a' }]
    const { again } = await pass({ path: '/v1/batch', body: { type: 'track', events } })
    expect(await again({ batchFields: ['events'] })).toMatchObject({ ok: false, reason: 'invalid_event' })
    expect(await again({ batchFields: ['events'] }, { events })).toMatchObject({ ok: true, events })
    expect(await again({ batchFields: undefined })).toMatchObject({ ok: true })
  })

  it('agrees on the type with the guard in front where it names none', async () => {
    const outer = { path: '/v1/collect', eventType: 'identify' }
    const { again } = await pass(outer, { allowedEventTypes: null })
    expect(await again({ eventType: undefined, query: 'a' })).toMatchObject({
      ok: true,
      eventType: 'identify',
    })
    expect(await again({ eventType: 'batch' })).toMatchObject({ ok: true, eventType: null })
  })

  it('names the events that it refuses', async () => {
    const { again } = await pass()
    const inner = await again({ eventType: 'page' })
    expect(JSON.parse(inner.ok ? '{}' : inner.reply.body).rejected).toEqual([{ index: 0, type: 'page' }])
  })

  it('takes the form that its request had in front as done', async () => {
    let shaped = 0
    const bodyForm = {
      shape(body: unknown) {
        shaped++
        return body
      },
    }
    const { again, verdict } = await pass({ bodyForm })
    expect(await again()).toBe(verdict)
    expect(await again({ eventType: 'identify' })).toMatchObject({ ok: true })
    expect(await again({ eventType: 'identify', bodyForm: undefined })).toMatchObject({ ok: true })
    expect(shaped).toBe(1)
  })

  it('gives no events to a request without a body, of whatever type', async () => {
    const { again } = await pass({ method: 'GET', body: undefined })
    expect(await again({ eventType: 'page' })).toMatchObject({ ok: true, events: [] })
    expect(await again({ method: 'POST' })).toMatchObject({ ok: false, reason: 'invalid_json' })
  })

  it('judges what the application has made of the body', async () => {
    const { again } = await pass()
    expect(await again({}, { event: 'b' })).toMatchObject({ ok: true, events: [{ event: 'b' }] })
    expect(await again({}, { type: 'page' })).toMatchObject({ ok: false, reason: 'event_type_mismatch' })
    const { again: batchAgain, verdict } = await pass(inBatch())
    const body = { batch: verdict.events, note: 1 }
    expect(await batchAgain({}, body)).toMatchObject({ ok: true, body })
  })

  it.each<[string, (batch: Event[]) => void, number]>([
    ['added', (batch) => batch.push({ type: 'track', event: 'c' }), 3],
    ['taken out', (batch) => batch.pop(), 1],
    ['put in the place of another', (batch) => batch.splice(1, 1, { type: 'track', event: 'c' }), 2],
  ])('sees an event that was %s', async (_, change, count) => {
    const { again, verdict } = await pass(inBatch())
    const { batch } = verdict.body as { batch: Event[] }
    change(batch)
    const inner = await again()
    expect(inner).toMatchObject({ ok: true, events: batch.map(({ event }) => ({ event })) })
    expect(inner.ok && inner.events.length).toBe(count)
  })

  it('drops an event that was added and is not allowed', async () => {
    const { again, verdict } = await pass(inBatch(), {}, { onForbiddenEvent: 'drop' })
    const { batch } = verdict.body as { batch: Event[] }
    batch.push({ type: 'page' })
    expect(await again()).toMatchObject({ ok: true, rejected: [{ index: 2, type: 'page' }] })
    batch.splice(0, 3, { type: 'page' })
    expect(await again()).toMatchObject({ ok: false, reason: 'event_type_not_allowed' })
  })
})

describe('a key that changes between two guards', () => {
  it('is refused further in, and no more is told than of an unknown one', async () => {
    const { keys, id, again, verdict } = await pass({ headers: { origin } }, { allowedOrigins: [origin] })
    expect(verdict.headers['access-control-allow-origin']).toBe(origin)
    await keys.revoke(id)
    expect(await again()).toMatchObject({
      ok: false,
      reason: 'revoked_key',
      reply: { headers: { 'access-control-allow-origin': '*' } },
    })
  })

  it('counts with its new rules', async () => {
    const { keys, id, again } = await pass()
    await keys.update(id, { allowedEventTypes: ['page'] })
    expect(await again()).toMatchObject({ ok: false, reason: 'event_type_not_allowed' })
    await keys.update(id, { name: 'Renamed', allowedEventTypes: null })
    expect(await again()).toMatchObject({ ok: true, events: [{ event: 'a' }], writeKey: { name: 'Renamed' } })
  })

  it('refuses with 503 when the store cannot be asked', async () => {
    const { store, before } = shareMemory({ leaseMs: 2_000 })
    const { again, clock } = await pass({}, {}, { store })
    before.poll = () => {
      throw new Error('the store is away')
    }
    clock.advance(2_100)
    expect(await again()).toMatchObject({ reason: 'store_unavailable', reply: { status: 503 } })
  })
})

describe('an endpoint behind a guard', () => {
  it('decides for both whether the request is accepted', async () => {
    const { again, accepted, settlements } = await pass()
    expect(await again({}, undefined, 'endpoint')).toMatchObject({ ok: true })
    const [outer, inner] = settlements
    expect(await accepted()).toBe(0)
    inner?.accept()
    outer?.accept()
    expect(await accepted()).toBe(1)
  })

  it('that refuses has the guard count nothing', async () => {
    const { again, accepted, settlements } = await pass()
    expect(await again({ eventType: 'page' }, undefined, 'endpoint')).toMatchObject({ ok: false })
    settlements[0]?.accept()
    expect(settlements).toHaveLength(1)
    expect(await accepted()).toBe(0)
  })

  it('judges once more after it has waited', async () => {
    const { keys, id, again, settlements } = await pass()
    await again({ eventType: 'identify' }, undefined, 'endpoint')
    expect(await settlements[1]?.judgeAgain()).toBeUndefined()
    await keys.revoke(id)
    expect(await settlements[1]?.judgeAgain()).toMatchObject({ reason: 'revoked_key' })
  })

  it('leaves nothing to be counted at the end, once it has decided', async () => {
    const store = createMemoryStore()
    const told: string[] = []
    const { keys, id, again, settlements } = await pass(
      {},
      {},
      { store, onEvent: ({ type }) => told.push(type) },
    )
    await again({}, undefined, 'guard')
    settlements[1]?.accept()
    await keys.close()
    expect(told).not.toContain('usage_dropped')
    const later = createWriteKeys({ store, logger: false, clock: createManualClock() })
    onTestFinished(() => later.close())
    expect((await later.usage(id)).acceptedTotal).toBe(1)
  })
})
