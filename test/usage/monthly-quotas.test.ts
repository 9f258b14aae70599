import { afterEach, describe, expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys, type WriteKeys, type WriteKeysOptions } from '../../src/index.ts'
import type { UsageQuery } from '../../src/stores/usage-store.ts'
import { createQuotas } from '../../src/usage/monthly-quotas.ts'

const opened: WriteKeys[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((keys) => keys.close()))
})

/** 00:00 of the last day of January, in UTC. */
const lastOfJanuary = Date.UTC(2027, 0, 31)
const plans = { free: { monthlyEvents: 5 }, pro: { monthlyEvents: 8 } }

function start(options: WriteKeysOptions = {}, time = { now: lastOfJanuary }) {
  const store = options.store ?? createMemoryStore()
  const open = () => {
    const keys = createWriteKeys({
      plans,
      defaultPlan: 'free',
      clock: () => time.now,
      logger: false,
      ...options,
      store,
    })
    opened.push(keys)
    return keys
  }
  return { open, time }
}

function send(keys: WriteKeys, key: string, count = 1) {
  return keys.verify({
    method: 'POST',
    path: '/v1/batch',
    headers: { authorization: `Basic ${btoa(`${key}:`)}` },
    body: { batch: Array.from({ length: count }, () => ({ type: 'track', event: 'Seen' })) },
  })
}

const web = { name: 'Web', sourceType: 'web' } as const

