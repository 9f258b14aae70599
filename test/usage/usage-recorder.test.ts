import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/runtime/clock.ts'
import { createMemoryUsage } from '../../src/stores/memory-usage.ts'
import { type UsageBatch, type UsageStore, usageBucketMs } from '../../src/stores/usage-store.ts'
import type { DroppedUsage } from '../../src/usage/unsent-usage.ts'
import { createUsageRecorder } from '../../src/usage/usage-recorder.ts'

const start = Date.UTC(2026, 0, 5, 12, 1)
const everything = { from: 0, to: start + 10 * usageBucketMs, bucketMs: usageBucketMs }

beforeEach(() => {
  // Not setImmediate: the pause between two batches is no time.
  vi.useFakeTimers({
    now: start,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })
  noteTimers()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** Timers of the code under test that have not run. Test files share a process: others may have left some as well. */
const pending = new Set<unknown>()

function noteTimers(): void {
  const { setTimeout: set, clearTimeout: clear } = globalThis
  pending.clear()
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number) => {
    if (!new Error().stack?.includes('/src/usage/')) return set(run, ms)
    const timer = set(() => {
      pending.delete(timer)
      run()
    }, ms)
    pending.add(timer)
    return timer
  }) as typeof setTimeout)
  vi.spyOn(globalThis, 'clearTimeout').mockImplementation(((timer: NodeJS.Timeout) => {
    pending.delete(timer)
    clear(timer)
  }) as typeof clearTimeout)
}

function setUp(wrap: (store: UsageStore) => UsageStore = (store) => store) {
  const store = createMemoryUsage(() => true)
  const batches: UsageBatch[] = []
  const errors: unknown[] = []
  const dropped: DroppedUsage[] = []
  const recorder = createUsageRecorder({
    store: wrap({
      ...store,
      add(batch) {
        batches.push(batch)
        return store.add(batch)
      },
    }),
    clock: systemClock,
    eventTypes: ['track', 'page'],
    flushMs: 10_000,
    retentionMs: 30 * 86_400_000,
    onStoreError: (error) => errors.push(error),
    onDropped: (given) => dropped.push(given),
  })
  const counts = async () =>
    (await store.read({ keyIds: ['wk_1', 'wk_2'], ...everything })).map(
      ({ keyId, bucketAt, kind, name, count }) =>
        `${keyId} ${(bucketAt - start) / 60_000} ${kind} ${name} ${count}`,
    )
  return { recorder, store, batches, errors, dropped, counts }
}

