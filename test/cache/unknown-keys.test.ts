import { describe, expect, it } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type KeyStore,
  type WriteKeyEvent,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { generateSecret } from '../../src/keys/secret.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { createManualClock } from '../contract/limiter-contract.ts'
import { createGate, shareMemory } from './shared-memory.ts'

const web = { name: 'Web App', sourceType: 'web' as const }

async function ask(keys: WriteKeys, secret: string, ip = '198.51.100.1'): Promise<string> {
  const verdict = await keys.verify({
    method: 'GET',
    path: '/v1/track',
    headers: { authorization: basic(secret) },
    ip,
  })
  return verdict.ok ? 'accepted' : verdict.reason
}

function setUp(options: WriteKeysOptions & { tells?: boolean } = {}) {
  const { tells = true, ...rest } = options
  const clock = createManualClock()
  const shared = shareMemory({ tells })
  const events: WriteKeyEvent[] = []
  const open = (more: WriteKeysOptions = {}) =>
    createWriteKeys({ store: shared.store, clock, onEvent: (event) => events.push(event), ...rest, ...more })
  const keys = open()
  /** Another process, which changes keys. */
  const elsewhere = createWriteKeys({ store: shared.memory, clock })
  const create = async () => (await elsewhere.create(web)).key
  /** Uses the budget up, of one address or of all, and says how often that asked the store. */
  const flood = async (count: number, ipOf = (_: number) => '198.51.100.1') => {
    const before = shared.asked.lookUps
    const outcomes: string[] = []
    const send = (index: number) => ask(keys, generateSecret('sk_live_'), ipOf(index))
    // Who is refused waits for a poll; all at once share it.
    while (outcomes.length < count && (outcomes.at(-1) ?? 'unknown_key') === 'unknown_key')
      outcomes.push(await send(outcomes.length))
    const rest = Array.from({ length: count - outcomes.length }, (_, index) => send(outcomes.length + index))
    outcomes.push(...(await Promise.all(rest)))
    return { outcomes, lookUps: shared.asked.lookUps - before }
  }
  return { ...shared, clock, keys, open, elsewhere, create, flood, events }
}

const everywhere = (index: number) => `203.0.${index % 250}.${index % 7}`

describe('a key that exists, in a flood of keys that do not', () => {
  it.each([
    ['one address', undefined],
    ['everywhere', everywhere],
  ])('is accepted on its first use, from where the flood comes: %s', async (_, ipOf) => {
    const { keys, create, flood } = setUp()
    const cold = await Promise.all(Array.from({ length: 50 }, create))
    await flood(300, ipOf)
    for (const key of cold) expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })

  it('is accepted when it is read again, whatever has become of the budget', async () => {
    const { keys, create, flood, clock, asked } = setUp()
    const key = await create()
    expect(await ask(keys, key)).toBe('accepted')
    for (let round = 0; round < 30; round++) {
      clock.advance(10_000)
      await flood(60)
      expect(await ask(keys, key)).toBe('accepted')
    }
    expect(asked.lookUps).toBeGreaterThan(30 * 20)
    await keys.close()
  })

  it('is accepted when another process has just made it, or changed it', async () => {
    const { keys, elsewhere, flood } = setUp()
    await flood(100)
    for (let round = 0; round < 5; round++) {
      const { key, writeKey } = await elsewhere.create(web)
      expect(await ask(keys, key)).toBe('accepted')
      const { key: rotated } = await elsewhere.rotate(writeKey.id)
      expect(await ask(keys, rotated)).toBe('accepted')
      expect(await ask(keys, key)).toBe('accepted')
    }
    await keys.close()
  })

  it('is accepted under an older pepper, hundreds at once', async () => {
    const peppers = { old: 'old-old-old-old-old', new: 'new-new-new-new-new' }
    const { memory, open, flood } = setUp()
    const before = createWriteKeys({ store: memory, pepper: peppers.old })
    const made = await Promise.all(Array.from({ length: 300 }, () => before.create(web)))
    const keys = open({ pepper: [peppers.new, peppers.old] })
    await flood(100)
    const outcomes = await Promise.all(made.map(({ key }) => ask(keys, key)))
    expect(new Set(outcomes)).toEqual(new Set(['accepted']))
    await keys.close()
  })

  it('is accepted under an older pepper in memory, too', async () => {
    const store = createMemoryStore()
    const before = createWriteKeys({ store, pepper: 'old-old-old-old-old' })
    const made = await Promise.all(Array.from({ length: 300 }, () => before.create(web)))
    const keys = createWriteKeys({ store, pepper: ['new-new-new-new-new', 'old-old-old-old-old'] })
    for (let sent = 0; sent < 100; sent++) await ask(keys, generateSecret('sk_live_'))
    const outcomes = await Promise.all(made.map(({ key }) => ask(keys, key)))
    expect(new Set(outcomes)).toEqual(new Set(['accepted']))
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('too_many_failures')
    await keys.close()
  })
})