describe('monthlyEvents', () => {
  it('admits exactly so many events, tells what is left, and refuses with 429 until the month is over', async () => {
    const { open, time } = start()
    const keys = open()
    const { key, writeKey } = await keys.create(web)
    expect(writeKey.effectiveMonthlyEvents).toBe(5)
    expect(await send(keys, key, 4)).toMatchObject({ ok: true })
    expect((await keys.usage(writeKey.id)).quota).toEqual({
      monthlyEvents: 5,
      used: 4,
      left: 1,
      resetsAt: new Date('2027-02-01T00:00:00Z'),
    })
    expect(await send(keys, key, 2)).toMatchObject({
      reason: 'quota_exceeded',
      reply: { status: 429, headers: { 'retry-after': '3600' } },
    })
    expect(await send(keys, key, 1)).toMatchObject({ ok: true })
    const refused = await send(keys, key, 1)
    expect(refused).toMatchObject({ ok: false, reason: 'quota_exceeded' })
    expect((await keys.usage(writeKey.id)).refused).toEqual({ quota_exceeded: 2 })
    time.now = Date.UTC(2027, 1, 1)
    expect(await send(keys, key, 5)).toMatchObject({ ok: true })
    expect(await send(keys, key, 1)).toMatchObject({ reason: 'quota_exceeded' })
  })

  it('is refused before the body is read, and lets a GET through', async () => {
    const { open } = start()
    const keys = open()
    const { key } = await keys.create(web)
    await send(keys, key, 5)
    const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
    const unread = () => {
      throw new Error('read')
    }
    expect(await keys.verify({ method: 'POST', path: '/v1/track', headers, body: unread })).toMatchObject({
      reason: 'quota_exceeded',
    })
    expect(await keys.verify({ method: 'GET', path: '/v1/check', headers })).toMatchObject({ ok: true })
  })

  it('takes nothing for what is refused otherwise', async () => {
    const { open, time } = start({ plans: { free: { monthlyEvents: 5, rateLimitEps: 2 } } })
    const keys = open()
    const { key, writeKey } = await keys.create(web)
    for (let count = 0; count < 5; count++) await send(keys, key, 1)
    expect((await keys.usage(writeKey.id)).quota).toMatchObject({ used: 2, left: 3 })
    time.now += 2_000
    expect(await send(keys, key, 2)).toMatchObject({ ok: true })
    time.now += 2_000
    expect(await send(keys, key, 1)).toMatchObject({ ok: true })
    expect(await send(keys, key, 1)).toMatchObject({ reason: 'quota_exceeded' })
  })

  it('counts what was counted before a start, and what other processes have stored', async () => {
    const { open, time } = start()
    const [first, second] = [open(), open()]
    const { key, writeKey } = await first.create(web)
    await send(first, key, 2)
    await first.flush()
    expect(await send(second, key, 3)).toMatchObject({ ok: true })
    expect(await send(second, key, 1)).toMatchObject({ reason: 'quota_exceeded' })
    await second.flush()
    time.now += 10_000
    // The first one reads again, behind the answer.
    await send(first, key, 1)
    await first.usage(writeKey.id)
    expect(await send(first, key, 1)).toMatchObject({ reason: 'quota_exceeded' })
    expect(await send(open(), key, 1)).toMatchObject({ reason: 'quota_exceeded' })
  })

  it('begins anew with the month, also while the old one is being read', async () => {
    const store = createMemoryStore()
    let isSlow = false
    const answers: (() => void)[] = []
    const slow = {
      ...store,
      usage: {
        ...store.usage,
        async read(query: UsageQuery) {
          const counts = await store.usage?.read(query)
          if (isSlow) await new Promise<void>((resolve) => answers.push(resolve))
          return counts
        },
      },
    }
    const { open, time } = start({ store: slow as never })
    const keys = open()
    const { key } = await keys.create(web)
    await send(keys, key, 5)
    time.now = Date.UTC(2027, 1, 1) - 1
    isSlow = true
    expect(await send(keys, key, 1)).toMatchObject({ reason: 'quota_exceeded' })
    await expect.poll(() => answers.length).toBe(1)
    time.now = Date.UTC(2027, 1, 1)
    expect(await send(keys, key, 2)).toMatchObject({ ok: true })
    isSlow = false
    for (const answer of answers) answer()
    // The answer is about January. What it says must count for nothing.
    await new Promise((resolve) => setImmediate(resolve))
    expect(await send(keys, key, 3)).toMatchObject({ ok: true })
    expect(await send(keys, key, 1)).toMatchObject({ reason: 'quota_exceeded' })
  })

  it.each([
    ['ahead', Date.UTC(2027, 1, 1)],
    ['behind', Date.UTC(2026, 11, 31)],
  ])('counts for the month of the store when the clock of a process is %s', async (_, wrongNow) => {
    const store = createMemoryStore()
    const right = { ...store, usage: { ...store.usage, now: () => lastOfJanuary } } as never
    const keys = start({ store: right }).open()
    const wrong = start({ store: right }, { now: wrongNow }).open()
    const { key, writeKey } = await keys.create(web)
    await send(keys, key, 2)
    await keys.flush()
    await send(wrong, key, 2)
    for (const one of [wrong, keys]) {
      expect((await one.usage(writeKey.id)).quota).toMatchObject({
        used: 4,
        resetsAt: new Date('2027-02-01T00:00:00Z'),
      })
    }
    expect(await send(wrong, key, 2)).toMatchObject({ reason: 'quota_exceeded' })
  })

  it('grows with a change of plan at once', async () => {
    const { open } = start()
    const keys = open()
    const { key, writeKey } = await keys.create(web)
    await send(keys, key, 5)
    await keys.update(writeKey.id, { plan: 'pro' })
    expect(await send(keys, key, 3)).toMatchObject({ ok: true })
    expect(await send(keys, key, 1)).toMatchObject({ reason: 'quota_exceeded' })
  })

  it('refuses nobody while the store does not tell', async () => {
    const store = createMemoryStore()
    const broken = { ...store, usage: { ...store.usage, read: () => Promise.reject(new Error('away')) } }
    const { open } = start({ store: broken as never })
    const keys = open()
    const { key } = await keys.create(web)
    expect(await send(keys, key, 3)).toMatchObject({ ok: true })
  })

  it('needs a store that counts', () => {
    const { usage: _, ...store } = createMemoryStore()
    expect(() => createWriteKeys({ plans, store })).toThrow(/plans must be plans without monthlyEvents/)
  })
})

