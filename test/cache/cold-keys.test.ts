import { describe, expect, it } from 'vitest'
import { createKeyRecord } from '../../src/testing/index.ts'
import { createManualClock } from '../contract/limiter-contract.ts'
import { createRecordCache } from './record-cache.ts'
import { digestOf, shareMemory } from './shared-memory.ts'
import { insert, statusOf } from './stored-records.ts'

describe('keys that are not in the cache', () => {
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
})
