import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { KeyCacheOptions } from '../../src/cache/key-cache.ts'
import { type ChangeHints, createMemoryStore, type KeyStore } from '../../src/index.ts'
import type { ChangeListener } from '../../src/stores/key-store.ts'
import { createManualClock } from '../contract/limiter-contract.ts'
import { type CachedRecord, createRecordCache } from './record-cache.ts'
import { createGate, digestOf, shareMemory } from './shared-memory.ts'
import { change, insert, settle, source, statusOf } from './stored-records.ts'

/** A cache, and what it tells. */
function setUp(store: KeyStore, options: Partial<KeyCacheOptions<CachedRecord>> = {}) {
  const told: string[] = []
  const outageOf = (part: string) => ({
    began: (error: unknown) => told.push(`${part}: ${(error as Error).message}`),
    ended: () => {},
  })
  const clock = createManualClock()
  const cache = createRecordCache(store, clock, {
    storeOutage: outageOf,
    hintsOutage: outageOf,
    onUntold: () => told.push('untold'),
    ...options,
  })
  onTestFinished(() => cache.close())
  return { cache, clock, told }
}

/** Hints, or a store's own watching, that a test gives. */
function createHints() {
  const state: { hear?: ChangeListener; lost?: ((error: unknown) => void) | undefined; ended: number } = {
    ended: 0,
  }
  const listen: ChangeHints['subscribe'] = (hear, lost) => {
    Object.assign(state, { hear, lost })
    return () => void state.ended++
  }
  return { state, listen, hints: { publish() {}, subscribe: listen, close() {} } as ChangeHints }
}

const down = () => {
  throw new Error('down')
}

afterEach(() => {
  vi.useRealTimers()
})

describe('which secrets exist', () => {
  it('is read with the first key that is looked for, and not before', async () => {
    const { store, asked } = shareMemory({ tells: true })
    const { cache, told } = setUp(store)
    const record = await insert(store)
    await settle()
    expect(asked.pages).toBe(0)
    await statusOf(cache, record)
    expect(asked.pages).toBe(1)
    expect(told).toEqual([])
  })

  it('is waited for when asked, until a deadline, and the outage told', async () => {
    const { store, before } = shareMemory({ tells: true })
    const { cache, told } = setUp(store)
    const { wait, open } = createGate()
    before.page = wait
    let isWarm = false
    const warm = cache.warmUp(1_000).then(() => {
      isWarm = true
    })
    await cache.warmUp(1)
    expect(isWarm).toBe(false)
    open()
    await warm
    await insert(store)
    before.page = down
    cache.forget('all')
    await cache.warmUp(1_000)
    expect(told).toEqual(['index: down'])
  })

  it.each([
    ['a shared store that does not tell', () => shareMemory().store, true, ['untold']],
    ['one that need not', () => shareMemory().store, false, []],
    ['one that tells, but need not', () => shareMemory({ tells: true }).store, false, []],
    ['a store of this process', createMemoryStore, true, []],
  ] as const)('%s: what the operator hears of it, once', async (_, makeStore, index, expected) => {
    const store = makeStore()
    const { cache, told } = setUp(store, { index })
    await cache.warmUp(1_000)
    for (let count = 0; count < 2; count++) await statusOf(cache, await insert(store))
    expect(told).toEqual(expected)
  })

  it('is read no more when it need not be known', async () => {
    const { store, asked } = shareMemory({ tells: true })
    const { cache } = setUp(store, { index: false })
    await statusOf(cache, await insert(store))
    expect(asked.pages).toBe(0)
  })

  it('is read anew, key by key, as keys change', async () => {
    const { store, asked } = shareMemory({ tells: true })
    const { cache } = setUp(store)
    const record = await insert(store)
    await statusOf(cache, record)
    await settle()
    const { pages } = asked
    await change(store, record)
    await cache.refresh()
    await settle()
    expect([asked.pages, asked.of]).toEqual([pages, 1])
  })
})

describe('a store of this process', () => {
  it('says itself what has changed, and has no lease', async () => {
    const store = createMemoryStore()
    const { cache, clock } = setUp(store)
    const [one, other] = [await insert(store), await insert(store)]
    for (const record of [one, other]) expect(await statusOf(cache, record)).toBe('active')
    expect(cache.look()).toEqual({ ok: true, keys: 2, leaseMs: 0, ageMs: null })
    await change(store, one)
    expect(cache.look().keys).toBe(1)
    expect(await statusOf(cache, one)).toBe('revoked')
    clock.advance(3_600_000)
    expect([cache.look().ok, cache.leaseMs()]).toEqual([true, 0])
  })

  it('may say that anything has changed', async () => {
    const { state, listen } = createHints()
    const store = createMemoryStore()
    const { cache } = setUp({ ...store, watch: listen })
    await statusOf(cache, await insert(store))
    expect(cache.look().keys).toBe(1)
    state.hear?.()
    expect(cache.look().keys).toBe(0)
  })
})

