import { describe, expect, it } from 'vitest'
import { generateSecret } from '../../src/keys/secret.ts'
import type { createManualClock } from '../contract/limiter-contract.ts'
import { ask, request, setUp } from './watched-store.ts'

describe('a lookup', () => {
  it('is one read for 10 000 cold requests at once', async () => {
    const { keys, watched, create } = setUp('process')
    const { key } = await create()
    const verdicts = await Promise.all(Array.from({ length: 10_000 }, () => ask(keys, key)))
    expect(new Set(verdicts)).toEqual(new Set(['accepted']))
    expect(watched.reads).toBe(1)
    await ask(keys, key)
    expect(watched.reads).toBe(1)
    await keys.close()
  })

  it('passes for hundreds of cold keys at once from one address, a few reads at a time', async () => {
    const { keys, watched, create } = setUp('process')
    const created = await Promise.all(Array.from({ length: 200 }, create))
    watched.hold = () => new Promise((resolve) => setTimeout(resolve, 2))
    const verdicts = await Promise.all(created.map(({ key }) => ask(keys, key)))
    expect(new Set(verdicts)).toEqual(new Set(['accepted']))
    expect(watched.mostAtOnce).toBeLessThanOrEqual(32)
    await keys.close()
  })

  it('that fails is 503 for all who waited, and is tried again', async () => {
    const { keys, watched, create, kinds } = setUp('process')
    const { key } = await create()
    watched.failReads = true
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => ask(keys, key)))
    expect(new Set(verdicts)).toEqual(new Set(['store_unavailable']))
    expect(watched.reads).toBe(1)
    expect(kinds()).toEqual(['store_error'])
    watched.failReads = false
    expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('that never ends is 503 after a second, and is tried again', async () => {
    const { keys, watched, create } = setUp('process')
    const { key } = await create()
    watched.hold = () => new Promise(() => {})
    const startedAt = performance.now()
    expect(await Promise.all([ask(keys, key), ask(keys, key)])).toEqual([
      'store_unavailable',
      'store_unavailable',
    ])
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    watched.hold = async () => {}
    expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('that overlaps a revocation is not kept', async () => {
    const { keys, elsewhere, watched, create } = setUp('process')
    const { key, writeKey } = await create()
    let release = () => {}
    watched.hold = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const racing = ask(keys, key)
    while (watched.reads === 0) await new Promise((resolve) => setImmediate(resolve))
    await elsewhere.revoke(writeKey.id)
    watched.hold = async () => {}
    // Its verification started before the revocation returned, so either answer is right.
    release()
    await racing
    expect(await ask(keys, key)).toBe('revoked_key')
    await keys.close()
  })

  it('finds a key that is made after it was asked for in vain', async () => {
    const { keys, create, watched } = setUp('process')
    const { key } = await create()
    const unknown = generateSecret('sk_live_')
    expect(await ask(keys, unknown)).toBe('unknown_key')
    expect(await ask(keys, unknown)).toBe('unknown_key')
    expect(watched.reads).toBe(1)
    await create()
    expect(await ask(keys, unknown)).toBe('unknown_key')
    expect(watched.reads).toBe(2)
    expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('keeps as many keys as it may, and reads the others again', async () => {
    const { keys, watched, create } = setUp('process', { cache: { maxKeys: 3 } })
    const created = await Promise.all(Array.from({ length: 9 }, create))
    for (let round = 0; round < 3; round++) {
      for (const { key } of created) expect(await ask(keys, key)).toBe('accepted')
    }
    expect(watched.reads).toBe(27)
    await keys.close()
  })

  it('hands out what a handler cannot change', async () => {
    const { keys } = setUp('process')
    const input = { name: 'Web App', sourceType: 'web' as const, metadata: { team: { name: 'growth' } } }
    const { key } = await keys.create(input)
    const verdict = await keys.verify(request(key))
    if (!verdict.ok) throw new Error(verdict.reason)
    expect(Object.isFrozen(verdict.writeKey)).toBe(true)
    const metadata = verdict.writeKey.metadata as typeof input.metadata
    expect(() => Object.assign(metadata.team, { name: 'x' })).toThrow(TypeError)
    const again = await keys.verify(request(key))
    expect(again).toMatchObject({ ok: true, writeKey: { metadata: { team: { name: 'growth' } } } })
    await keys.close()
  })
})

describe('a shared store', () => {
  it('is trusted for a lease, then asked what changed', async () => {
    const { keys, elsewhere, clock, watched, create } = setUp('shared')
    const { key, writeKey } = await create()
    expect(await ask(keys, key)).toBe('accepted')
    await elsewhere.revoke(writeKey.id)
    clock.advance(1_999)
    expect(await ask(keys, key)).toBe('accepted')
    expect(watched.reads).toBe(1)
    clock.advance(1)
    expect(await ask(keys, key)).toBe('revoked_key')
    await keys.close()
  })

  it.each([
    [
      'the monotonic clock has stood still and the wall clock gone on',
      (clock: ReturnType<typeof createManualClock>) => clock.advanceWallClock(3_600_000),
    ],
    [
      'the wall clock was set back and the monotonic clock gone on',
      (clock: ReturnType<typeof createManualClock>) => {
        clock.advanceWallClock(-3_600_000)
        clock.advance(2_000)
      },
    ],
  ])('is asked again when %s', async (_, pass) => {
    const { keys, elsewhere, clock, create } = setUp('shared')
    const { key, writeKey } = await create()
    expect(await ask(keys, key)).toBe('accepted')
    await elsewhere.revoke(writeKey.id)
    pass(clock)
    expect(await ask(keys, key)).toBe('revoked_key')
    await keys.close()
  })

  it('that is away is 503 once the lease has ended, for known and unknown keys alike', async () => {
    const { keys, clock, watched, create, kinds } = setUp('shared')
    const { key } = await create()
    expect(await ask(keys, key)).toBe('accepted')
    Object.assign(watched, { failPolls: true, failReads: true })
    clock.advance(1_000)
    expect(await ask(keys, key)).toBe('accepted')
    clock.advance(1_000)
    expect(await ask(keys, key)).toBe('store_unavailable')
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('store_unavailable')
    expect(kinds()).toContain('store_error')
    expect(kinds()).not.toContain('internal_error')
    Object.assign(watched, { failPolls: false, failReads: false })
    expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('that is away is bridged as long as staleOnOutageMs says, and that is told', async () => {
    const { keys, clock, watched, create, kinds } = setUp('shared', { cache: { staleOnOutageMs: 30_000 } })
    const { key } = await create()
    expect(await ask(keys, key)).toBe('accepted')
    Object.assign(watched, { failPolls: true, failReads: true })
    clock.advance(31_999)
    expect(await ask(keys, key)).toBe('accepted')
    expect(kinds()).toContain('stale_accept')
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('store_unavailable')
    clock.advance(1)
    expect(await ask(keys, key)).toBe('store_unavailable')
    await keys.close()
  })

  it('whose read takes longer than a lease is not believed', async () => {
    const { keys, elsewhere, clock, watched, create } = setUp('shared')
    const { key, writeKey } = await create()
    let release = () => {}
    watched.hold = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const frozen = ask(keys, key)
    while (watched.reads === 0) await new Promise((resolve) => setImmediate(resolve))
    await elsewhere.revoke(writeKey.id)
    clock.advance(10_000)
    watched.hold = async () => {}
    release()
    await frozen
    expect(await ask(keys, key)).toBe('revoked_key')
    await keys.close()
  })
})

describe('grace', () => {
  it('ends at its deadline although the key is cached', async () => {
    const { keys, clock } = setUp('process')
    const { key, writeKey } = await keys.create({ name: 'Web App', sourceType: 'web' })
    const rotated = await keys.rotate(writeKey.id, { gracePeriodHours: 1 })
    clock.advance(3_599_999)
    expect(await ask(keys, key)).toBe('accepted')
    clock.advance(1)
    expect(await ask(keys, key)).toBe('expired_key')
    expect(await ask(keys, rotated.key)).toBe('accepted')
    await keys.close()
  })

  it('and expiry go by the clock as it is: one that was wrong for a moment does no lasting harm', async () => {
    const { keys, clock } = setUp('process')
    const expiresAt = new Date(clock.now() + 3_600_000)
    const { key, writeKey } = await keys.create({ name: 'Web App', sourceType: 'web', expiresAt })
    const rotated = await keys.rotate(writeKey.id, { gracePeriodHours: 0.5 })
    for (const secret of [key, rotated.key]) expect(await ask(keys, secret)).toBe('accepted')
    clock.advanceWallClock(7_200_000)
    for (const secret of [key, rotated.key]) expect(await ask(keys, secret)).toBe('expired_key')
    clock.advanceWallClock(-7_200_000)
    for (const secret of [key, rotated.key]) expect(await ask(keys, secret)).toBe('accepted')
    await keys.close()
  })
})
