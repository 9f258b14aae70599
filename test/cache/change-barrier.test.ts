import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createChangeBarrier } from '../../src/cache/change-barrier.ts'
import { createWriteKeys } from '../../src/index.ts'
import type { CommittedChange, Position } from '../../src/testing/index.ts'
import { shareMemory } from './shared-memory.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const wholeLeaseMs = 2_000 * 1.01 + 5
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** A barrier, and what the store says when it is looked at again. */
function setUp({ ownLeaseMs = 2_000, scope = 'shared' as 'shared' | 'process' } = {}) {
  const store = { asked: [] as (Position | null)[], failsUntil: 0, lost: new Set<number>() }
  const errors: unknown[] = []
  const told = { answers: 0 }
  const barrier = createChangeBarrier({
    store: {
      scope,
      async poll({ since }) {
        store.asked.push(since)
        if (performance.now() < store.failsUntil) throw new Error('the store is away')
        const isLost = since !== null && store.lost.has(since.revision)
        const history = isLost ? 'lost' : 'kept'
        return { position: since as Position, history, changed: [], leaseMs: 2_000 }
      },
    },
    ownLeaseMs: () => ownLeaseMs,
    onStoreError: (error) => errors.push(error),
    onStoreAnswer: () => told.answers++,
  })
  let revision = 0
  const commit = (leaseMs: number): CommittedChange => ({
    position: { revision: ++revision, mark: `mark ${revision}` },
    leaseMs,
  })
  /** How long a change took; undefined while it has not returned. */
  function change({ leaseMs = 2_000, harmlessForMs }: { leaseMs?: number; harmlessForMs?: number } = {}) {
    const called: { tookMs?: number; error?: unknown; attempts: number } = { attempts: 0 }
    const startedAt = performance.now()
    const end = () => {
      called.tookMs = performance.now() - startedAt
    }
    barrier
      .settle(async () => {
        called.attempts++
        const committed = { result: undefined, change: commit(leaseMs) }
        return harmlessForMs === undefined ? committed : { ...committed, harmlessForMs }
      })
      .then(end, (error: unknown) => {
        end()
        called.error = error
      })
    return called
  }
  return { store, errors, told, change }
}

describe('a change', () => {
  it('waits for the lease that the store names, and then looks whether the store still holds it', async () => {
    const { store, change } = setUp({ ownLeaseMs: 0 })
    const called = change({ leaseMs: 500 })
    await pass(509)
    expect(called.tookMs).toBeUndefined()
    expect(store.asked).toEqual([])
    await pass(2)
    expect(called.tookMs).toBeGreaterThanOrEqual(510)
    expect(store.asked).toEqual([{ revision: 1, mark: 'mark 1' }])
  })

  it('waits for its own lease when that is longer', async () => {
    const { change } = setUp({ ownLeaseMs: 2_000 })
    const called = change({ leaseMs: 100 })
    await pass(wholeLeaseMs - 1)
    expect(called.tookMs).toBeUndefined()
    await pass(2)
    expect(called.tookMs).toBeDefined()
  })

  it('waits for nobody when the store belongs to this process', async () => {
    const { store, change } = setUp({ scope: 'process' })
    const called = change()
    await pass(0)
    expect(called.tookMs).toBe(0)
    expect(store.asked).toEqual([])
  })

  it('waits at the same time as others', async () => {
    const { change } = setUp()
    const called = Array.from({ length: 50 }, () => change())
    await pass(wholeLeaseMs + 1)
    expect(called.every(({ tookMs }) => tookMs !== undefined)).toBe(true)
  })

  it('is made again when the store has lost it, and waits again', async () => {
    const { store, change } = setUp()
    store.lost.add(1)
    const called = change()
    await pass(wholeLeaseMs + 1)
    expect(called).toEqual({ attempts: 2 })
    await pass(wholeLeaseMs + 1)
    expect(called.tookMs).toBeDefined()
    expect(called.error).toBeUndefined()
    expect(store.asked.map((position) => position?.revision)).toEqual([1, 2])
  })

  it('gives up on a store that loses everything', async () => {
    const { store, change } = setUp()
    for (let revision = 1; revision < 20; revision++) store.lost.add(revision)
    const called = change()
    await pass(6 * wholeLeaseMs)
    expect(called.error).toMatchObject({ code: 'store_unavailable' })
    expect(called.attempts).toBe(5)
  })

  it('waits for nobody when what is cached stays right for longer than the lease', async () => {
    const { store, change } = setUp()
    const called = change({ harmlessForMs: 24 * 3_600_000 })
    await pass(0)
    expect(called.tookMs).toBe(0)
    expect(store.asked).toEqual([])
  })

  it('waits for the whole lease when what is cached stays right for less than that', async () => {
    const { change } = setUp()
    const [shorter, longer] = [change({ harmlessForMs: 300 }), change({ harmlessForMs: 10_000 })]
    await pass(1)
    expect(longer.tookMs).toBeLessThanOrEqual(1)
    await pass(wholeLeaseMs - 2)
    // Who cached the secret before it had a deadline accepts it until the lease ends, deadline or not.
    expect(shorter.tookMs).toBeUndefined()
    await pass(2)
    expect(shorter.tookMs).toBeDefined()
  })

  it('looks again while the store is away', async () => {
    const { store, errors, told, change } = setUp()
    store.failsUntil = performance.now() + wholeLeaseMs + 1_000
    const called = change()
    await pass(wholeLeaseMs + 900)
    expect(called.tookMs).toBeUndefined()
    await pass(400)
    expect(called.error).toBeUndefined()
    expect(called.tookMs).toBeDefined()
    expect(called.attempts).toBe(1)
    expect(errors.length).toBeGreaterThan(1)
    expect(told.answers).toBe(1)
  })

  it('rejects when the store stays away, and says that the change is stored', async () => {
    const { store, change } = setUp()
    store.failsUntil = Number.POSITIVE_INFINITY
    const called = change()
    await pass(wholeLeaseMs + 9_000)
    expect(called.tookMs).toBeUndefined()
    await pass(2_000)
    expect(called.error).toMatchObject({ name: 'StoreError', code: 'store_unavailable' })
    expect(String(called.error)).toContain('The change is stored')
  })
})

