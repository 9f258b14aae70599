import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'
import { createIngestApi } from '../../src/ingest/index.ts'
import type { UsageBatch, UsageCount, UsageStore } from '../../src/stores/usage-store.ts'
import { createQuotas } from '../../src/usage/monthly-quotas.ts'
import { createUsageRecorder } from '../../src/usage/usage-recorder.ts'
import { noEvents } from '../../src/verifier/events.ts'

const web = { name: 'Web', sourceType: 'web' } as const

describe('a quota, with events under way', () => {
  function start(onEvents: () => unknown, monthlyEvents = 10) {
    const keys = createWriteKeys({
      store: createMemoryStore(),
      plans: { free: { monthlyEvents } },
      defaultPlan: 'free',
      logger: false,
    })
    const api = createIngestApi(keys, { onEvents })
    const post = async (key: string, count: number) => {
      const answer = await api.answer(api.find('/v1/batch') as never, {
        method: 'POST',
        path: '/v1/batch',
        headers: { authorization: `Basic ${btoa(`${key}:`)}` },
        body: { batch: Array.from({ length: count }, () => ({ type: 'track', event: 'Seen' })) },
      })
      return answer?.reply.status
    }
    return { keys, post }
  }

  it('holds what handlers have, also while counts are written and read again', async () => {
    const handlers: (() => void)[] = []
    const { keys, post } = start(() => new Promise<void>((resolve) => handlers.push(resolve)))
    const { key, writeKey } = await keys.create(web)
    const first = post(key, 10)
    await expect.poll(() => handlers.length).toBe(1)
    for (let round = 0; round < 3; round++) {
      await keys.flush()
      expect(await post(key, 1)).toBe(429)
    }
    handlers[0]?.()
    expect(await first).toBe(200)
    await keys.flush()
    expect(await post(key, 1)).toBe(429)
    expect((await keys.usage(writeKey.id)).quota).toMatchObject({ used: 10, left: 0 })
    await keys.close()
  })

  it('has back what a handler failed at, and no more', async () => {
    let fails = true
    const { keys, post } = start(() => {
      if (fails) throw new Error('full')
    })
    const { key } = await keys.create(web)
    for (let round = 0; round < 3; round++) {
      expect(await post(key, 10)).toBe(503)
      await keys.flush()
    }
    fails = false
    expect([await post(key, 10), await post(key, 1)]).toEqual([200, 429])
    await keys.close()
  })

  it('holds what handlers have, also after more other keys than are remembered', async () => {
    const time = { now: Date.UTC(2027, 0, 31) }
    const quotas = createQuotas({
      store: { read: async () => [] },
      time: { now: () => time.now, refresh: () => undefined },
      flush: async () => 1,
      part: () => 0,
      refreshMs: 10_000,
    })
    // Of an earlier month, and of another request: when these end, the rest is still under way.
    const earlier = await quotas.take('wk_1', 1, 10)
    time.now = Date.UTC(2027, 1)
    const month = await quotas.take('wk_1', 6, 10)
    const other = await quotas.take('wk_1', 4, 10)
    earlier?.giveBack(1)
    other?.giveBack(4)
    for (let round = 0; round < 2; round++) {
      const others = Array.from({ length: 11_000 }, (_, at) => quotas.take(`wk_other_${round}_${at}`, 1, 10))
      for (const other of await Promise.all(others)) other?.giveBack(1)
      expect(quotas.isSpent('wk_1', 6)).toBe(true)
      expect(await quotas.take('wk_1', 5, 10)).toBe(undefined)
    }
    month?.giveBack(6)
    expect(quotas.isSpent('wk_1', 1)).toBe(false)
    expect(await quotas.take('wk_1', 10, 10)).not.toBe(undefined)
  })

  it('is exceeded by no order of requests, writes and reads, and full once they have ended', async () => {
    const answered = { answer: 0, fails: false }
    // What is counted while counts are written is not among them.
    const countedWhileWritten = [
      { take: 1 },
      answered,
      { end: 0, counted: 1 },
      { wait: 11_000 },
      { take: 1 },
      { take: 1 },
      { end: 1, counted: 1 },
      answered,
      answered,
      { take: 4 },
      { take: 2 },
    ]
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 3, arbitrary: fc.record({ end: fc.nat(), counted: fc.integer({ min: 0, max: 4 }) }) },
      { weight: 6, arbitrary: fc.record({ answer: fc.nat(), fails: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ wait: fc.integer({ min: 1, max: 40_000 }) }) },
      { weight: 1, arbitrary: fc.constant({ flush: true }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const world = createWorld(8)
        for (const one of steps) await world.run(one)
        await world.settleAll()
        expect(world.accepted()).toBeLessThanOrEqual(8)
        const left = 8 - world.accepted()
        expect(await world.take(left + 1)).toBe(false)
        if (left > 0) expect(await world.take(left)).toBe(true)
      }),
      { numRuns: 300, examples: [[countedWhileWritten]] },
    )
  })
})

