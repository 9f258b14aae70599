import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { KeyCache } from '../../src/cache/key-cache-interface.ts'
import { createManualClock } from '../contract/limiter-contract.ts'
import { type CachedRecord, createRecordCache } from './record-cache.ts'
import { createGate, shareMemory } from './shared-memory.ts'
import { change, insert, statusOf } from './stored-records.ts'

const opened: KeyCache<CachedRecord>[] = []

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  vi.advanceTimersByTime(1_000)
})
afterEach(() => {
  for (const cache of opened.splice(0)) cache.close()
  vi.useRealTimers()
})

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

async function wait(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await settle()
}

/** A cache whose timers stand still until the test moves them. */
function setUp(leaseMs = 4_000) {
  const shared = shareMemory({ leaseMs })
  const clock = createManualClock()
  let hint = () => {}
  const store = {
    ...shared.store,
    watch(listener: (keyIds: readonly string[] | undefined) => void) {
      hint = () => listener(['wk_told'])
      return () => {}
    },
  }
  const cache = createRecordCache(store, clock)
  opened.push(cache)
  /** How many polls begin in this time. */
  const pollsIn = async (ms: number) => {
    const before = shared.asked.polls
    await wait(ms)
    return shared.asked.polls - before
  }
  return { ...shared, store, clock, cache, pollsIn, hint: () => hint() }
}

describe('a shared store', () => {
  it('is asked four times in a lease, from the first look-up on', async () => {
    const { store, cache, pollsIn } = setUp()
    expect(await pollsIn(60_000)).toBe(0)
    await statusOf(cache, await insert(store))
    await wait(500)
    expect([await pollsIn(999), await pollsIn(1)]).toEqual([0, 1])
    expect([await pollsIn(999), await pollsIn(1)]).toEqual([0, 1])
  })

  it('is asked twice a second while it names no lease', async () => {
    const { before, cache, pollsIn } = setUp()
    before.poll = () => {
      throw new Error('down')
    }
    cache.begin()
    cache.begin()
    expect([await pollsIn(499), await pollsIn(1)]).toEqual([0, 1])
    expect([await pollsIn(499), await pollsIn(1)]).toEqual([0, 1])
  })

  it('is not asked by the timer while it is asked already', async () => {
    const { before, cache, pollsIn } = setUp()
    await cache.refresh()
    const answer = createGate()
    before.poll = answer.wait
    expect(await pollsIn(1_000)).toBe(1)
    // The question ends at its deadline, and the timer begins the next one.
    expect(await pollsIn(900)).toBe(0)
    answer.open()
    expect(await pollsIn(1)).toBe(0)
  })

  it('is asked again a whole interval after a question that hung: a process with nothing to do ends in between', async () => {
    const { before, cache, pollsIn } = setUp(1_200)
    await cache.refresh()
    await wait(500)
    before.poll = () => new Promise(() => {})
    expect(await pollsIn(300)).toBe(1)
    expect(await pollsIn(1_000)).toBe(0)
    expect([await pollsIn(299), await pollsIn(1)]).toEqual([0, 1])
  })

  it('is asked once more for all who come while it is asked', async () => {
    const { asked, before, cache } = setUp()
    const answer = createGate()
    before.poll = answer.wait
    const polls = [cache.refresh()]
    await settle()
    for (let count = 0; count < 10; count++) polls.push(cache.refresh())
    answer.open()
    await Promise.all(polls)
    expect(asked.polls).toBe(2)
    await cache.refresh()
    expect(asked.polls).toBe(3)
  })

  it('gets a pause after two failures in a row, which grows to 100 ms', async () => {
    const { before, cache, pollsIn } = setUp(600_000)
    await cache.refresh()
    before.poll = () => {
      throw new Error('down')
    }
    for (const pauseMs of [0, 0, 25, 50, 100, 100]) {
      const failed = expect(cache.refresh()).rejects.toThrow('failed')
      expect(await pollsIn(Math.max(0, pauseMs - 1))).toBe(pauseMs === 0 ? 1 : 0)
      expect(await pollsIn(1)).toBe(pauseMs === 0 ? 0 : 1)
      await failed
    }
    delete before.poll
    const answered = cache.refresh()
    await wait(100)
    await answered
    const next = cache.refresh()
    expect(await pollsIn(0)).toBe(1)
    await next
  })

  it('that has hung once is not asked again by a request that has waited for it', async () => {
    const { asked, store, clock, before, cache } = setUp(60_000)
    const record = await insert(store)
    await statusOf(cache, record)
    before.poll = () => new Promise(() => {})
    const poll = expect(cache.refresh()).rejects.toMatchObject({ code: 'store_timeout' })
    clock.advance(60_000)
    const answer = expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_timeout' })
    await settle()
    const { polls } = asked
    await wait(1_000)
    await Promise.all([poll, answer])
    expect(asked.polls).toBe(polls)
  })

  it('is not asked once the cache is closed', async () => {
    const { asked, store, before, cache, pollsIn, hint } = setUp()
    await statusOf(cache, await insert(store))
    const answer = createGate()
    before.poll = answer.wait
    const polls = [cache.refresh(), cache.refresh()].map((poll) => expect(poll).rejects.toThrow('closed'))
    await settle()
    const { polls: begun } = asked
    hint()
    cache.close()
    answer.open()
    await Promise.all(polls)
    hint()
    cache.begin()
    expect(await pollsIn(60_000)).toBe(0)
    expect(asked.polls).toBe(begun)
    const never = setUp()
    never.cache.close()
    never.cache.begin()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a hint', () => {
  it('is a question at once, or 5 ms after the last one has begun, for all hints until then', async () => {
    const { asked, store, cache, pollsIn, hint } = setUp(600_000)
    await statusOf(cache, await insert(store))
    await cache.refresh()
    expect(await pollsIn(10)).toBe(0)
    const { polls } = asked
    hint()
    await settle()
    expect(asked.polls).toBe(polls + 1)
    await wait(2)
    const timers = vi.getTimerCount()
    for (let count = 0; count < 10; count++) hint()
    expect(await pollsIn(2)).toBe(0)
    for (let count = 0; count < 10; count++) hint()
    expect(vi.getTimerCount()).toBe(timers + 1)
    expect([await pollsIn(1), await pollsIn(100)]).toEqual([1, 0])
    hint()
    expect(await pollsIn(0)).toBe(1)
  })

  it('asks nothing before the first look-up', async () => {
    const { cache, pollsIn, hint } = setUp()
    hint()
    expect(await pollsIn(10_000)).toBe(0)
    await cache.refresh()
  })

  it('makes a change known', async () => {
    const { memory, store, cache, hint } = setUp(600_000)
    const record = await insert(store)
    expect(await statusOf(cache, record)).toBe('active')
    await change(memory, record)
    expect(await statusOf(cache, record)).toBe('active')
    hint()
    await wait(5)
    expect(await statusOf(cache, record)).toBe('revoked')
  })
})
