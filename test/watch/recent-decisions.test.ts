import { describe, expect, it } from 'vitest'
import { generateSecret } from '../../src/keys/secret.ts'
import type { RequestDecision } from '../../src/verifier/request-decision.ts'
import type { RecentDecision } from '../../src/watch/recent-decision.ts'
import { createRecentDecisions, type DecisionFilter } from '../../src/watch/recent-decisions.ts'

const accepted: RequestDecision = {
  reason: null,
  keyId: 'wk_1',
  sourceType: 'web',
  secret: { id: 'sec_1', createdAt: 0, expiresAt: null },
  events: 1,
  rejected: 0,
  routeType: 'track',
  batchFields: ['batch'],
  body: { event: 'Signed Up', properties: { email: 'a@example.com' } },
  origin: 'https://app.example.com',
  address: '203.0.113.7',
}
const refused: RequestDecision = { ...accepted, reason: 'origin_not_allowed', events: 0, body: undefined }

describe('recent decisions', () => {
  it('tell time, key, type, name, origin, address and reason', () => {
    const recent = createRecentDecisions(() => 1_000)
    recent.record({
      ...accepted,
      body: { event: 'Signed Up', context: { library: { name: 'analytics-node', version: '2.1.0' } } },
      request: { method: 'POST', path: '/v1/track', headers: { 'user-agent': 'Mozilla/5.0' } },
      startedAt: 996,
      bytes: 120,
    })
    expect(recent.list()).toEqual([
      {
        id: 1_000_001,
        ref: 'this-1000001',
        process: 'this',
        at: 1_000,
        keyId: 'wk_1',
        secretId: 'sec_1',
        reason: null,
        wouldRefuse: null,
        status: 200,
        method: 'POST',
        path: '/v1/track',
        sdk: 'analytics-node 2.1.0',
        bytes: 120,
        tookMs: 4,
        isTest: false,
        headers: null,
        events: 1,
        rejected: 0,
        types: ['track'],
        names: ['Signed Up'],
        origin: 'https://app.example.com',
        address: '203.0.113.7',
        payload: null,
      },
    ])
  })

  it('keep the newest when full, oldest first', () => {
    const recent = createRecentDecisions(() => 0, { size: 3 })
    for (let count = 0; count < 8; count++) recent.record(accepted)
    expect(recent.list().map(({ id }) => id)).toEqual([6, 7, 8])
    expect(recent.list({}, 2).map(({ id }) => id)).toEqual([7, 8])
    expect(recent.list({ after: 7 }).map(({ id }) => id)).toEqual([8])
    expect(recent.list({ after: 99 })).toEqual([])
  })

  it('are filtered by key, outcome and reason', () => {
    const recent = createRecentDecisions(() => 0)
    recent.record(accepted)
    recent.record(refused)
    recent.record({ ...refused, keyId: null, reason: 'unknown_key' })
    const ids = (filter: object) => recent.list(filter).map(({ id }) => id)
    expect(ids({ keyId: 'wk_1' })).toEqual([1, 2])
    expect(ids({ outcome: 'accepted' })).toEqual([1])
    expect(ids({ outcome: 'refused' })).toEqual([2, 3])
    expect(ids({ reason: 'unknown_key' })).toEqual([3])
  })

  it('list the different types and names of a batch once each, a few of them', () => {
    const recent = createRecentDecisions(() => 0)
    const batch = Array.from({ length: 100 }, (_, index) => ({ type: 'track', event: `e${index % 30}` }))
    recent.record({
      ...accepted,
      routeType: null,
      body: { batch: [{ type: 'page', name: 'Home' }, ...batch] },
    })
    expect(recent.list()[0]?.types).toEqual(['page', 'track'])
    expect(recent.list()[0]?.names).toEqual(['Home', 'e0', 'e1', 'e2', 'e3'])
  })

  it('survive bodies of any shape', () => {
    const recent = createRecentDecisions(() => 0, { keepPayloads: true })
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    for (const body of [
      null,
      7,
      'text',
      [],
      [null],
      { batch: 3 },
      { type: 7, event: {} },
      cyclic,
      undefined,
    ]) {
      recent.record({ ...accepted, body })
    }
    expect(recent.list()).toHaveLength(9)
  })

  it('show neither a key in the place of a name nor more than 200 characters of one', () => {
    const recent = createRecentDecisions(() => 0)
    const secret = generateSecret('sk_live_')
    recent.record({ ...accepted, body: [{ event: secret }, { event: 'x'.repeat(5_000) }] })
    expect(recent.list()[0]?.names).toEqual(['(a write key)', 'x'.repeat(200)])
  })

  it('keep payloads only when asked to, cut, and never with the key in them', () => {
    const recent = createRecentDecisions(() => 0, { keepPayloads: true })
    recent.record({
      ...accepted,
      body: { writeKey: 'sk_live_x', batch: [{ writeKey: 'sk_live_x', event: 'a' }] },
    })
    recent.record({ ...accepted, body: { text: 'y'.repeat(10_000) } })
    expect(recent.list()[0]?.payload).toBe('{"batch":[{"event":"a"}]}')
    expect(recent.list()[1]?.payload).toHaveLength(4_096)
  })

  it('are filtered by type, name, origin, address, process and free text', () => {
    const recent = createRecentDecisions(() => 0)
    recent.record(accepted)
    recent.record({
      ...refused,
      body: [{ type: 'page', name: 'Home' }],
      routeType: null,
      address: '2001:db8::1',
    })
    recent.take({ ...(recent.list()[0] as RecentDecision), ref: 'other-1', process: 'web-2', origin: null })
    const ids = (filter: DecisionFilter) => recent.list(filter).map(({ id }) => id)
    expect(ids({ type: 'page' })).toEqual([2])
    expect(ids({ name: 'Signed Up' })).toEqual([1, 3])
    expect(ids({ origin: 'https://app.example.com' })).toEqual([1, 2])
    expect(ids({ address: '203.0.113.' })).toEqual([1, 3])
    expect(ids({ address: '203.0.113' })).toEqual([])
    expect(ids({ address: '2001:db8::1' })).toEqual([2])
    expect(ids({ process: 'web-2' })).toEqual([3])
    expect(ids({ text: 'ORIGIN_NOT' })).toEqual([2])
    expect(ids({ text: 'app.example', outcome: 'accepted' })).toEqual([1])
  })

  it('of one key keep what was refused, however much is accepted', () => {
    const recent = createRecentDecisions(() => 0, { size: 100 })
    for (let count = 0; count < 40; count++) recent.record(refused)
    for (let count = 0; count < 5_000; count++) recent.record(accepted)
    expect(recent.list({ keyId: 'wk_1', outcome: 'refused' })).toHaveLength(40)
  })

  it('keep headers only when asked to, less what may hold a secret, and no key in the path', () => {
    const recent = createRecentDecisions(() => 0, { keepHeaders: true })
    const secret = generateSecret('sk_live_')
    const headers = {
      authorization: 'Basic c2s=',
      cookie: 'a=b',
      'x-write-key': secret,
      'x-note': `see ${secret}`,
      host: 'events.example.com',
    }
    recent.record({ ...accepted, request: { method: 'POST', path: `/e/${secret}`, headers } })
    expect(recent.list()[0]).toMatchObject({
      path: '/e/(a write key)',
      headers: {
        authorization: '(left out)',
        cookie: '(left out)',
        'x-write-key': '(left out)',
        'x-note': 'see (a write key)',
        host: 'events.example.com',
      },
    })
  })

  it('reach subscribers until they leave', () => {
    const recent = createRecentDecisions(() => 0)
    const seen: number[] = []
    const leave = recent.subscribe(({ id }) => seen.push(id))
    recent.record(accepted)
    leave()
    recent.record(accepted)
    expect(seen).toEqual([1])
  })
})
