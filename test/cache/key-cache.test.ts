import { describe, expect, it } from 'vitest'
import type { KeyCache } from '../../src/cache/key-cache-interface.ts'
import type { KeyRecord } from '../../src/keys/key-record.ts'
import { StoreError } from '../../src/runtime/errors.ts'
import type { KeyStore } from '../../src/stores/key-store.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { createManualClock, type ManualClock } from '../contract/limiter-contract.ts'
import { type CachedRecord, createRecordCache } from './record-cache.ts'
import { digestOf, createGate as gate, shareMemory } from './shared-memory.ts'

const source = () => '192.0.2.1'
let entries = 0
const auditEntry = () => ({
  id: `aud_${++entries}`,
  at: 0,
  action: 'update' as const,
  actor: null,
  address: null,
  keyId: null,
  before: null,
  after: null,
})

async function insert(store: KeyStore): Promise<KeyRecord> {
  const record = createKeyRecord()
  await store.insert(record, auditEntry())
  return record
}

async function change(store: KeyStore, record: KeyRecord): Promise<KeyRecord> {
  const next = { ...record, status: 'revoked' as const, version: record.version + 1 }
  await store.replace(next, auditEntry())
  return next
}

async function statusOf(cache: KeyCache<CachedRecord>, record: KeyRecord): Promise<string> {
  const found = await cache.find(digestOf(record), source)
  return typeof found === 'string' ? found : found.status
}

