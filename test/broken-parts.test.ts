import { afterEach, describe, expect, it } from 'vitest'
import { createMemoryLimiter, createMemoryStore, type WriteKeysOptions } from '../src/index.ts'
import { generateSecret } from '../src/keys/secret.ts'
import { post, setUp, web } from './manual-keys.ts'

describe('something that is broken', () => {
  const broken = () => {
    throw new Error('broken')
  }
  const rejecting = () => Promise.reject(new Error('broken'))

  it.each([
    ['a store that throws', { store: { ...createMemoryStore(), poll: broken } }, 'store_error'],
    ['a store that rejects', { store: { ...createMemoryStore(), poll: rejecting } }, 'store_error'],
    ['a credentials function that throws', { credentials: [broken] }, 'internal_error'],
    ['a credentials function that rejects', { credentials: [rejecting] }, 'internal_error'],
    ['trustedProxies that throws', { trustedProxies: broken }, 'internal_error'],
  ] as [string, WriteKeysOptions, string][])('is 503, never a pass: %s', async (_, options, told) => {
    const { ask, events } = setUp(options)
    const reason = told === 'store_error' ? 'store_unavailable' : told
    expect(await ask(generateSecret('sk_live_'))).toBe(reason)
    expect(events.map(({ type }) => type)).toContain(told)
  })

  it.each([
    ['throws', { ...createMemoryLimiter(), consume: broken }],
    ['rejects', { consume: rejecting, close() {} }],
    ['throws beforehand', { ...createMemoryLimiter(), peek: broken }],
  ])('is 503, never a pass: a limiter that %s', async (_, limiter) => {
    const { ask, keys, events } = setUp({ limiter })
    const { key } = await keys.create({ ...web, rateLimitEps: 5 })
    expect(await ask(key, () => Buffer.from('{}'))).toBe('internal_error')
    expect(events.map(({ type }) => type)).toContain('internal_error')
  })

  it.each([
    ['onEvent that throws', { onEvent: broken }],
    ['onEvent that rejects', { onEvent: rejecting as () => never }],
    ['a logger that throws', { logger: { error: broken, warn: broken } }],
  ])('changes no verdict: %s', async (_, options) => {
    const { ask, keys } = setUp(options)
    const { key } = await keys.create(web)
    expect(await ask(key)).toBe('accepted')
    expect(await ask(generateSecret('sk_live_'))).toBe('unknown_key')
    expect(await ask('junk')).toBe('malformed_key')
  })

  it.each([
    ['throw', broken],
    ['reject', rejecting],
  ])('does not hold up a change: hints that %s, which is told once', async (_, publish) => {
    const hints = { publish, subscribe: () => () => {}, close() {} }
    const { keys, events } = setUp({ hints })
    for (let count = 0; count < 3; count++) await keys.create(web)
    expect(events.map(({ type }) => type)).toEqual(['hints_error'])
  })

  it('is 503 after close, without an unhandled rejection, and closing twice is fine', async () => {
    const { ask, keys } = setUp()
    const { key } = await keys.create(web)
    await Promise.all([keys.close(), keys.close()])
    expect(await ask(key)).toBe('store_unavailable')
  })
})

describe('a polluted prototype', () => {
  const pollution = {
    type: 'track',
    ok: true,
    allow: true,
    writeKey: 'x',
    status: 'active',
    credentials: ['query'],
    expiresAt: null,
    batch: [{}],
  }

  afterEach(() => {
    for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name)
  })

  it('grants nothing', async () => {
    const { keys, ask, events } = setUp()
    const { key, writeKey } = await keys.create({ ...web, allowedEventTypes: ['track'] })
    const revoked = await keys.create(web)
    await keys.revoke(revoked.writeKey.id)
    for (const [name, value] of Object.entries(pollution)) {
      Object.defineProperty(Object.prototype, name, {
        value,
        configurable: true,
        writable: true,
        enumerable: false,
      })
    }
    const batch = (body: unknown) => keys.verify({ ...post(key, body), path: '/v1/batch' })
    expect(await batch([JSON.parse('{"userId":"u"}')])).toMatchObject({ ok: false })
    expect(await batch(JSON.parse('{"userId":"u"}'))).toMatchObject({ ok: false })
    const first = await ask(revoked.key)
    const failures = events.flatMap((event) => ('error' in event ? [event.error?.stack] : []))
    expect(failures).toEqual([])
    expect(first).toBe('revoked_key')
    expect(await ask('junk')).toBe('malformed_key')
    expect(
      (
        await keys.verify({
          method: 'POST',
          path: '/v1/track',
          query: `writeKey=${key}`,
          headers: {},
          body: {},
        })
      ).ok,
    ).toBe(false)
    expect(await ask(key, { type: 'track' })).toBe('accepted')
    expect(writeKey.status).toBe('active')
  })
})
