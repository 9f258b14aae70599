import { describe, expect, it } from 'vitest'
import { StoreError } from '../../src/runtime/errors.ts'
import type { KeyStore } from '../../src/stores/key-store.ts'
import { createManualClock, type ManualClock } from '../contract/limiter-contract.ts'
import { createRecordCache } from './record-cache.ts'
import { digestOf, createGate as gate, shareMemory } from './shared-memory.ts'
import { change, insert, source, statusOf } from './stored-records.ts'

/** A read of one key that waits for `open`, in a cache that holds another one. */
async function readEarly() {
  const { store, asked, before } = shareMemory()
  const cache = createRecordCache(store, createManualClock())
  const [record, other] = [await insert(store), await insert(store)]
  await statusOf(cache, other)
  const { wait, open } = gate()
  before.lookUp = wait
  const early = statusOf(cache, record)
  await new Promise(setImmediate)
  return { store, asked, before, cache, record, other, open, early }
}

describe('the cache of a shared store', () => {
  it('asks the store once for a key and then not again while the lease holds', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createRecordCache(store, clock)
    const record = await insert(store)
    for (let round = 0; round < 5; round++) expect(await statusOf(cache, record)).toBe('active')
    expect(asked.lookUps).toBe(1)
    expect(asked.polls).toBe(1)
    cache.close()
  })

  it('names its lease to the store when the application has one, once and without waiting for it', async () => {
    const { store } = shareMemory()
    const named: number[] = []
    const naming: KeyStore = {
      ...store,
      setLease(leaseMs) {
        named.push(leaseMs)
        return new Promise(() => {})
      },
    }
    for (const namesLease of [false, true]) {
      const cache = createRecordCache(naming, createManualClock(), { leaseMs: 700, namesLease })
      const record = await insert(store)
      expect(await statusOf(cache, record)).toBe('active')
      await cache.refresh()
      cache.close()
    }
    expect(named).toEqual([700])
  })

  it('trusts for its own lease or the one that the store names, whichever is shorter', async () => {
    for (const [own, stores] of [
      [60_000, 5_000],
      [5_000, 60_000],
    ] as const) {
      const shared = shareMemory({ leaseMs: stores })
      const clock = createManualClock()
      const cache = createRecordCache(shared.store, clock, { leaseMs: own })
      const record = await insert(shared.store)
      await statusOf(cache, record)
      expect(cache.leaseMs()).toBe(5_000)
      await change(shared.store, record)
      clock.advance(4_999)
      expect(await statusOf(cache, record)).toBe('active')
      clock.advance(1)
      expect(await statusOf(cache, record)).toBe('revoked')
      cache.close()
    }
  })

  it.each([
    ['time passes', (clock: ManualClock) => clock.advance(60_000)],
    ['only the wall clock moves, as after a suspend', (clock: ManualClock) => clock.advanceWallClock(60_000)],
    [
      'the wall clock is set back meanwhile',
      (clock: ManualClock) => {
        clock.advance(60_000)
        clock.advanceWallClock(-3_600_000)
      },
    ],
  ])('does not trust what it has when %s', async (_, pass) => {
    const { store } = shareMemory()
    const clock = createManualClock()
    const cache = createRecordCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    await change(store, record)
    expect(await statusOf(cache, record)).toBe('active')
    pass(clock)
    expect(await statusOf(cache, record)).toBe('revoked')
    cache.close()
  })

  it('shares one read among concurrent requests for one key', async () => {
    const { store, asked, before } = shareMemory()
    const cache = createRecordCache(store, createManualClock())
    const record = await insert(store)
    const { wait, open } = gate()
    before.lookUp = wait
    const answers = Promise.all(Array.from({ length: 1_000 }, () => statusOf(cache, record)))
    open()
    expect(new Set(await answers)).toEqual(new Set(['active']))
    expect(asked.lookUps).toBe(1)
    cache.close()
  })

  it('keeps no read that a change has overtaken, and lets nobody join it', async () => {
    const { store, asked, before, cache, record, open, early } = await readEarly()
    before.lookUp = () => {}
    await change(store, record)
    await cache.refresh()
    expect(await statusOf(cache, record)).toBe('revoked')
    open()
    // What it was answered is of another moment, so it has asked again.
    expect(await early).toBe('revoked')
    expect(await statusOf(cache, record)).toBe('revoked')
    expect(asked.lookUps).toBe(4)
    cache.close()
  })

  it('keeps a read of one key while another one changes', async () => {
    const { asked, cache, record, other, open, early } = await readEarly()
    cache.forget([other.id])
    open()
    await early
    await statusOf(cache, record)
    expect(asked.lookUps).toBe(2)
    cache.close()
  })

  it('never caches a failure', async () => {
    const { store, before } = shareMemory()
    const errors: unknown[] = []
    const cache = createRecordCache(store, createManualClock(), {
      onStoreError: (error) => errors.push(error),
    })
    const record = await insert(store)
    before.lookUp = () => {
      throw new Error('down')
    }
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_unavailable' })
    delete before.lookUp
    expect(await statusOf(cache, record)).toBe('active')
    expect(errors.length).toBe(1)
    cache.close()
  })

  it('gives up a read that hangs, and asks anew for the next request', async () => {
    const { store, before } = shareMemory()
    const cache = createRecordCache(store, createManualClock())
    const record = await insert(store)
    before.lookUp = () => new Promise(() => {})
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_timeout' })
    delete before.lookUp
    expect(await statusOf(cache, record)).toBe('active')
    cache.close()
  })

  it('gives up a poll that hangs, and does not listen to its late answer', async () => {
    const { store, before } = shareMemory()
    const clock = createManualClock()
    const cache = createRecordCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    const { wait, open } = gate()
    before.poll = wait
    clock.advance(60_000)
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_timeout' })
    await change(store, record)
    open()
    await new Promise(setImmediate)
    before.poll = () => {
      throw new StoreError('store_unavailable', 'down')
    }
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_unavailable' })
    delete before.poll
    expect(await statusOf(cache, record)).toBe('revoked')
    cache.close()
  })

  it('asks once more when the poll it found under way fails', async () => {
    const { store, before } = shareMemory()
    const clock = createManualClock()
    const cache = createRecordCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    const { wait, open } = gate()
    before.poll = async () => {
      await wait()
      delete before.poll
      throw new Error('connection reset')
    }
    const begun = cache.refresh()
    clock.advance(60_000)
    const answer = statusOf(cache, record)
    open()
    await expect(begun).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await answer).toBe('active')
    cache.close()
  })

  it('does not take the lease from a poll that began too long ago', async () => {
    const { store, before, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createRecordCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    const { wait, open } = gate()
    before.poll = wait
    const begun = cache.refresh()
    await new Promise(setImmediate)
    // The process is frozen here: the poll's answer was on its way before the key was revoked.
    delete before.poll
    await change(store, record)
    clock.advance(120_000)
    const answer = statusOf(cache, record)
    open()
    await begun
    expect(await answer).toBe('revoked')
    expect(asked.polls).toBe(3)
    cache.close()
  })

  it('refuses everything once it is closed', async () => {
    const { store } = shareMemory()
    const cache = createRecordCache(store, createManualClock())
    const record = await insert(store)
    await statusOf(cache, record)
    cache.close()
    expect(() => cache.find(digestOf(record), source)).toThrow(StoreError)
  })
})
