import { describe, expect, it } from 'vitest'
import { StoreError } from '../../src/keys/errors.ts'
import type { KeyRecord } from '../../src/keys/key-record.ts'
import {
  type Cacheable,
  createKeyCache,
  type KeyCache,
  type KeyCacheOptions,
} from '../../src/stores/key-cache.ts'
import type { KeyStore } from '../../src/stores/key-store.ts'
import { createMemoryStore } from '../../src/stores/memory-store.ts'
import { createMissBudget } from '../../src/stores/miss-budget.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { createManualClock, type ManualClock } from '../contract/limiter-contract.ts'

type CachedRecord = KeyRecord & Cacheable

interface Shared {
  store: KeyStore
  /** How often the store was asked. */
  asked: { findByHash: number; changes: number; registerLease: number }
  /** Runs before every answer, and may wait or throw. */
  before: { findByHash?: () => unknown; changes?: () => unknown }
  leases: Map<string, number>
}

/** A memory store as another process would see it: nothing is told, everything has to be asked for. */
function shareMemory(): Shared {
  const memory = createMemoryStore()
  const { watch: _, ...rest } = memory
  const shared: Shared = {
    asked: { findByHash: 0, changes: 0, registerLease: 0 },
    before: {},
    leases: new Map(),
    store: {
      ...rest,
      scope: 'shared',
      async findByHash(keyHash) {
        shared.asked.findByHash++
        const found = await memory.findByHash(keyHash)
        await shared.before.findByHash?.()
        return found
      },
      async changes(since) {
        shared.asked.changes++
        const answer = await memory.changes(since)
        await shared.before.changes?.()
        return answer
      },
      registerLease(holder, leaseMs) {
        shared.asked.registerLease++
        shared.leases.set(holder, leaseMs)
      },
      releaseLease(holder) {
        shared.leases.delete(holder)
      },
      longestLeaseMs: (except) =>
        Math.max(0, ...[...shared.leases].filter(([holder]) => holder !== except).map(([, ms]) => ms)),
    },
  }
  return shared
}

function createCache(
  store: KeyStore,
  clock: ManualClock,
  options: Partial<KeyCacheOptions<CachedRecord>> = {},
): KeyCache<CachedRecord> {
  return createKeyCache<CachedRecord>({
    store,
    clock,
    compile: (record) => ({ ...record, freshUntilSeconds: null }),
    budget: createMissBudget(clock),
    maxKeys: 100,
    // Long, so that the timer, which runs on real time, does not poll on its own within a test.
    leaseMs: 60_000,
    staleOnOutageMs: 0,
    onStoreError: () => {},
    onStaleAccept: () => {},
    onRevisionRegressed: () => {},
    ...options,
  })
}

const digestOf = (record: KeyRecord) =>
  Buffer.from(record.secrets[0]?.keyHash as string, 'hex').toString('latin1')
const source = () => '192.0.2.1'
const audit = {
  id: 'aud_1',
  at: 0,
  action: 'update',
  actor: null,
  address: null,
  keyId: null,
  before: null,
  after: null,
} as const

async function insert(store: KeyStore): Promise<KeyRecord> {
  const record = createKeyRecord()
  await store.insert(record, { ...audit, id: `aud_${record.id}` })
  return record
}

async function change(store: KeyStore, record: KeyRecord): Promise<KeyRecord> {
  const next = { ...record, status: 'revoked' as const, version: record.version + 1 }
  await store.replace(next, audit)
  return next
}

async function statusOf(cache: KeyCache<CachedRecord>, record: KeyRecord): Promise<string> {
  const found = await cache.find(digestOf(record), source)
  return typeof found === 'string' ? found : found.status
}

function gate(): { wait: () => Promise<void>; open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { wait: () => opened, open }
}