describe('keys that do not exist', () => {
  it('ask the store within the budget, and share the polls before they are refused', async () => {
    const { keys, clock, flood, asked } = setUp()
    const first = await flood(60)
    expect(first.lookUps).toBe(20)
    expect(first.outcomes.slice(20)).toEqual(first.outcomes.slice(20).map(() => 'too_many_failures'))
    clock.advance(1_000)
    expect((await flood(20)).lookUps).toBe(5)
    const before = asked.polls
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: 500 }, () => ask(keys, generateSecret('sk_live_'))))
    const slots = (performance.now() - startedAt) / 50
    expect(asked.polls - before).toBeLessThanOrEqual(slots + 3)
    await keys.close()
  })

  it('from everywhere are 503 beyond the budget of all', async () => {
    const { keys, flood } = setUp()
    const { outcomes, lookUps } = await flood(130, everywhere)
    expect(lookUps).toBe(100)
    expect(new Set(outcomes.slice(100))).toEqual(new Set(['store_unavailable']))
    await keys.close()
  })

  it('do not get free looks because they existed once', async () => {
    const { keys, create, elsewhere, flood, clock, asked } = setUp()
    const gone = await Promise.all(Array.from({ length: 60 }, create))
    for (const key of gone) expect(await ask(keys, key)).toBe('accepted')
    for (const { id } of (await elsewhere.list({ limit: 100 })).data) await elsewhere.remove(id)
    await flood(30)
    clock.advance(1_000)
    const before = asked.lookUps
    await Promise.all(gone.map((key) => ask(keys, key)))
    // What is under way together may overdraw the budget by as many lookups as run at once.
    expect(asked.lookUps - before).toBeLessThanOrEqual(5 + 32)
    await keys.close()
  })

  it('wait for what is being read at a start, and are 503 when that takes too long, never 429', async () => {
    const { keys, create, before } = setUp()
    const cold = await Promise.all(Array.from({ length: 30 }, create))
    const page = createGate()
    before.page = page.wait
    const outcomes: string[] = []
    for (let sent = 0; sent < 20; sent++) outcomes.push(await ask(keys, generateSecret('sk_live_')))
    expect(new Set(outcomes)).toEqual(new Set(['unknown_key']))
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('store_unavailable')
    const waiting = cold.map((key) => ask(keys, key))
    page.open()
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['accepted']))
    expect(await ask(keys, generateSecret('sk_live_'))).toBe('too_many_failures')
    await keys.close()
  })
})

describe('a store that does not tell what exists', () => {
  it.each([
    ['as it has no such method', { tells: false }],
    ['as the application does without', { tells: true, cache: { index: false } }],
  ] as [string, WriteKeysOptions & { tells: boolean }][])(
    'promises nothing but for cached keys: %s',
    async (_, options) => {
      const { keys, create, flood, asked } = setUp(options)
      const [cached, cold] = [await create(), await create()]
      expect(await ask(keys, cached)).toBe('accepted')
      await flood(50)
      expect(await ask(keys, cached)).toBe('accepted')
      expect(await ask(keys, cold)).toBe('too_many_failures')
      expect(await ask(keys, cold, '198.51.100.2')).toBe('accepted')
      expect(asked.pages).toBe(0)
      await keys.close()
    },
  )

  it('is told of, once', async () => {
    const counts = async (options: WriteKeysOptions & { tells: boolean }) => {
      const { keys, create, flood, events } = setUp(options)
      await ask(keys, await create())
      await flood(5)
      await keys.close()
      return events.filter(({ type }) => type === 'index_missing').length
    }
    expect(await counts({ tells: false })).toBe(1)
    expect(await counts({ tells: true })).toBe(0)
    expect(await counts({ tells: false, cache: { index: false } })).toBe(0)
  })

  it('still accepts hundreds of cold keys at once, from one address', async () => {
    const { keys, create } = setUp({ tells: false })
    const cold = await Promise.all(Array.from({ length: 500 }, create))
    const outcomes = await Promise.all(cold.map((key) => ask(keys, key)))
    expect(new Set(outcomes)).toEqual(new Set(['accepted']))
    await keys.close()
  })
})

describe('memory', () => {
  it('refuses no key that exists, and no more than before of those that do not', async () => {
    const store: KeyStore = createMemoryStore()
    const keys = createWriteKeys({ store })
    const cold = await Promise.all(Array.from({ length: 100 }, () => keys.create(web)))
    const outcomes: string[] = []
    for (let sent = 0; sent < 60; sent++) outcomes.push(await ask(keys, generateSecret('sk_live_')))
    expect(outcomes.filter((outcome) => outcome === 'too_many_failures').length).toBeGreaterThan(30)
    for (const { key } of cold) expect(await ask(keys, key)).toBe('accepted')
    await keys.close()
  })
})
