import { describe, expect, it } from 'vitest'
import { createManualClock } from '../contract/limiter-contract.ts'
import { createRecordCache } from './record-cache.ts'
import { digestOf, createGate as gate, shareMemory } from './shared-memory.ts'
import { change, insert, settle, source, statusOf } from './stored-records.ts'

describe('what a cache goes on with', () => {
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

  it('asks a store that answers first, once the lease has ended', async () => {
    const { store, memory } = shareMemory()
    const clock = createManualClock()
    const stale: string[] = []
    const onStaleAccept = (id: string) => stale.push(id)
    const cache = createRecordCache(store, clock, { staleOnOutageMs: 600_000, onStaleAccept })
    const record = await insert(store)
    await statusOf(cache, record)
    await change(memory, record)
    clock.advance(60_000)
    expect(await statusOf(cache, record)).toBe('revoked')
    expect(stale).toEqual([])
    cache.close()
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
})
