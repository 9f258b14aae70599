import { describe, expect, it } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type WriteKeyEvent,
  type WriteKeysOptions,
} from '../../src/index.ts'

const track = (key: string) => ({
  method: 'POST',
  path: '/v1/track',
  headers: { authorization: `Basic ${btoa(`${key}:`)}` },
  body: { event: 'Signed Up' },
})

function start(options: WriteKeysOptions) {
  const store = createMemoryStore()
  return {
    store,
    keys: createWriteKeys({ store, defaultRateLimitEps: 7, clock: () => 1_800_000_000_000, ...options }),
  }
}

const plans = { free: { rateLimitEps: 1 }, pro: { rateLimitEps: 50 }, open: {} }

describe('a plan', () => {
  it('says the rate of a key that sets none; the key’s own wins, and the default counts where neither says one', async () => {
    const { keys } = start({ plans, defaultPlan: 'free' })
    const rateOf = async (fields: object) =>
      (await keys.create({ name: 'Web', sourceType: 'web', ...fields })).writeKey.effectiveRateLimitEps
    expect(await rateOf({})).toBe(1)
    expect(await rateOf({ plan: 'pro' })).toBe(50)
    expect(await rateOf({ plan: 'pro', rateLimitEps: 3 })).toBe(3)
    expect(await rateOf({ plan: 'open' })).toBe(7)
    expect(keys.plan('pro')).toMatchObject({ name: 'pro', rateLimitEps: 50 })
    expect(keys.plan(null)).toMatchObject({ name: 'free', rateLimitEps: 1 })
    await keys.close()
  })

  it('is kept by the limiter, and a change of plan counts', async () => {
    const { keys } = start({ plans, defaultPlan: 'free' })
    const { writeKey, key } = await keys.create({ name: 'Web', sourceType: 'web' })
    expect((await keys.verify(track(key))).ok).toBe(true)
    expect(await keys.verify(track(key))).toMatchObject({ reason: 'rate_limited' })
    await keys.update(writeKey.id, { plan: 'pro' })
    expect(await keys.verify(track(key))).toMatchObject({ ok: true, headers: { 'x-ratelimit-limit': '50' } })
    await keys.close()
  })

  it('changed in code counts at once for the keys that are stored', async () => {
    const { keys, store } = start({ plans })
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web', plan: 'free' })
    const later = createWriteKeys({ store, plans: { free: { rateLimitEps: 9 } } })
    expect(await later.get(writeKey.id)).toMatchObject({ plan: 'free', effectiveRateLimitEps: 9 })
    await keys.close()
  })

  it('that the application does not have is refused, and on a stored key told once and replaced by the default', async () => {
    const { keys, store } = start({ plans: { gold: { rateLimitEps: 100 } } })
    const { key } = await keys.create({ name: 'Web', sourceType: 'web', plan: 'gold' })
    const events: WriteKeyEvent[] = []
    const later = createWriteKeys({
      store,
      plans,
      defaultPlan: 'pro',
      onEvent: (event) => events.push(event),
    })
    await expect(later.create({ name: 'Web', sourceType: 'web', plan: 'gold' })).rejects.toMatchObject({
      code: 'invalid_field',
      field: 'plan',
    })
    for (let count = 0; count < 3; count++) {
      expect(await later.verify(track(key))).toMatchObject({
        ok: true,
        headers: { 'x-ratelimit-limit': '50' },
      })
    }
    expect(events.filter(({ type }) => type === 'unknown_plan')).toMatchObject([{ plan: 'gold' }])
    await later.close()
  })

  it('must be there to be the default', () => {
    expect(() => start({ plans, defaultPlan: 'fre' })).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(/defaultPlan.*free/) }),
    )
  })
})
