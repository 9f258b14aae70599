import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryStore, createWriteKeys, type KeyStore } from '../../src/index.ts'
import { createChangeBarrier } from '../../src/stores/change-barrier.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A barrier whose store answers when it is told to, and the calls that have passed. */
function setUp(answerAfterMs = 0) {
  const store = { questions: 0, longestMs: 2_000, failsUntil: 0 }
  const errors: unknown[] = []
  const barrier = createChangeBarrier({
    async longestLeaseElsewhereMs() {
      store.questions++
      const longestMs = store.longestMs
      await new Promise((resolve) => setTimeout(resolve, answerAfterMs))
      if (performance.now() < store.failsUntil) throw new Error('the store is away')
      return longestMs
    },
    onStoreError: (error) => errors.push(error),
  })
  /** How long a call took; undefined while it has not passed. */
  const call = (harmlessForMs?: number) => {
    const called: { tookMs?: number; error?: unknown } = {}
    const startedAt = performance.now()
    barrier.pass(harmlessForMs).then(
      () => {
        called.tookMs = performance.now() - startedAt
      },
      (error: unknown) => {
        called.tookMs = performance.now() - startedAt
        called.error = error
      },
    )
    return called
  }
  return { store, errors, call }
}

const wholeLeaseMs = 2_000 * 1.01 + 5
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('a change', () => {
  it('waits for the longest lease of the others, counted from the commit and not from the answer', async () => {
    const { call } = setUp(700)
    const called = call()
    await pass(wholeLeaseMs - 1)
    expect(called.tookMs).toBeUndefined()
    await pass(2)
    expect(called.tookMs).toBeGreaterThanOrEqual(wholeLeaseMs - 1)
  })

  it('waits for nobody when there is no other', async () => {
    const { store, call } = setUp()
    store.longestMs = 0
    const called = call()
    await pass(1)
    expect(called.tookMs).toBeLessThanOrEqual(1)
  })

  it('shares its wait with others, and a question only with those that were there when it began', async () => {
    const { store, call } = setUp(100)
    const first = call()
    await pass(50)
    // A cache may have come, read and registered between the question and these changes.
    store.longestMs = 5_000
    const later = Array.from({ length: 50 }, () => call())
    await pass(wholeLeaseMs)
    expect(store.questions).toBe(2)
    expect(first.tookMs).toBeDefined()
    expect(later.map(({ tookMs }) => tookMs)).toEqual(later.map(() => undefined))
    await pass(5_000 * 1.01 + 5 - wholeLeaseMs)
    for (const { tookMs } of later) expect(tookMs).toBeDefined()
  })

  it('waits for nobody, and asks nothing, when what is cached stays right for longer than any lease', async () => {
    const { store, call } = setUp()
    const called = call(24 * 3_600_000)
    await pass(0)
    expect(called.tookMs).toBe(0)
    expect(store.questions).toBe(0)
  })

  it('waits for the whole lease when what is cached stays right for less than that, and not for the rest of a longer time', async () => {
    const { call } = setUp()
    const [shorter, longer] = [call(300), call(10_000)]
    await pass(1)
    expect(longer.tookMs).toBeLessThanOrEqual(1)
    await pass(wholeLeaseMs - 2)
    // Who cached the secret before it had a deadline accepts it until the lease ends, deadline or not.
    expect(shorter.tookMs).toBeUndefined()
    await pass(2)
    expect(shorter.tookMs).toBeDefined()
  })

  it('asks again while the store is away, and is on time when that was short', async () => {
    const { store, errors, call } = setUp()
    store.failsUntil = performance.now() + 1_000
    const called = call()
    await pass(wholeLeaseMs + 1)
    expect(errors.length).toBeGreaterThan(1)
    expect(called.error).toBeUndefined()
    expect(called.tookMs).toBeLessThanOrEqual(wholeLeaseMs + 1)
  })

  it('rejects when the store stays away, and says that the change is stored', async () => {
    const { store, call } = setUp()
    store.failsUntil = Number.POSITIVE_INFINITY
    const called = call()
    await pass(9_000)
    expect(called.tookMs).toBeUndefined()
    await pass(2_000)
    expect(called.error).toMatchObject({ name: 'StoreError', code: 'store_unavailable' })
    expect(String(called.error)).toContain('The change is stored')
  })
})

describe('a call that was left without an answer', () => {
  /** A store that another process caches, and that can be away when it is asked who waits. */
  function setUpKeys() {
    const others = { leaseMs: 2_000, away: false }
    const store: KeyStore = {
      ...createMemoryStore(),
      scope: 'shared',
      longestLeaseMs() {
        if (others.away) throw new Error('the store is away')
        return others.leaseMs
      },
    }
    return { others, keys: createWriteKeys({ store }) }
  }

  async function outcomeOf(call: Promise<unknown>, ms: number): Promise<unknown> {
    const outcome = call.then(
      () => 'resolved',
      (error: { code: unknown }) => error.code,
    )
    await pass(ms)
    return Promise.race([outcome, 'waiting'])
  }

  it.each(['revoke', 'remove', 'endGrace'] as const)(
    'may be repeated: the second answer of %s comes when nobody accepts the key any more',
    async (action) => {
      const { others, keys } = setUpKeys()
      const { id } = (await keys.create({ name: 'Leaked', sourceType: 'server' })).writeKey
      const { writeKey } = await keys.rotate(id)
      const secretId = writeKey.secrets[0]?.id as string
      const end = () => (action === 'endGrace' ? keys.endGrace(id, secretId) : keys[action](id))
      others.away = true
      expect(await outcomeOf(end(), 11_000)).toBe('store_unavailable')
      others.away = false
      const again = end()
      expect(await outcomeOf(again, wholeLeaseMs - 5)).toBe('waiting')
      expect(await outcomeOf(again, 10)).toBe(action === 'revoke' ? 'resolved' : 'not_found')
      await keys.close()
    },
  )

  it('is told at once about a key that never was', async () => {
    const { keys } = setUpKeys()
    for (const action of ['revoke', 'remove'] as const) {
      expect(await outcomeOf(keys[action]('wk_0000000000000000'), 1)).toBe('not_found')
    }
    await keys.close()
  })
})