describe('a shared store', () => {
  it('has a lease and the age of its last answer', async () => {
    const { store } = shareMemory({ leaseMs: 5_000 })
    const { cache, clock } = setUp(store)
    expect(cache.look()).toEqual({ ok: false, keys: 0, leaseMs: 0, ageMs: null })
    await statusOf(cache, await insert(store))
    clock.advance(1_200.4)
    expect(cache.look()).toEqual({ ok: true, keys: 1, leaseMs: 5_000, ageMs: 1_200 })
    clock.advance(5_000)
    expect(cache.look().ok).toBe(false)
  })

  it('is asked by itself once that was begun', async () => {
    const { store, asked } = shareMemory()
    const { cache } = setUp(store)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    cache.begin()
    vi.advanceTimersByTime(1_000)
    await settle()
    expect(asked.polls).toBe(1)
    expect(cache.look().ok).toBe(true)
  })

  it('is asked for what changed when it, or a hint, says so, and nothing is dropped before', async () => {
    const { store, asked } = shareMemory()
    const [own, others] = [createHints(), createHints()]
    const { cache, told } = setUp({ ...store, watch: own.listen }, { hints: others.hints })
    const record = await insert(store)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    vi.advanceTimersByTime(10_000)
    await statusOf(cache, record)
    for (const { state } of [own, others]) {
      const { polls } = asked
      vi.advanceTimersByTime(1_000)
      state.hear?.([record.id])
      expect(cache.look().keys).toBe(1)
      await settle()
      expect(asked.polls).toBe(polls + 1)
      state.lost?.(new Error('lost'))
    }
    expect(told).toEqual(['untold', 'listening: lost', 'subscription: lost'])
  })

  it('that fails is told of as questions, and its lease apart', async () => {
    const { store, before } = shareMemory()
    const { cache, told } = setUp(
      { ...store, setLease: () => Promise.reject(new Error('read only')) },
      { namesLease: true },
    )
    await cache.refresh()
    await settle()
    before.poll = down
    await expect(cache.refresh()).rejects.toThrow()
    expect(told).toEqual(['lease: read only', 'questions: down'])
  })

  it('that cannot be told a lease is trusted for the shorter one', async () => {
    const { setLease: _, ...store } = shareMemory({ leaseMs: 5_000 }).store
    const { cache, told } = setUp(store, { namesLease: true, leaseMs: 700 })
    await cache.refresh()
    expect([cache.leaseMs(), told]).toEqual([700, []])
  })

  it('is not asked for unknown keys beyond their budget', async () => {
    const { store, asked } = shareMemory()
    const { cache } = setUp(store)
    for (let at = 0; at < 20; at++)
      expect(await cache.find(`${at}`.padStart(32, 'x'), source)).toBe('unknown')
    expect(await cache.find('y'.repeat(32), source)).toBe('too_many_failures')
    expect(asked.lookUps).toBe(20)
  })
})

describe('a cache', () => {
  it('shares a read although somebody forgets no key meanwhile', async () => {
    const { store, asked, before } = shareMemory()
    const { cache } = setUp(store)
    const record = await insert(store)
    const { wait, open } = createGate()
    before.lookUp = wait
    const first = statusOf(cache, record)
    await settle()
    cache.forget([])
    const second = statusOf(cache, record)
    open()
    expect([await first, await second]).toEqual(['active', 'active'])
    expect(asked.lookUps).toBe(1)
  })

  it('counts what it had, what it had not, and what it refused for the budget of all', async () => {
    const { store } = shareMemory()
    const { cache } = setUp(store, {
      budget: { check: () => 'all_exhausted', isSpent: () => false, charge() {}, used: () => 1, refund() {} },
    })
    await expect(cache.find('x'.repeat(32), source)).rejects.toMatchObject({ code: 'store_overloaded' })
    expect(cache.counts()).toEqual({ hits: 0, misses: 1, refused: 1 })
  })

  it('that is closed holds nothing, hears nothing and asks nothing', async () => {
    const { store, asked, before } = shareMemory({ tells: true })
    const [own, others] = [createHints(), createHints()]
    const { cache } = setUp({ ...store, watch: own.listen }, { hints: others.hints })
    const record = await insert(store)
    const { wait, open } = createGate()
    before.page = wait
    await statusOf(cache, record)
    cache.close()
    open()
    await settle()
    expect(cache.look()).toMatchObject({ ok: false, keys: 0 })
    expect([own.state.ended, others.state.ended]).toEqual([1, 1])
    const { polls } = asked
    own.state.hear?.()
    await settle()
    expect(asked.polls).toBe(polls)
    expect(() => cache.find(digestOf(record), source)).toThrow()
  })

  it('closes with hints whose subscription has no end', async () => {
    const { store } = shareMemory()
    const hints = { publish() {}, subscribe: () => undefined, close() {} } as unknown as ChangeHints
    const { cache } = setUp(store, { hints })
    cache.close()
    expect(cache.look().ok).toBe(false)
  })
})