/** Until answers that are there have been applied. */
const settle = () => new Promise(setImmediate)

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
    const { store, asked, before } = shareMemory()
    const cache = createRecordCache(store, createManualClock())
    const [record, other] = [await insert(store), await insert(store)]
    await statusOf(cache, other)
    const { wait, open } = gate()
    before.lookUp = wait
    const early = statusOf(cache, record)
    await new Promise(setImmediate)
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
    const { store, asked, before } = shareMemory()
    const cache = createRecordCache(store, createManualClock())
    const [record, other] = [await insert(store), await insert(store)]
    await statusOf(cache, other)
    const { wait, open } = gate()
    before.lookUp = wait
    const early = statusOf(cache, record)
    await new Promise(setImmediate)
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

  it('serves nothing stale by default, and as long as staleOnOutageMs says with an event each time', async () => {
    for (const staleOnOutageMs of [0, 30_000]) {
      const { store, before } = shareMemory()
      const clock = createManualClock()
      const stale: string[] = []
      const cache = createRecordCache(store, clock, {
        staleOnOutageMs,
        onStaleAccept: (id) => stale.push(id),
      })
      const [record, unseen] = [await insert(store), await insert(store)]
      await statusOf(cache, record)
      before.poll = () => {
        throw new Error('down')
      }
      clock.advance(89_999)
      if (staleOnOutageMs === 0)
        await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_unavailable' })
      else expect(await statusOf(cache, record)).toBe('active')
      expect(stale).toEqual(staleOnOutageMs === 0 ? [] : [record.id])
      await expect(statusOf(cache, unseen)).rejects.toMatchObject({ code: 'store_unavailable' })
      clock.advance(1)
      await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_unavailable' })
      cache.close()
    }
  })

  it('tells of nothing stale while the lease holds, whatever has failed since', async () => {
    const { store, before } = shareMemory()
    const clock = createManualClock()
    const stale: string[] = []
    const cache = createRecordCache(store, clock, { onStaleAccept: (id) => stale.push(id) })
    const record = await insert(store)
    await statusOf(cache, record)
    // Its poll renews the lease; the one after it, which a hint has asked for meanwhile, fails.
    clock.advance(60_000)
    before.poll = () => {
      void cache.refresh().catch(() => {})
      before.poll = () => {
        throw new Error('down')
      }
    }
    expect(await statusOf(cache, record)).toBe('active')
    // The wall clock is ahead while a request asks for the key, and right again when the question has failed.
    const ahead = clock.now() + 60_000
    expect(await cache.find(digestOf(record), source, ahead)).toMatchObject({ id: record.id })
    expect(stale).toEqual([])
    clock.advance(60_000)
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(stale).toEqual([])
    cache.close()
  })

  it('drops everything when the store shows another history', async () => {
    const { store, memory, before } = shareMemory()
    let regressed = 0
    const cache = createRecordCache(store, createManualClock(), { onRevisionRegressed: () => regressed++ })
    const record = await insert(store)
    await statusOf(cache, record)
    await change(store, record)
    before.poll = (answer) => ({ ...answer, history: 'lost', changed: 'all' })
    await cache.refresh()
    delete before.poll
    expect(regressed).toBe(1)
    expect(await statusOf(cache, record)).toBe('revoked')
    expect(memory.scope).toBe('process')
    cache.close()
  })

  it('reads a key again within a minute, in case somebody changed it by hand, and serves it meanwhile', async () => {
    const { store, asked, before } = shareMemory({ leaseMs: 600_000 })
    const clock = createManualClock()
    const cache = createRecordCache(store, clock, { leaseMs: 600_000 })
    const record = await insert(store)
    await statusOf(cache, record)
    clock.advance(44_000)
    await statusOf(cache, record)
    expect(asked.lookUps).toBe(1)
    const { wait, open } = gate()
    before.lookUp = async (answer) => {
      await wait()
      return { ...answer, record: { ...record, status: 'revoked' } }
    }
    clock.advance(16_000)
    const found = cache.find(digestOf(record), source)
    expect(found).toMatchObject({ status: 'active' })
    expect(cache.find(digestOf(record), source)).toBe(found)
    await settle()
    expect(asked.lookUps).toBe(2)
    open()
    await settle()
    expect(cache.find(digestOf(record), source)).toMatchObject({ status: 'revoked' })
    expect(asked.lookUps).toBe(2)
    cache.close()
  })

  it('goes on with a key that cannot be read again while its lease holds', async () => {
    const { store, asked, before } = shareMemory({ leaseMs: 600_000 })
    const clock = createManualClock()
    const cache = createRecordCache(store, clock, { leaseMs: 600_000 })
    const record = await insert(store)
    await statusOf(cache, record)
    before.lookUp = () => {
      throw new Error('down')
    }
    clock.advance(61_000)
    for (let count = 0; count < 10; count++) {
      expect(cache.find(digestOf(record), source)).toMatchObject({ status: 'active' })
      await settle()
    }
    expect(asked.lookUps).toBe(2)
    clock.advance(6_000)
    expect(cache.find(digestOf(record), source)).toMatchObject({ status: 'active' })
    await settle()
    expect(asked.lookUps).toBe(3)
    cache.close()
  })

  it('spreads the second reading of keys that were all read at once', async () => {
    const { store, asked } = shareMemory({ leaseMs: 600_000 })
    const clock = createManualClock()
    const count = 2_000
    const cache = createRecordCache(store, clock, { leaseMs: 600_000, maxKeys: count })
    const records = await Promise.all(Array.from({ length: count }, () => insert(store)))
    const readAll = async () => {
      const before = asked.lookUps
      for (const record of records) await statusOf(cache, record)
      for (let turn = 0; turn < 100; turn++) await settle()
      return asked.lookUps - before
    }
    expect(await readAll()).toBe(count)
    const perSecond: number[] = []
    for (let second = 1; second <= 60; second++) {
      clock.advance(1_000)
      perSecond.push(await readAll())
    }
    expect(perSecond.reduce((sum, reads) => sum + reads)).toBe(count)
    // A fifteenth in each of the last fifteen seconds, give or take: never a tenth at once.
    expect(perSecond.filter((reads) => reads > 0).length).toBeGreaterThanOrEqual(14)
    expect(Math.max(...perSecond)).toBeLessThan(count / 10)
    cache.close()
  })

  it('never refuses good keys that come cold and many at once from one address', async () => {
    const { store, asked } = shareMemory()
    const cache = createRecordCache(store, createManualClock(), { maxKeys: 5_000 })
    const records = await Promise.all(Array.from({ length: 2_000 }, () => insert(store)))
    const answers = await Promise.all(records.map((record) => statusOf(cache, record)))
    expect(new Set(answers)).toEqual(new Set(['active']))
    expect(asked.lookUps).toBe(2_000)
    cache.close()
  })

  it('asks the store for at most the budget of unknown keys, of one address and of all', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createRecordCache(store, clock)
    const wrong = async (address: string) => cache.find(digestOf(createKeyRecord()), () => address)
    const outcomes: unknown[] = []
    for (let count = 0; count < 30; count++) outcomes.push(await wrong('192.0.2.1'))
    expect(outcomes.filter((outcome) => outcome === 'unknown').length).toBe(20)
    expect(outcomes.filter((outcome) => outcome === 'too_many_failures').length).toBe(10)
    expect(asked.lookUps).toBe(20)
    clock.advance(1_000)
    expect(await wrong('192.0.2.1')).toBe('unknown')
    let overloaded = 0
    for (let count = 0; count < 500; count++) {
      await wrong(`198.51.100.${count % 250}`)
        .then(() => {})
        .catch(({ code }) => {
          if (code === 'store_overloaded') overloaded++
        })
    }
    // 100 at once for all, of which the first 20 have been earned back.
    expect(asked.lookUps).toBeLessThanOrEqual(21 + 100)
    expect(overloaded).toBeGreaterThan(300)
    cache.close()
  })

  it('lets junk push out no good key', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createRecordCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    for (let count = 0; count < 3_000; count++) {
      clock.advance(10)
      await (async () => cache.find(digestOf(createKeyRecord()), () => `203.0.113.${count % 250}`))().catch(
        () => {},
      )
    }
    const before = asked.lookUps
    await statusOf(cache, record)
    expect(asked.lookUps).toBe(before)
    cache.close()
  })

  it('answers a burst of hints with few polls', async () => {
    const { store, asked } = shareMemory()
    let tell: () => void = () => {}
    const cache = createRecordCache(
      {
        ...store,
        watch(listener) {
          tell = () => listener(['wk_forged'])
          return () => {}
        },
      },
      createManualClock(),
    )
    await statusOf(cache, await insert(store))
    for (let count = 0; count < 10_000; count++) tell()
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(asked.polls).toBeLessThan(20)
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
