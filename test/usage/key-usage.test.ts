import { describe, expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'

const start = Date.UTC(2026, 0, 5, 12, 1)
const hourMs = 3_600_000

function setUp() {
  const time = { now: start }
  const store = createMemoryStore()
  const keys = createWriteKeys({ store, clock: () => time.now, credentials: ['header'] })
  const send = (key: string, path: string, body: unknown) =>
    keys.verify({ method: 'POST', path, headers: { 'x-write-key': key }, body })
  return { keys, store, time, send }
}

describe('usage of a key', () => {
  it('tells volume, last event and refusals of the last 24 hours', async () => {
    const { keys, time, send } = setUp()
    const { writeKey, key } = await keys.create({
      name: 'Web',
      sourceType: 'web',
      allowedEventTypes: ['track', 'page'],
    })
    await send(key, '/v1/track', { event: 'old' })
    time.now += 30 * hourMs
    await send(key, '/v1/track', { event: 'a' })
    await send(key, '/v1/batch', { batch: [{ type: 'page' }, { type: 'track' }] })
    await send(key, '/v1/identify', { userId: 'u' })

    const usage = await keys.usage(writeKey.id)
    expect(usage).toMatchObject({
      bucketMs: hourMs,
      lastEventAt: new Date(time.now),
      acceptedTotal: 3,
      refusedTotal: 1,
      accepted: { track: 2, page: 1 },
      refused: { event_type_not_allowed: 1 },
    })
    expect(usage.buckets).toHaveLength(24)
    expect(usage.buckets.at(-1)?.accepted).toEqual({ track: 2, page: 1 })
    expect(usage.buckets[0]?.accepted).toEqual({})

    expect((await keys.usage(writeKey.id, { window: '7d' })).acceptedTotal).toBe(4)
    expect((await keys.volumes([writeKey.id])).get(writeKey.id)).toEqual({
      events24h: 3,
      hourly24h: [...new Array(23).fill(0), 3],
      rejected24h: 1,
      lastEventAt: new Date(time.now),
    })
    await keys.close()
  })

  it('counts the events of each secret while there are several', async () => {
    const { keys, time, send } = setUp()
    const first = await keys.create({ name: 'Web', sourceType: 'web' })
    const { id } = first.writeKey
    await send(first.key, '/v1/track', {})
    expect((await keys.usage(id)).ofSecrets).toEqual({})
    const second = await keys.rotate(id, { gracePeriodHours: 1 })
    const [old, current] = second.writeKey.secrets.map((secret) => secret.id) as [string, string]
    await send(first.key, '/v1/track', {})
    await send(second.key, '/v1/batch', { batch: [{ type: 'page' }, { type: 'track' }] })
    const during = await keys.usage(id)
    expect(during.ofSecrets).toEqual({ [old]: 1, [current]: 2 })
    expect(during).toMatchObject({ acceptedTotal: 4, wouldRefuse: {}, refused: {} })
    expect((await keys.volumes([id])).get(id)?.events24h).toBe(4)
    expect((await keys.usageOverview({})).total.accepted).toBe(4)
    time.now += 2 * hourMs
    await send(second.key, '/v1/track', {})
    expect((await keys.usage(id)).ofSecrets).toEqual({ [old]: 1, [current]: 2 })
    await keys.close()
  })

  it('shows the last use of each secret', async () => {
    const { keys, time, send } = setUp()
    const first = await keys.create({ name: 'Web', sourceType: 'web' })
    const second = await keys.rotate(first.writeKey.id)
    await send(first.key, '/v1/track', {})
    time.now += 5_000
    await send(second.key, '/v1/track', {})
    await keys.usage(first.writeKey.id)
    const { secrets } = await keys.get(first.writeKey.id)
    expect(secrets.map(({ lastUsedAt }) => lastUsedAt?.getTime())).toEqual([start, start + 5_000])
    await keys.close()
  })

  it('counts refusals of a revoked key, and forgets everything with the key', async () => {
    const { keys, store, send } = setUp()
    const { writeKey, key } = await keys.create({ name: 'Web', sourceType: 'web' })
    await send(key, '/v1/track', {})
    await keys.revoke(writeKey.id)
    await send(key, '/v1/track', {})
    expect(await keys.usage(writeKey.id)).toMatchObject({ refused: { revoked_key: 1 }, acceptedTotal: 1 })
    await keys.remove(writeKey.id)
    await expect(keys.usage(writeKey.id)).rejects.toMatchObject({ code: 'not_found' })
    expect(
      await store.usage?.read({ keyIds: [writeKey.id], from: 0, to: start * 2, bucketMs: 300_000 }),
    ).toEqual([])
    await keys.close()
  })

  it.each(['24', '0h', '721h', '31d', 'd', '1m', ' 1h', '1h\n', '', null, 24, {}, ['24h']])(
    'refuses the window %j, naming it',
    async (window) => {
      const { keys } = setUp()
      const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
      await expect(keys.usage(writeKey.id, { window: window as string })).rejects.toMatchObject({
        code: 'invalid_field',
        field: 'window',
      })
      await keys.close()
    },
  )

  it.each([
    ['1h', 12, 300_000],
    ['6h', 72, 300_000],
    ['7h', 7, hourMs],
    ['7d', 168, hourMs],
    ['8d', 8, 24 * hourMs],
    ['30d', 30, 24 * hourMs],
  ])('divides %s into %i buckets', async (window, count, bucketMs) => {
    const { keys } = setUp()
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    const usage = await keys.usage(writeKey.id, { window })
    expect([usage.buckets.length, usage.bucketMs]).toEqual([count, bucketMs])
    await keys.close()
  })
})

describe('the audit log', () => {
  it('tells changes newest first, page by page, and keeps those of a removed key', async () => {
    const { keys, time } = setUp()
    const actor = { name: 'ops', address: '192.0.2.1' }
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' }, { actor })
    time.now += 1
    await keys.update(writeKey.id, { name: 'Site' }, { actor })
    time.now += 1
    await keys.remove(writeKey.id, { actor })
    const first = await keys.audit({ keyId: writeKey.id, limit: 2 })
    expect(first.data.map(({ action, actor, address }) => [action, actor, address])).toEqual([
      ['remove', 'ops', '192.0.2.1'],
      ['update', 'ops', '192.0.2.1'],
    ])
    expect(first.data[1]).toMatchObject({ before: { name: 'Web' }, after: { name: 'Site' } })
    const second = await keys.audit({ keyId: writeKey.id, limit: 2, cursor: first.nextCursor as string })
    expect(second).toMatchObject({ data: [{ action: 'create', before: null }], nextCursor: null })
    await keys.close()
  })

  it('takes refused calls, with the key only when it can be one', async () => {
    const { keys } = setUp()
    const details = { call: 'rotate', status: 403 }
    await keys.noteRefused({ actor: { name: 'viewer' }, keyId: 'wk_abc', details })
    await keys.noteRefused({ keyId: "wk_'; drop", details })
    const { data } = await keys.audit()
    expect(data.map(({ action, keyId, after }) => ({ action, keyId, after }))).toEqual(
      expect.arrayContaining([
        { action: 'refused', keyId: 'wk_abc', after: details },
        { action: 'refused', keyId: null, after: details },
      ]),
    )
    await keys.close()
  })
})

describe('creating a key with an id of its own', () => {
  it('makes one key however often it is called', async () => {
    const { keys } = setUp()
    const id = 'wk_0123456789abcdef'
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' }, { id })
    expect(writeKey.id).toBe(id)
    await expect(keys.create({ name: 'Web', sourceType: 'web' }, { id })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'duplicate',
    })
    await expect(keys.create({ name: 'Web', sourceType: 'web' }, { id: 'wk_1' })).rejects.toMatchObject({
      field: 'id',
    })
    expect((await keys.list()).data).toHaveLength(1)
    await keys.close()
  })
})