describe('a call that was left without an answer', () => {
  function setUpKeys() {
    const shared = shareMemory({ leaseMs: 2_000 })
    return { ...shared, keys: createWriteKeys({ store: shared.store }) }
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
      const { before, keys } = setUpKeys()
      const { id } = (await keys.create({ name: 'Leaked', sourceType: 'server' })).writeKey
      const { writeKey } = await keys.rotate(id)
      const secretId = writeKey.secrets[0]?.id as string
      const end = () => (action === 'endGrace' ? keys.endGrace(id, secretId) : keys[action](id))
      before.poll = () => {
        throw new Error('the store is away')
      }
      expect(await outcomeOf(end(), wholeLeaseMs + 11_000)).toBe('store_unavailable')
      delete before.poll
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

describe('a rotation without grace', () => {
  it('is waited for when the wall clock is set back in the middle of it', async () => {
    const { store } = shareMemory({ leaseMs: 2_000 })
    let backMs = 0
    const clock = { now: () => Date.now() - backMs, monotonic: () => performance.now() }
    const replace = store.replace
    store.replace = (...change) => {
      backMs = 3_600_000
      return replace(...change)
    }
    const keys = createWriteKeys({ store, clock })
    const { id } = (await keys.create({ name: 'Leaked', sourceType: 'server' })).writeKey
    let isDone = false
    void keys.rotate(id, { gracePeriodHours: 0 }).then(() => {
      isDone = true
    })
    await pass(wholeLeaseMs - 5)
    expect(isDone).toBe(false)
    await pass(10)
    expect(isDone).toBe(true)
    await keys.close()
  })
})

describe('a revocation that the store loses while it is waited for', () => {
  it.each(['revoke', 'remove', 'rotate'] as const)(
    'is made again by %s before that returns',
    async (action) => {
      const { memory, before, store } = shareMemory({ leaseMs: 2_000 })
      const keys = createWriteKeys({ store })
      const { id } = (await keys.create({ name: 'Leaked', sourceType: 'server' })).writeKey
      const record = await memory.get(id)
      if (record === undefined) throw new Error('it was just made')
      const remove = store.remove
      // What is removed here for good, another server still has that had not heard of it.
      store.remove = (_id, version, audit) => {
        store.remove = remove
        return memory.replace({ ...record, version: version + 1 }, audit)
      }
      let isDone = false
      const call = action === 'rotate' ? keys.rotate(id, { gracePeriodHours: 0 }) : keys[action](id)
      call.then(() => {
        isDone = true
      })
      await pass(10)
      // The key comes back as it was, as by a failover to a server that had not heard of the change.
      const changed = await memory.get(id)
      const entry = {
        id: 'aud_lost',
        at: 0,
        action: 'update',
        actor: null,
        address: null,
        keyId: id,
        before: null,
        after: null,
      } as const
      await memory.replace({ ...record, version: (changed?.version ?? 0) + 1 }, entry)
      before.poll = (answer, { since }) =>
        since === null ? undefined : { ...answer, history: 'lost', changed: 'all' }
      await pass(wholeLeaseMs)
      expect(isDone).toBe(false)
      delete before.poll
      await pass(wholeLeaseMs + 1)
      expect(isDone).toBe(true)
      const now = await memory.get(id)
      if (action === 'remove') expect(now).toBeUndefined()
      if (action === 'revoke') expect(now?.status).toBe('revoked')
      if (action === 'rotate') {
        const { key } = await (call as ReturnType<typeof keys.rotate>)
        expect(now?.secrets.map(({ start }) => start)).toEqual([key.slice(0, 12)])
      }
      await keys.close()
    },
  )
})