describe('the usage recorder', () => {
  it('counts events by the type of the route, or by each event', async () => {
    const { recorder, counts } = setUp()
    recorder.accepted('wk_1', 'sec_1', 'track', [{}, {}], [], start)
    recorder.accepted(
      'wk_1',
      'sec_1',
      null,
      [{ type: 'page' }, { type: 'track' }, { type: 'x' }, {}],
      [],
      start,
    )
    await recorder.flush()
    expect(await counts()).toEqual([
      'wk_1 -1 accepted track 3',
      'wk_1 -1 accepted page 1',
      'wk_1 -1 accepted other 2',
    ])
  })

  it('is written by the next request when its time has come and no timer has', async () => {
    const { recorder, batches } = setUp()
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    // The clock goes on and timers do not, as between the requests of a Worker.
    vi.setSystemTime(start + 9_000)
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start + 9_000)
    expect(batches).toHaveLength(0)
    vi.setSystemTime(start + 11_000)
    recorder.refused('wk_1', 'rate_limited', start + 11_000)
    expect(batches.map(({ counts }) => counts.map(({ count }) => count))).toEqual([[2]])
    await recorder.flush()
    expect(recorder.unsent()).toBe(0)
    expect(batches).toHaveLength(2)
  })

  it('sends a batch again that got no answer for a minute, and counts it once', async () => {
    let isEnded = true
    const { recorder, batches, counts } = setUp((store) => ({
      ...store,
      // Stored, and nobody is told: the runtime has ended what the request had begun.
      add: (batch) => {
        store.add(batch)
        return isEnded ? new Promise(() => {}) : undefined
      },
    }))
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    void recorder.flush()
    isEnded = false
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    expect(recorder.unsent()).toBe(2)
    vi.advanceTimersByTime(61_000)
    await recorder.flush()
    expect(batches.map(({ number }) => number)).toEqual([1, 1, 2])
    expect(await counts()).toEqual(['wk_1 -1 accepted track 2'])
  })

  it('counts a type as other that only a polluted prototype says', async () => {
    const { recorder, counts } = setUp()
    recorder.accepted('wk_1', 'sec_1', null, [Object.create({ type: 'track' })], [], start)
    await recorder.flush()
    expect(await counts()).toEqual(['wk_1 -1 accepted other 1'])
  })

  it('counts refusals and left out events by reason', async () => {
    const { recorder, counts } = setUp()
    const left = { index: 0, type: 'page', code: 'event_type_not_allowed' } as const
    recorder.refused('wk_1', 'rate_limited', start)
    recorder.refused('wk_1', 'rate_limited', start)
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [left, left], start)
    await recorder.flush()
    expect((await counts()).toSorted()).toEqual([
      'wk_1 -1 accepted track 1',
      'wk_1 -1 refused event_type_not_allowed 2',
      'wk_1 -1 refused rate_limited 2',
    ])
  })

  it('puts events into the bucket of their time, also across a border between two flushes', async () => {
    const { recorder, counts } = setUp()
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start + usageBucketMs)
    vi.setSystemTime(start + usageBucketMs)
    await recorder.flush()
    expect(await counts()).toEqual(['wk_1 -1 accepted track 1', 'wk_1 4 accepted track 1'])
  })

  it('writes one batch ten seconds after the first count, and none while nothing happens', async () => {
    const { recorder, batches, counts } = setUp()
    for (let index = 0; index < 1_000; index++) recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    await vi.advanceTimersByTimeAsync(9_999)
    expect(batches).toHaveLength(0)
    expect(pending.size).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(batches).toHaveLength(1)
    expect(await counts()).toEqual(['wk_1 -1 accepted track 1000'])
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(batches).toHaveLength(1)
    expect(pending.size).toBe(0)
  })

  it('moves last event and last use forward only', async () => {
    const { recorder, batches } = setUp()
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start + 500)
    recorder.accepted('wk_1', 'sec_2', 'track', [{}], [], start + 400)
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start + 300)
    await recorder.flush()
    expect([...(batches[0]?.lastEventAt ?? [])]).toEqual([['wk_1', start + 500]])
    expect(new Map(batches[0]?.lastUsedAt)).toEqual(
      new Map([
        ['sec_1', { keyId: 'wk_1', at: start + 500 }],
        ['sec_2', { keyId: 'wk_1', at: start + 400 }],
      ]),
    )
  })

  it('marks the secret used but no event for a request without events', async () => {
    const { recorder, batches } = setUp()
    recorder.accepted('wk_1', 'sec_1', null, [], [], start)
    await recorder.flush()
    expect(batches[0]?.counts).toEqual([])
    expect(batches[0]?.lastEventAt.size).toBe(0)
    expect(batches[0]?.lastUsedAt.size).toBe(1)
  })

  it('keeps what a failing store refuses, and stores each number once when it is back', async () => {
    let down = true
    const { recorder, errors, counts } = setUp((store) => ({
      ...store,
      add: (batch) => (down ? Promise.reject(new Error('down')) : store.add(batch)),
    }))
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    await vi.advanceTimersByTimeAsync(10_000)
    recorder.accepted('wk_1', 'sec_1', 'track', [{}, {}], [], start)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(errors).toHaveLength(2)
    expect(await counts()).toEqual([])
    down = false
    await recorder.flush()
    expect(await counts()).toEqual(['wk_1 -1 accepted track 3'])
  })

  it('sends a batch again as it was whose answer was lost, and counts it once', async () => {
    let lost = 120
    const { recorder, batches, counts } = setUp((store) => ({
      ...store,
      async add(batch) {
        await store.add(batch)
        if (lost-- > 0) throw new Error('connection reset')
      },
    }))
    for (let round = 0; round < 130; round++) {
      recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
      recorder.accepted('wk_2', 'sec_2', 'page', [{}, {}], [], start)
      await recorder.flush()
    }
    expect(await counts()).toEqual(['wk_1 -1 accepted track 130', 'wk_2 -1 accepted page 260'])
    for (const batch of batches) {
      expect(batch).toEqual(batches.find(({ number }) => number === batch.number))
    }
  })

  it('writes many keys in small batches, and lets others have their turn between two', async () => {
    const { recorder, batches } = setUp()
    for (let index = 0; index < 3_000; index++) {
      recorder.accepted(`wk_${index}`, `sec_${index}`, 'track', [{}], [], start)
    }
    let turns = 0
    let done = false
    const others = (async () => {
      for (; !done; turns++) await new Promise((resolve) => setImmediate(resolve))
    })()
    await recorder.flush()
    done = true
    await others
    expect(batches.length).toBeGreaterThan(10)
    for (const { counts, lastEventAt, lastUsedAt } of batches) {
      expect(counts.length + lastEventAt.size + lastUsedAt.size).toBeLessThanOrEqual(200)
    }
    expect(turns).toBeGreaterThanOrEqual(batches.length - 1)
  })

  it('lets calls of flush that come meanwhile share one', async () => {
    const { recorder, batches, counts } = setUp()
    const add = () => recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    add()
    const first = recorder.flush()
    add()
    await Promise.all([first, ...Array.from({ length: 20 }, () => recorder.flush())])
    expect(batches).toHaveLength(2)
    expect(await counts()).toEqual(['wk_1 -1 accepted track 2'])
  })

  it('gives up the oldest counts when the store stays away, and tells how many events those were', async () => {
    let down = true
    const { recorder, dropped, store } = setUp((store) => ({
      ...store,
      add: (batch) => (down ? Promise.reject(new Error('down')) : store.add(batch)),
    }))
    const keys = 30_000
    for (let round = 0; round < 4; round++) {
      if (round > 0) await vi.advanceTimersByTimeAsync(usageBucketMs)
      const at = Date.now()
      for (let index = 0; index < keys; index++)
        recorder.accepted(`wk_${index}`, 'sec_1', 'track', [{}, {}], [], at)
      await recorder.flush()
    }
    const given = dropped.reduce((sum, { events }) => sum + events, 0)
    expect(given).toBeGreaterThan(0)
    expect(dropped.every(({ refusals }) => refusals === 0)).toBe(true)
    down = false
    await recorder.flush()
    const keyIds = Array.from({ length: keys }, (_, index) => `wk_${index}`)
    const stored = await store.read({ keyIds, ...everything })
    expect(stored.reduce((sum, { count }) => sum + count, 0)).toBe(keys * 4 * 2 - given)
  })

  it('stores what is left on close, and gives up on a store that hangs', async () => {
    const first = setUp()
    first.recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    await first.recorder.close()
    expect(await first.counts()).toEqual(['wk_1 -1 accepted track 1'])

    const hanging = setUp((store) => ({ ...store, add: () => new Promise(() => {}) }))
    hanging.recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    hanging.recorder.refused('wk_1', 'rate_limited', start)
    const closed = hanging.recorder.close()
    await vi.advanceTimersByTimeAsync(5_001)
    await closed
    expect(hanging.errors).toHaveLength(1)
    expect(hanging.dropped).toEqual([{ events: 1, refusals: 1 }])
  })

  it('asks a store again on close that was busy for a moment', async () => {
    let failures = 2
    const { recorder, counts } = setUp((store) => ({
      ...store,
      add: (batch) => (failures-- > 0 ? Promise.reject(new Error('busy')) : store.add(batch)),
    }))
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    const closed = recorder.close()
    await vi.advanceTimersByTimeAsync(300)
    await closed
    expect(await counts()).toEqual(['wk_1 -1 accepted track 1'])
    expect(pending.size).toBe(0)
  })

  it('writes early rather than hold more than 5 000 keys, and loses none of them', async () => {
    const { recorder, batches } = setUp()
    for (let index = 0; index < 12_000; index++) {
      recorder.accepted(`wk_${index}`, `sec_${index}`, 'track', [{}], [], start)
    }
    await recorder.flush()
    expect(batches.length).toBeGreaterThanOrEqual(1)
    const total = batches.flatMap((batch) => batch.counts).reduce((sum, { count }) => sum + count, 0)
    expect(total).toBe(12_000)
  })

  it('forgets buckets older than the retention, once an hour', async () => {
    const { recorder, counts } = setUp()
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    await recorder.flush()
    for (const hours of [31 * 24, 31 * 24 + 1]) {
      vi.advanceTimersByTime(start + hours * 3_600_000 - Date.now())
      recorder.refused('wk_2', 'rate_limited', Date.now())
      await recorder.flush()
    }
    expect((await counts()).filter((text) => text.startsWith('wk_1'))).toEqual([])
  })

  it('loses nothing to a clock that is ahead for a moment, and counts on where it was', async () => {
    const { recorder, counts, store } = setUp()
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    await recorder.flush()
    const ahead = start + 40 * 86_400_000
    for (const now of [ahead, start + 500]) {
      vi.setSystemTime(now)
      recorder.accepted('wk_2', 'sec_2', 'track', [{}], [], now)
    }
    await recorder.flush()
    expect(await counts()).toEqual(['wk_1 -1 accepted track 1', 'wk_2 -1 accepted track 2'])
    expect((await store.lastEvents(['wk_2'])).get('wk_2')).toBe(start + 500)
  })

  describe('with a store that has a clock', () => {
    /** The store's clock goes with the monotonic one. The process's is set by `vi.setSystemTime`. */
    function setUpWithClock() {
      const monotonicAtStart = performance.now()
      let down = false
      const sent: UsageBatch[] = []
      const storeNow = () => start + performance.now() - monotonicAtStart
      const wrap = (store: UsageStore) => ({
        ...store,
        now: storeNow,
        add(batch: UsageBatch) {
          sent.push(batch)
          return down ? Promise.reject(new Error('down')) : store.add(batch)
        },
      })
      const set = setUp(wrap)
      const send = () => set.recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], Date.now())
      return {
        ...set,
        send,
        sent,
        storeNow,
        setDown(value: boolean) {
          down = value
        },
      }
    }

    it.each([
      ['behind', -20],
      ['ahead', 20],
    ])('counts by it when the clock of the process is 20 days %s', async (_, days) => {
      const { recorder, counts, send, store, storeNow } = setUpWithClock()
      vi.setSystemTime(Date.now() + days * 86_400_000)
      send()
      await recorder.flush()
      await vi.advanceTimersByTimeAsync(usageBucketMs)
      send()
      await recorder.flush()
      expect(await counts()).toEqual(['wk_1 -1 accepted track 1', 'wk_1 4 accepted track 1'])
      expect((await store.lastEvents(['wk_1'])).get('wk_1')).toBe(storeNow())
    })

    it('puts right what waited for the database while the clock jumped', async () => {
      const { recorder, counts, send, setDown } = setUpWithClock()
      setDown(true)
      send()
      vi.setSystemTime(Date.now() + 7_200_000)
      await vi.advanceTimersByTimeAsync(usageBucketMs)
      send()
      vi.setSystemTime(Date.now() - 9_000_000)
      await vi.advanceTimersByTimeAsync(usageBucketMs)
      send()
      setDown(false)
      await recorder.flush()
      expect(await counts()).toEqual([
        'wk_1 -1 accepted track 1',
        'wk_1 4 accepted track 1',
        'wk_1 9 accepted track 1',
      ])
    })

    it('sends a batch again as it was, also when the clock has jumped meanwhile', async () => {
      const { recorder, counts, send, sent, setDown } = setUpWithClock()
      setDown(true)
      vi.setSystemTime(Date.now() - 86_400_000)
      send()
      await recorder.flush()
      vi.setSystemTime(Date.now() + 86_400_000)
      setDown(false)
      await recorder.flush()
      expect(sent).toHaveLength(2)
      expect(sent[1]).toEqual(sent[0])
      expect(await counts()).toEqual(['wk_1 -1 accepted track 1'])
    })

    it('keeps counts while it does not say what time it is', async () => {
      let told: number | undefined
      const { recorder, counts, errors } = setUp((store) => ({
        ...store,
        now: async () => told ?? Promise.reject(new Error('down')),
      }))
      const send = () => recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
      send()
      await recorder.flush()
      told = Number.NaN
      await recorder.flush()
      expect(errors).toHaveLength(2)
      expect(recorder.unsent()).toBe(1)
      told = start
      await recorder.flush()
      expect(await counts()).toEqual(['wk_1 -1 accepted track 1'])
    })
  })

  it('does nothing for a store that keeps no usage', async () => {
    const recorder = createUsageRecorder({
      store: undefined,
      clock: systemClock,
      eventTypes: [],
      flushMs: 10_000,
      retentionMs: 1,
      onStoreError: () => {},
      onDropped: () => {},
    })
    recorder.accepted('wk_1', 'sec_1', 'track', [{}], [], start)
    recorder.refused('wk_1', 'rate_limited', start)
    await recorder.flush()
    await recorder.close()
    expect(pending.size).toBe(0)
  })
})