/** One key, one process, and a store that answers when it is told to. */
function createWorld(quota: number) {
  const clock = { at: Date.UTC(2027, 0, 10), now: () => clock.at, monotonic: () => clock.at }
  const stored: UsageCount[] = []
  const asked: ((fails: boolean) => void)[] = []
  const later = <Args extends unknown[], T>(ask: (...args: Args) => T) => {
    return (...args: Args) =>
      new Promise<T>((resolve, reject) => {
        asked.push((fails) => {
          if (fails) reject(new Error('away'))
          else resolve(ask(...args))
        })
      })
  }
  const store = {
    add: later(({ counts }: UsageBatch) => void stored.push(...counts)),
    read: later(() => [...stored]),
    prune: async () => false,
    now: clock.now,
  } as Partial<UsageStore> as UsageStore
  const ignore = () => {}
  const recorder = createUsageRecorder({
    store,
    clock,
    eventTypes: [],
    flushMs: 60_000_000,
    retentionMs: 1e12,
    onStoreError: ignore,
    onDropped: ignore,
  })
  const quotas = createQuotas({
    store,
    time: recorder.time,
    flush: recorder.flush,
    part: recorder.part,
    refreshMs: 10_000,
  })
  const open: { month: NonNullable<Awaited<ReturnType<typeof quotas.take>>>; events: number }[] = []
  let accepted = 0

  const turns = async () => {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  async function answerAll(): Promise<void> {
    await turns()
    while (asked.length > 0) {
      asked.shift()?.(false)
      await turns()
    }
  }
  function end(index: number, counted: number): void {
    const [request] = open.splice(index, 1)
    if (request === undefined) return
    if (counted === 0) {
      request.month.giveBack(request.events)
      return
    }
    const events = Array.from({ length: Math.min(counted, request.events) }, () => ({ type: 'track' }))
    recorder.accepted('wk_1', 'ws_1', null, events, noEvents().rejected, clock.at)
    request.month.settle(request.events, events.length)
    accepted += events.length
  }

  const world = {
    accepted: () => accepted,
    async take(events: number): Promise<boolean> {
      const taken = Promise.resolve(quotas.take('wk_1', events, quota)).then((month) => {
        if (month !== undefined) open.push({ month, events })
        return month !== undefined
      })
      await answerAll()
      return taken
    },
    async run(step: object): Promise<void> {
      const { take, end: index, counted, answer, fails, wait, flush } = step as Record<string, number>
      if (take !== undefined)
        void Promise.resolve(quotas.take('wk_1', take, quota)).then(
          (month) => month && open.push({ month, events: take }),
        )
      if (index !== undefined && open.length > 0) end(index % open.length, counted as number)
      if (answer !== undefined && asked.length > 0)
        asked.splice(answer % asked.length, 1)[0]?.(Boolean(fails))
      if (wait !== undefined) clock.at += wait
      if (flush !== undefined) void recorder.flush()
      await turns()
      expect(accepted + open.reduce((sum, { events }) => sum + events, 0)).toBeLessThanOrEqual(quota)
    },
    async settleAll(): Promise<void> {
      await answerAll()
      while (open.length > 0) end(0, 4)
      // Whatever was read while something else was written is read again.
      for (let round = 0; round < 3; round++) {
        clock.at += 11_000
        quotas.isSpent('wk_1', quota)
        await answerAll()
      }
    },
  }
  return world
}
