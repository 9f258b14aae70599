import { describe, expect, it } from 'vitest'
import {
  createContext,
  findContext,
  requireContext,
  resolveAdapterOptions,
  verifyOnce,
} from '../../src/adapter/index.ts'
import {
  type CreateKeyInput,
  createMemoryLimiter,
  createMemoryStore,
  createWriteKeys,
  type IngestRequest,
  type RateLimiter,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

/** An adapter as the frameworks' are made. `verified` counts the requests that its keys have charged for. */
async function createAdapter(
  requestProperty: string,
  keys: CountedKeys = createKeys(),
  rules: Partial<CreateKeyInput> = {},
) {
  const { key, writeKey } = await keys.create({
    name: 'Web App',
    sourceType: 'web',
    rateLimitEps: 100,
    ...rules,
  })
  const request: IngestRequest = {
    method: 'POST',
    path: '/v1/track',
    headers: { authorization: basic(key) },
    body: { type: 'track', event: 'Signed Up' },
  }
  resolveAdapterOptions(keys, { requestProperty })
  return {
    headers: request.headers,
    get verified() {
      return keys.verified()
    },
    keys,
    id: writeKey.id,
    async pass(holder: object, changes: Partial<IngestRequest> = {}) {
      const { eventType } = changes
      const verdict = await verifyOnce(holder, keys, () => ({ ...request, ...changes }), eventType)
      if (verdict.ok)
        Object.assign(holder, { [requestProperty]: createContext(holder, verdict, keys, eventType) })
      return verdict
    },
  }
}

type CountedKeys = WriteKeys & { verified(): number }

function createKeys(options: WriteKeysOptions = {}): CountedKeys {
  let consumed = 0
  const limiter = createMemoryLimiter()
  const counting: RateLimiter = {
    ...limiter,
    consume(keyId, cost, rate) {
      consumed++
      return limiter.consume(keyId, cost, rate)
    },
  }
  return {
    ...createWriteKeys({ store: createMemoryStore(), limiter: counting, ...options }),
    verified: () => consumed,
  }
}

describe('a request that passes several adapters', () => {
  it('is verified once by the same keys, whatever name each adapter has for the result', async () => {
    const keys = createKeys()
    const [outer, inner] = [await createAdapter('writeKey', keys), await createAdapter('sender', keys)]
    const holder: Record<string, unknown> = {}
    await outer.pass(holder)
    await inner.pass(holder)
    expect(keys.verified()).toBe(1)
    expect(holder.sender).toEqual(holder.writeKey)
  })

  it('is verified by each of several keys, in whatever order they come, and charged by the first', async () => {
    const [first, second] = [await createAdapter('writeKey'), await createAdapter('writeKey')]
    const holder: Record<string, unknown> = {}
    for (const adapter of [first, second, first, second, first])
      expect(await adapter.pass(holder)).toMatchObject({ ok: true })
    expect(await second.pass(holder, { headers: first.headers })).toMatchObject({ ok: true })
    expect(await (await createAdapter('writeKey')).pass(holder, { headers: first.headers })).toMatchObject({
      reason: 'unknown_key',
    })
    expect([first.verified, second.verified]).toEqual([1, 0])
  })

  it('has the newest of its contexts, whatever handlers make of what they find', async () => {
    const [first, second] = [await createAdapter('writeKey'), await createAdapter('sender')]
    const holder: Record<string, unknown> = {}
    expect(findContext(holder)).toBeUndefined()
    await first.pass(holder)
    expect(findContext(holder)).toBe(holder.writeKey)
    await second.pass(holder)
    expect(findContext(holder)).toBe(holder.sender)
    for (const name in holder) delete holder[name]
    await first.pass(holder)
    expect(findContext(holder)).toBe(holder.writeKey)
    expect([first.verified, second.verified]).toEqual([1, 0])
  })

  it('is judged again by the type that an inner adapter names, and not charged again', async () => {
    const adapter = await createAdapter('writeKey')
    const holder = {}
    await adapter.pass(holder)
    expect(await adapter.pass(holder, { eventType: 'track' })).toMatchObject({ ok: true })
    expect(await adapter.pass(holder, { eventType: 'page' })).toMatchObject({
      reason: 'event_type_mismatch',
    })
    expect(adapter.verified).toBe(1)
  })

  it.each([
    ['was revoked', 'revoked_key', (keys, id) => keys.revoke(id)],
    ['was removed', 'unknown_key', (keys, id) => keys.remove(id)],
    [
      'may not send such events any more',
      'event_type_not_allowed',
      (keys, id) => keys.update(id, { allowedEventTypes: ['page'] }),
    ],
    ['cannot be looked up', 'store_unavailable', (keys) => keys.close()],
  ] as [string, string, (keys: WriteKeys, id: string) => Promise<unknown>][])(
    'is refused by an inner adapter when the key %s between the two, and not charged again',
    async (_, reason, change) => {
      const adapter = await createAdapter('writeKey')
      const holder = {}
      expect(await adapter.pass(holder)).toMatchObject({ ok: true })
      await change(adapter.keys, adapter.id)
      expect(await adapter.pass(holder)).toMatchObject({ ok: false, reason })
      expect(adapter.verified).toBe(1)
    },
  )

  it('is let through by an inner adapter when the key was only renamed between the two', async () => {
    const adapter = await createAdapter('writeKey')
    const holder = {}
    await adapter.pass(holder)
    await adapter.keys.update(adapter.id, { name: 'Other' })
    expect(await adapter.pass(holder)).toMatchObject({ ok: true, writeKey: { name: 'Other' } })
    expect(findContext(holder)).toMatchObject({ name: 'Other', events: [{ event: 'Signed Up' }] })
    expect(adapter.verified).toBe(1)
  })

  it('is refused by an inner adapter when the key has expired between the two', async () => {
    const clock = createManualClock()
    const adapter = await createAdapter('writeKey', createKeys({ clock }), {
      expiresAt: new Date(clock.now() + 1_000),
    })
    const holder = {}
    expect(await adapter.pass(holder)).toMatchObject({ ok: true })
    await clock.advance(1_000)
    expect(await adapter.pass(holder)).toMatchObject({ reason: 'expired_key' })
  })

  it('is refused by an inner adapter whose type the key may not send', async () => {
    const adapter = await createAdapter('writeKey', createKeys(), { allowedEventTypes: ['track'] })
    const holder = {}
    const atUsers = { path: '/v1/users/track', body: { userId: 'u1' } }
    expect(await adapter.pass(holder, atUsers)).toMatchObject({ ok: true, eventType: 'track' })
    expect(await adapter.pass(holder, { ...atUsers, eventType: 'identify' })).toMatchObject({
      reason: 'event_type_not_allowed',
      reply: { status: 403 },
    })
    expect(adapter.verified).toBe(1)
  })

  it('is refused by an inner adapter for whose type the names are others', async () => {
    const adapter = await createAdapter('writeKey', createKeys(), { allowedEventNames: ['Home'] })
    const holder = {}
    const body = { event: 'Home', name: 'Cart' }
    expect(await adapter.pass(holder, { body })).toMatchObject({ ok: true })
    expect(await adapter.pass(holder, { body, eventType: 'page' })).toMatchObject({
      reason: 'event_name_not_allowed',
    })
    expect(await adapter.pass(holder, { body, eventType: 'batch' })).toMatchObject({
      reason: 'event_name_not_allowed',
    })
  })

  it('agrees with the outer adapter where the path says no type', async () => {
    const adapter = await createAdapter('writeKey', createKeys(), { allowedEventTypes: ['page'] })
    const holder: Record<string, unknown> = {}
    const hook = { path: '/v1/hook', body: { name: 'Home' } }
    expect(await adapter.pass(holder, { ...hook, eventType: 'page' })).toMatchObject({ ok: true })
    expect(await adapter.pass(holder, hook)).toMatchObject({ ok: true, eventType: 'page' })
    expect(await adapter.pass(holder, { ...hook, path: '/v1/track' })).toMatchObject({
      reason: 'event_type_not_allowed',
    })
    expect(adapter.verified).toBe(1)
  })

  it('drops in an inner adapter what its type does not allow, by its place in the body', async () => {
    const keys = createKeys({ onForbiddenEvent: 'drop' })
    const adapter = await createAdapter('writeKey', keys, {
      allowedEventTypes: ['track', 'page'],
      allowedEventNames: ['a'],
    })
    const holder: Record<string, unknown> = {}
    const [good, bad] = [
      { event: 'a', name: 'a' },
      { event: 'a', name: 'b' },
    ]
    const body = { batch: [null, good, { event: 'b' }, bad, good] }
    expect(await adapter.pass(holder, { body })).toMatchObject({
      ok: true,
      events: [good, bad, good],
    })
    const verdict = await adapter.pass(holder, { body, eventType: 'page' })
    if (!verdict.ok) throw new Error(verdict.reason)
    expect(verdict.events).toEqual([good, good])
    expect(verdict.body).toEqual({ batch: [good, good] })
    expect(verdict.rejected.map(({ index, code }) => [index, code])).toEqual([
      [0, 'invalid_event'],
      [2, 'event_name_not_allowed'],
      [3, 'event_name_not_allowed'],
    ])
    expect(holder.writeKey).toMatchObject({ eventType: 'page', events: [good, good] })
    expect(await adapter.pass(holder, { body: { batch: [bad] }, eventType: 'track' })).toMatchObject({
      events: [good, good],
    })
  })

  it('is judged again after its method or target has changed', async () => {
    const adapter = await createAdapter('writeKey', createKeys(), { allowedEventTypes: ['track'] })
    const holder = {}
    const body = { event: 'a' }
    await adapter.pass(holder, { body })
    expect(await adapter.pass(holder, { body, path: '/v1/page' })).toMatchObject({
      reason: 'event_type_not_allowed',
    })
    expect(await adapter.pass(holder, { body, path: '/v1/page#/track' })).toMatchObject({
      reason: 'invalid_path',
    })
    expect(await adapter.pass(holder, { body, method: 'GET' })).toMatchObject({
      reason: 'unexpected_body',
    })
    expect(await adapter.pass(holder, { body, method: 'PUT' })).toMatchObject({
      ok: true,
      events: [body],
    })
    expect(adapter.verified).toBe(1)
  })

  it('that came as a GET brings no events, whatever its method is changed to', async () => {
    const adapter = await createAdapter('writeKey')
    const holder = {}
    await adapter.pass(holder, { method: 'GET', body: undefined })
    const batch = [{ type: 'track' }, { type: 'track' }]
    expect(await adapter.pass(holder, { body: batch })).toMatchObject({ reason: 'invalid_json' })
    expect(adapter.verified).toBe(1)
  })

  it('tells handlers its type in full, the address and the origin', async () => {
    const adapter = await createAdapter('writeKey')
    const holder: Record<string, unknown> = {}
    await adapter.pass(holder, {
      path: '/v1/%54/',
      ip: '::ffff:192.0.2.7',
      headers: { ...adapter.headers, origin: 'https://app.example.com' },
    })
    expect(holder.writeKey).toMatchObject({
      eventType: 'track',
      ip: '192.0.2.7',
      origin: 'https://app.example.com',
    })
  })

  it('is verified in its own right, whatever of another request somebody puts on it', async () => {
    const adapter = await createAdapter('writeKey')
    const holder: Record<string, unknown> = {}
    await adapter.pass(holder)
    const others = [{ ...holder }, structuredClone(holder), Object.create(holder), new Proxy(holder, {})]
    for (const other of others) {
      expect(findContext(other)).toBeUndefined()
      expect(await adapter.pass(other, { headers: {} })).toMatchObject({ reason: 'missing_key' })
    }
  })

  it('says what to do to whoever asks for the key of a request that has passed none', () => {
    expect(() => requireContext({})).toThrow(/mount writeKeyAuth in front/)
  })
})