/** One process, and what its store says: how many events it has accepted, and which parts of this process it has. */
function startProcess(at = lastOfJanuary) {
  const state = { now: at, part: 0, stored: 0, storedPart: 0 as number | undefined }
  const asked: UsageQuery[] = []
  const hold: { flush?: Promise<void>; read?: Promise<void> } = {}
  const quotas = createQuotas({
    store: {
      async read(query) {
        asked.push(query)
        await hold.read
        const refused = { kind: 'refused', count: 100 }
        return [refused, { kind: 'accepted', count: state.stored }] as never
      },
    },
    time: { now: () => state.now, refresh: () => undefined },
    async flush() {
      await hold.flush
      return state.storedPart
    },
    part: () => state.part,
    refreshMs: 10_000,
  })
  const take = async (events: number) => {
    const month = await quotas.take('wk_1', events, 1_000)
    if (month === undefined) throw new Error('The quota is used up.')
    return month
  }
  return {
    state,
    asked,
    hold,
    quotas,
    take,
    async count(events: number) {
      const month = await take(events)
      month.settle(events, events)
    },
    /** The store is read again behind it. */
    async readAgain() {
      state.now += 10_000
      quotas.isSpent('wk_1', 1_000)
      await turn()
    },
    used: () =>
      Array.from({ length: 100 }, (_, most) => most + 1).filter((n) => quotas.isSpent('wk_1', n)).length,
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

function openGate() {
  let resolve = () => {}
  const promise = new Promise<void>((open) => {
    resolve = open
  })
  return { promise, resolve: () => resolve() }
}

describe('what a process knows of a month', () => {
  it('is read for the whole month, when a key is first seen and again after a while, also when the clock goes back', async () => {
    const { state, asked, count } = startProcess()
    const day = 86_400_000
    const january = { keyIds: ['wk_1'], from: Date.UTC(2027, 0), to: Date.UTC(2027, 1), bucketMs: 31 * day }
    await count(1)
    state.now += 9_999
    await count(1)
    expect(asked).toEqual([january])
    state.now += 1
    await count(1)
    await turn()
    expect(asked).toEqual([january, january])
    state.now -= 10_000
    await count(1)
    await turn()
    expect(asked).toHaveLength(3)
    state.now = Date.UTC(2027, 1)
    await count(1)
    await turn()
    expect(asked[3]).toMatchObject({ from: Date.UTC(2027, 1), to: Date.UTC(2027, 2) })
  })

  it('ends with it', () => {
    expect(startProcess().quotas.untilReset()).toBe(86_400_000)
    expect(startProcess(Date.UTC(2027, 1)).quotas.untilReset()).toBe(28 * 86_400_000)
  })

  it('is what the store has, what it lacks, and what is under way', async () => {
    const { state, count, take, readAgain, used } = startProcess()
    await count(3)
    Object.assign(state, { part: 1 })
    await count(2)
    await count(1)
    const open = await take(4)
    expect(used()).toBe(10)
    Object.assign(state, { storedPart: 1, stored: 3 + 20 })
    await readAgain()
    expect(used()).toBe(3 + 20 + 3 + 4)
    Object.assign(state, { part: 2, storedPart: 2, stored: 6 + 20 })
    await readAgain()
    expect(used()).toBe(6 + 20 + 4)
    open.giveBack(4)
    expect(used()).toBe(6 + 20)
  })

  it('has no event twice that was counted while the store was asked', async () => {
    const { state, hold, count, readAgain, used } = startProcess()
    await count(3)
    const gate = openGate()
    hold.read = gate.promise
    Object.assign(state, { part: 1, storedPart: 1, stored: 3 })
    await readAgain()
    await count(2)
    state.part = 2
    await count(1)
    gate.resolve()
    await turn()
    expect(used()).toBe(6)
    Object.assign(state, { storedPart: 2, stored: 5 })
    await readAgain()
    expect(used()).toBe(6)
  })

  it('is rather too much than too little where it cannot be told what the store has', async () => {
    const { state, hold, count, readAgain, used } = startProcess()
    await count(3)
    const gate = openGate()
    hold.flush = gate.promise
    Object.assign(state, { part: 1, storedPart: 1, stored: 3 })
    await readAgain()
    state.part = 2
    await count(1)
    gate.resolve()
    await turn()
    expect(used()).toBe(3 + 3 + 1)
    state.storedPart = 2
    await readAgain()
    expect(used()).toBe(3 + 1)
  })

  it('stays as it is while counts cannot be written', async () => {
    const { state, asked, count, readAgain, used } = startProcess()
    await count(3)
    Object.assign(state, { part: 1, storedPart: undefined, stored: 3 })
    await readAgain()
    expect([used(), asked.length]).toEqual([3, 1])
  })
})
