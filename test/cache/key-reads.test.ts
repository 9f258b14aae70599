import { describe, expect, it } from 'vitest'
import { createCachedKeys } from '../../src/cache/cached-keys.ts'
import { createChangeHistory } from '../../src/cache/change-history.ts'
import { createKeyReads } from '../../src/cache/key-reads.ts'
import { createKeyRecord, type KeyRecord } from '../../src/testing/index.ts'
import { createManualClock } from '../contract/limiter-contract.ts'
import type { CachedRecord } from './record-cache.ts'
import { createGate, digestOf } from './shared-memory.ts'
import { settle } from './stored-records.ts'

function setUp(scope: 'shared' | 'process' = 'shared') {
  const clock = createManualClock()
  const changes = createChangeHistory()
  const cached = createCachedKeys<CachedRecord>(100, clock)
  const store = {
    record: createKeyRecord() as KeyRecord | undefined,
    isUndisturbed: true,
    isSpent: false,
    before: () => {},
    wait: () => Promise.resolve(),
  }
  const asked: { digests: readonly string[]; source?: string }[] = []
  const compiled: [number, CachedRecord | undefined][] = []
  const find = async (digest: string) => {
    const { record, isUndisturbed } = store
    const generation = changes.generation()
    await store.wait()
    store.before()
    return { record, digest, generation, isUndisturbed }
  }
  const reads = createKeyReads<CachedRecord>({
    store: { scope },
    clock,
    compile(record, index, sibling) {
      compiled.push([index, sibling])
      return { ...record, digest: '', freshUntilSeconds: null }
    },
    cached,
    changes,
    lookups: {
      find(digests, source) {
        asked.push({ digests, source })
        return store.isSpent ? Promise.resolve('source_exhausted') : find(digests.at(-1) as string)
      },
      findAgain(digest) {
        asked.push({ digests: [digest] })
        return find(digest)
      },
      catchUp: async () => {},
      refused: () => 0,
    },
  })
  const record = store.record as KeyRecord
  const digest = digestOf(record)
  const load = async (older?: () => readonly string[]) => await reads.load(digest, '192.0.2.1', older)
  return { clock, changes, cached, store, asked, compiled, reads, record, digest, load }
}

describe('a key that is read', () => {
  it('is kept by the digest it was found by, for 45 to 60 seconds', async () => {
    const { load, cached, digest, clock, asked, compiled } = setUp()
    const key = await load()
    expect(cached.peek(digest)).toBe(key)
    const { freshUntilSeconds } = key as CachedRecord
    expect(freshUntilSeconds).toBeGreaterThanOrEqual(clock.monotonic() / 1_000 + 45)
    expect(freshUntilSeconds).toBeLessThanOrEqual(clock.monotonic() / 1_000 + 60)
    expect(Number.isInteger(freshUntilSeconds)).toBe(true)
    expect(asked).toEqual([{ digests: [digest], source: '192.0.2.1' }])
    expect(compiled).toEqual([[0, undefined]])
  })

  it('is fresh for times that differ', async () => {
    const times = new Set<number | null>()
    for (let round = 0; round < 60; round++)
      times.add(((await setUp().load()) as CachedRecord).freshUntilSeconds)
    expect(times.size).toBeGreaterThan(5)
  })

  it('is always fresh in a store of this process', async () => {
    expect(await setUp('process').load()).toMatchObject({ freshUntilSeconds: null })
  })

  it('is looked for under older peppers, too', async () => {
    const { reads, asked, digest, cached } = setUp()
    await reads.load('newest', '192.0.2.1', () => [digest])
    expect(asked).toEqual([{ digests: ['newest', digest], source: '192.0.2.1' }])
    expect(cached.peek(digest)).toMatchObject({ digest })
  })

  it('is told which of its secrets was presented', async () => {
    const { load, compiled, store, record } = setUp()
    const [secret] = record.secrets as [KeyRecord['secrets'][number]]
    store.record = { ...record, secrets: [{ ...secret, keyHash: '00' }, secret] }
    await load()
    expect(compiled).toEqual([[1, undefined]])
  })

  it('shares what another secret of the same version has', async () => {
    const { load, compiled, cached, record } = setUp()
    const sibling = { ...record, digest: 'other', freshUntilSeconds: null }
    cached.add(sibling)
    await load()
    cached.drop('all')
    cached.add({ ...sibling, version: record.version + 1 })
    await load()
    expect(compiled).toEqual([
      [0, sibling],
      [0, undefined],
    ])
  })

  it('is not kept when it has changed since the answer', async () => {
    const { load, changes, cached, digest, record, store } = setUp()
    store.before = () => changes.note([record.id])
    expect(await load()).toMatchObject({ id: record.id })
    expect(cached.peek(digest)).toBeUndefined()
    store.before = () => changes.note(['wk_other'])
    await load()
    expect(cached.peek(digest)).toMatchObject({ id: record.id })
  })

  it('is not kept after the end', async () => {
    const { load, reads, cached } = setUp()
    reads.close()
    await expect(load()).rejects.toThrow(/closed/)
    expect(cached.count()).toBe(0)
  })
})