describe('the cache of a shared store', () => {
  it('asks the store once for a key and then not again while the lease holds', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createCache(store, clock)
    const record = await insert(store)
    for (let round = 0; round < 5; round++) expect(await statusOf(cache, record)).toBe('active')
    expect(asked.findByHash).toBe(1)
    expect(asked.changes).toBe(1)
    await cache.close()
  })

  it('registers its lease before it trusts anything, and takes it back when it is closed', async () => {
    const { store, asked, leases, before } = shareMemory()
    const cache = createCache(store, createManualClock(), { leaseMs: 700 })
    const record = await insert(store)
    before.changes = () => expect([...leases.values()]).toEqual([700])
    await statusOf(cache, record)
    expect(asked.registerLease).toBe(1)
    expect(await cache.longestLeaseElsewhereMs()).toBe(0)
    leases.set('another process', 900)
    expect(await cache.longestLeaseElsewhereMs()).toBe(900)
    await cache.close()
    expect([...leases.keys()]).toEqual(['another process'])
  })

  it('renews its registration before it can have lapsed', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    clock.advance(599_000)
    await statusOf(cache, record)
    expect(asked.registerLease).toBe(1)
    clock.advance(61_000)
    await statusOf(cache, record)
    expect(asked.registerLease).toBe(2)
    await cache.close()
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
    const cache = createCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    await change(store, record)
    expect(await statusOf(cache, record)).toBe('active')
    pass(clock)
    expect(await statusOf(cache, record)).toBe('revoked')
    await cache.close()
  })

  it('shares one read among concurrent requests for one key', async () => {
    const { store, asked, before } = shareMemory()
    const cache = createCache(store, createManualClock())
    const record = await insert(store)
    const { wait, open } = gate()
    before.findByHash = wait
    const answers = Promise.all(Array.from({ length: 1_000 }, () => statusOf(cache, record)))
    open()
    expect(new Set(await answers)).toEqual(new Set(['active']))
    expect(asked.findByHash).toBe(1)
    await cache.close()
  })

  it('keeps no read that a change has overtaken, and lets nobody join it', async () => {
    const { store, asked, before } = shareMemory()
    const cache = createCache(store, createManualClock())
    const [record, other] = [await insert(store), await insert(store)]
    await statusOf(cache, other)
    const { wait, open } = gate()
    before.findByHash = wait
    const early = statusOf(cache, record)
    await new Promise(setImmediate)
    before.findByHash = () => {}
    await change(store, record)
    await cache.refresh()
    expect(await statusOf(cache, record)).toBe('revoked')
    open()
    expect(await early).toBe('active')
    expect(await statusOf(cache, record)).toBe('revoked')
    expect(asked.findByHash).toBe(3)
    await cache.close()
  })

  it('keeps a read of one key while another one changes', async () => {
    const { store, asked, before } = shareMemory()
    const cache = createCache(store, createManualClock())
    const [record, other] = [await insert(store), await insert(store)]
    await statusOf(cache, other)
    const { wait, open } = gate()
    before.findByHash = wait
    const early = statusOf(cache, record)
    await new Promise(setImmediate)
    cache.forget([other.id])
    open()
    await early
    await statusOf(cache, record)
    expect(asked.findByHash).toBe(2)
    await cache.close()
  })

  it('never caches a failure', async () => {
    const { store, before } = shareMemory()
    const errors: unknown[] = []
    const cache = createCache(store, createManualClock(), { onStoreError: (error) => errors.push(error) })
    const record = await insert(store)
    before.findByHash = () => {
      throw new Error('down')
    }
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_unavailable' })
    delete before.findByHash
    expect(await statusOf(cache, record)).toBe('active')
    expect(errors.length).toBe(1)
    await cache.close()
  })

  it('gives up a read that hangs, and asks anew for the next request', async () => {
    const { store, before } = shareMemory()
    const cache = createCache(store, createManualClock())
    const record = await insert(store)
    before.findByHash = () => new Promise(() => {})
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_timeout' })
    delete before.findByHash
    expect(await statusOf(cache, record)).toBe('active')
    await cache.close()
  })

  it('gives up a poll that hangs, and does not listen to its late answer', async () => {
    const { store, before } = shareMemory()
    const clock = createManualClock()
    const cache = createCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    const { wait, open } = gate()
    before.changes = wait
    clock.advance(60_000)
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_timeout' })
    await change(store, record)
    open()
    await new Promise(setImmediate)
    before.changes = () => {
      throw new StoreError('store_unavailable', 'down')
    }
    await expect(statusOf(cache, record)).rejects.toMatchObject({ code: 'store_unavailable' })
    delete before.changes
    expect(await statusOf(cache, record)).toBe('revoked')
    await cache.close()
  })

  it('asks once more when the poll it found under way fails', async () => {
    const { store, before } = shareMemory()
    const clock = createManualClock()
    const cache = createCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    const { wait, open } = gate()
    before.changes = async () => {
      await wait()
      delete before.changes
      throw new Error('connection reset')
    }
    const begun = cache.refresh()
    clock.advance(60_000)
    const answer = statusOf(cache, record)
    open()
    await expect(begun).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await answer).toBe('active')
    await cache.close()
  })

  it('does not take the lease from a poll that began too long ago', async () => {
    const { store, before, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    const { wait, open } = gate()
    before.changes = wait
    const begun = cache.refresh()
    await new Promise(setImmediate)
    // The process is frozen here: the poll's answer was on its way before the key was revoked.
    delete before.changes
    await change(store, record)
    clock.advance(120_000)
    const answer = statusOf(cache, record)
    open()
    await begun
    expect(await answer).toBe('revoked')
    expect(asked.changes).toBe(3)
    await cache.close()
  })

  it('serves nothing stale by default, and as long as staleOnOutageMs says with an event each time', async () => {
    for (const staleOnOutageMs of [0, 30_000]) {
      const { store, before } = shareMemory()
      const clock = createManualClock()
      const stale: string[] = []
      const cache = createCache(store, clock, { staleOnOutageMs, onStaleAccept: (id) => stale.push(id) })
      const [record, unseen] = [await insert(store), await insert(store)]
      await statusOf(cache, record)
      before.changes = () => {
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
      await cache.close()
    }
  })

  it('drops everything when the revision goes back', async () => {
    const { store } = shareMemory()
    let back = 0
    let regressed = 0
    const behind: KeyStore = {
      ...store,
      changes: async (since) => {
        const { revision, changed } = await store.changes(since)
        return { revision: revision - back, changed: back > 0 ? [] : changed }
      },
    }
    const cache = createCache(behind, createManualClock(), { onRevisionRegressed: () => regressed++ })
    const record = await insert(store)
    await statusOf(cache, record)
    await change(store, record)
    back = 2
    await cache.refresh()
    expect(regressed).toBe(1)
    expect(await statusOf(cache, record)).toBe('revoked')
    await cache.close()
  })

  it('reads a key again within a minute, in case somebody changed it by hand', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createCache(store, clock, { leaseMs: 600_000 })
    const record = await insert(store)
    await statusOf(cache, record)
    clock.advance(44_000)
    await statusOf(cache, record)
    expect(asked.findByHash).toBe(1)
    clock.advance(16_000)
    await statusOf(cache, record)
    expect(asked.findByHash).toBe(2)
    await cache.close()
  })

  it('spreads the second reading of keys that were all read at once', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const count = 2_000
    const cache = createCache(store, clock, { leaseMs: 600_000, maxKeys: count })
    const records = await Promise.all(Array.from({ length: count }, () => insert(store)))
    const readAll = async () => {
      const before = asked.findByHash
      for (const record of records) await statusOf(cache, record)
      return asked.findByHash - before
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
    await cache.close()
  })

  it('never refuses good keys that come cold and many at once from one address', async () => {
    const { store, asked } = shareMemory()
    const cache = createCache(store, createManualClock(), { maxKeys: 5_000 })
    const records = await Promise.all(Array.from({ length: 2_000 }, () => insert(store)))
    const answers = await Promise.all(records.map((record) => statusOf(cache, record)))
    expect(new Set(answers)).toEqual(new Set(['active']))
    expect(asked.findByHash).toBe(2_000)
    await cache.close()
  })

  it('asks the store for at most the budget of unknown keys, of one address and of all', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createCache(store, clock)
    const wrong = async (address: string) => cache.find(digestOf(createKeyRecord()), () => address)
    const outcomes: unknown[] = []
    for (let count = 0; count < 30; count++) outcomes.push(await wrong('192.0.2.1'))
    expect(outcomes.filter((outcome) => outcome === 'unknown').length).toBe(20)
    expect(outcomes.filter((outcome) => outcome === 'too_many_failures').length).toBe(10)
    expect(asked.findByHash).toBe(20)
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
    expect(asked.findByHash).toBeLessThanOrEqual(21 + 100)
    expect(overloaded).toBeGreaterThan(300)
    await cache.close()
  })

  it('lets junk push out no good key', async () => {
    const { store, asked } = shareMemory()
    const clock = createManualClock()
    const cache = createCache(store, clock)
    const record = await insert(store)
    await statusOf(cache, record)
    for (let count = 0; count < 3_000; count++) {
      clock.advance(10)
      await (async () => cache.find(digestOf(createKeyRecord()), () => `203.0.113.${count % 250}`))().catch(
        () => {},
      )
    }
    const before = asked.findByHash
    await statusOf(cache, record)
    expect(asked.findByHash).toBe(before)
    await cache.close()
  })

  it('answers a burst of hints with few polls', async () => {
    const { store, asked } = shareMemory()
    let tell: () => void = () => {}
    const cache = createCache(
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
    expect(asked.changes).toBeLessThan(20)
    await cache.close()
  })

  it('refuses everything once it is closed', async () => {
    const { store } = shareMemory()
    const cache = createCache(store, createManualClock())
    const record = await insert(store)
    await statusOf(cache, record)
    await cache.close()
    expect(() => cache.find(digestOf(record), source)).toThrow(StoreError)
  })
})