describe('a digest that no key has', () => {
  it('is remembered, unless something changed meanwhile', async () => {
    for (const isUndisturbed of [true, false]) {
      const { reads, store, cached } = setUp()
      Object.assign(store, { record: undefined, isUndisturbed })
      expect(await reads.load('a', '192.0.2.1', () => ['b'])).toBe('unknown')
      expect([cached.isMissing('a'), cached.isMissing('b')]).toEqual([isUndisturbed, isUndisturbed])
    }
  })

  it('is cached no longer', async () => {
    const { load, reads, store, cached, digest } = setUp()
    const key = (await load()) as CachedRecord
    store.record = undefined
    expect(await reads.readAgain(key)).toBe('unknown')
    expect(cached.peek(digest)).toBeUndefined()
    expect(cached.isMissing(digest)).toBe(true)
  })

  it('is unknown also when the record that was found lacks it', async () => {
    const { reads, cached } = setUp()
    expect(await reads.load('of nobody', '192.0.2.1', undefined)).toBe('unknown')
    expect(cached.isMissing('of nobody')).toBe(true)
  })

  it('is too many failures when its source has nothing left', async () => {
    const { load, store, cached, digest } = setUp()
    store.isSpent = true
    expect(await load()).toBe('too_many_failures')
    expect(cached.isMissing(digest)).toBe(false)
  })
})

describe('reads under way', () => {
  it('are shared, until they end', async () => {
    const { load, reads, digest, asked } = setUp()
    const both = [load(), load()]
    expect([reads.isLoading(digest), reads.isLoading('other')]).toEqual([true, false])
    const [one, other] = await Promise.all(both)
    expect(other).toBe(one)
    expect(reads.isLoading(digest)).toBe(false)
    await Promise.all([reads.readAgain(one as CachedRecord), reads.readAgain(one as CachedRecord)])
    expect(asked.length).toBe(2)
    await reads.readAgain(one as CachedRecord)
    expect(asked.length).toBe(3)
  })

  it('are joined by nobody after a change, and do not end the reads that follow', async () => {
    const { load, reads, digest, asked, store } = setUp()
    const [first, second] = [createGate(), createGate()]
    store.wait = first.wait
    const early = load()
    reads.forget()
    expect(reads.isLoading(digest)).toBe(false)
    store.wait = second.wait
    const late = load()
    expect(asked.length).toBe(2)
    first.open()
    await early
    expect(reads.isLoading(digest)).toBe(true)
    second.open()
    const key = (await late) as CachedRecord
    store.wait = () => new Promise(() => {})
    void reads.readAgain(key)
    reads.forget()
    store.wait = () => Promise.resolve()
    await reads.readAgain(key)
    expect(asked.length).toBe(4)
  })
})

describe('a key that is no longer fresh', () => {
  it('is read again, and next after 5 seconds when that fails', async () => {
    const { load, reads, asked, store, cached, digest } = setUp()
    const key = (await load()) as CachedRecord
    store.wait = () => Promise.reject(new Error('down'))
    reads.refresh(key, 70_400)
    expect(key.freshUntilSeconds).toBe(76)
    await settle()
    expect(asked.length).toBe(2)
    expect(cached.peek(digest)).toBe(key)
  })
})
