import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { KnownSecrets } from '../../src/cache/known-secrets.ts'
import { createLookups } from '../../src/cache/lookups.ts'
import type { BudgetVerdict } from '../../src/cache/unknown-key-budget.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { settle } from './stored-records.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  vi.advanceTimersByTime(10_000)
})
afterEach(() => {
  vi.useRealTimers()
})

/** @param indexed digests that are known to exist; undefined when it is not known which do */
function setUp(indexed?: string[]) {
  const record = createKeyRecord()
  const state = {
    existing: new Set<string>(),
    isUndisturbed: true,
    verdict: 'granted' as BudgetVerdict,
    answersAtOnce: false,
    charged: [] as string[],
    asked: [] as string[],
    leftMs: [] as number[],
    polls: 0,
    answer: () => Promise.resolve(),
    onCaughtUp: () => {},
  }
  const index = indexed && new Set(indexed)
  const known = index && {
    has: (digest: string) => index.has(digest),
    delete: (digest: string) => index.delete(digest),
    caughtUp: async () => state.onCaughtUp(),
  }
  const lookups = createLookups({
    poller: {
      async lookUp(keyHash, leftMs) {
        state.leftMs.push(leftMs)
        const digest = Buffer.from(keyHash, 'hex').toString('latin1')
        state.asked.push(digest)
        await state.answer()
        const found = state.existing.has(digest) ? record : undefined
        return { record: found, generation: 3, isUndisturbed: state.isUndisturbed }
      },
      async poll() {
        state.polls++
        await state.answer()
      },
    },
    budget: {
      check: () => state.verdict,
      isSpent: () => false,
      used: () => 0,
      charge: (source) => state.charged.push(source),
      refund() {},
    },
    known: known as unknown as KnownSecrets | undefined,
    answersAtOnce: () => state.answersAtOnce,
  })
  return { lookups, state, index, record, find: (...digests: string[]) => lookups.find(digests, '192.0.2.1') }
}

/** Lets the pause before a poll pass. */
async function pause(): Promise<void> {
  await settle()
  vi.advanceTimersByTime(50)
  await settle()
}

describe('a secret that is known to exist', () => {
  it('is found beyond the budget, and pays nothing', async () => {
    const { find, state, record } = setUp(['b'])
    Object.assign(state, { existing: new Set(['b']), verdict: 'all_exhausted' })
    expect(await find('a', 'b')).toEqual({ record, digest: 'b', generation: 3, isUndisturbed: true })
    expect([state.asked, state.charged]).toEqual([['b'], []])
  })

  it('and is gone, pays, and is known no longer', async () => {
    const { find, state, index } = setUp(['a'])
    expect(await find('a')).toMatchObject({ record: undefined, digest: 'a' })
    expect([state.asked, state.charged, index?.size]).toEqual([['a'], ['192.0.2.1'], 0])
  })

  it('stays known when something changed while it was looked up', async () => {
    const { find, state, index } = setUp(['a'])
    state.isUndisturbed = false
    await find('a')
    expect(index?.size).toBe(1)
  })

  it('and is gone, is looked for under the other peppers', async () => {
    const { find, state } = setUp(['a'])
    state.existing.add('b')
    expect(await find('a', 'b')).toMatchObject({ digest: 'b' })
    expect(state.asked).toEqual(['a', 'a', 'b'])
  })
})

describe('a stranger beyond the budget', () => {
  it('is found when the known secrets turn out to have it', async () => {
    const { find, state, index } = setUp([])
    Object.assign(state, { existing: new Set(['a']), verdict: 'source_exhausted' })
    state.onCaughtUp = () => index?.add('a')
    const found = find('a')
    await pause()
    expect(await found).toMatchObject({ digest: 'a' })
    expect(state.polls).toBe(1)
  })

  it('is refused after a poll: its own budget', async () => {
    const { find, lookups, state } = setUp([])
    state.verdict = 'source_exhausted'
    const found = find('a')
    await pause()
    expect(await found).toBe('source_exhausted')
    expect([state.polls, state.asked, lookups.refused()]).toEqual([1, [], 0])
  })

  it('is refused without a poll where it is not known which secrets exist: the budget of all', async () => {
    const { find, lookups, state } = setUp()
    state.verdict = 'all_exhausted'
    await expect(find('a')).rejects.toMatchObject({
      code: 'store_overloaded',
      message: 'Too many unknown keys are being looked up; the store is spared.',
    })
    expect([state.polls, lookups.refused()]).toEqual([0, 1])
  })

  it('within it, is looked up without a poll', async () => {
    const { find, state } = setUp([])
    expect(await find('a')).toMatchObject({ record: undefined })
    expect([state.polls, state.asked]).toEqual([0, ['a']])
  })

  it('is found all the same in a store that answers at once', async () => {
    const { find, state } = setUp(['b'])
    Object.assign(state, { existing: new Set(['a']), verdict: 'all_exhausted', answersAtOnce: true })
    expect(await find('a', 'b')).toMatchObject({ digest: 'a' })
    expect(state.polls).toBe(0)
  })
})

describe('a key that is read again', () => {
  it('pays nothing, and leaves the queue', async () => {
    const { lookups, state, record } = setUp([])
    state.existing.add('a')
    for (let round = 0; round < 40; round++)
      expect(await lookups.findAgain('a')).toMatchObject({ record, digest: 'a' })
    expect(state.charged).toEqual([])
  })

  it('leaves the queue when the store fails, as a known one does', async () => {
    const { lookups, state, find } = setUp(['a'])
    state.existing.add('a')
    state.answer = () => Promise.reject(new Error('down'))
    for (let round = 0; round < 40; round++) {
      await expect(lookups.findAgain('a')).rejects.toThrow('down')
      await expect(find('a')).rejects.toThrow('down')
    }
  })

  it('has what is left of a second for its question, and a millisecond at least', async () => {
    const { lookups, state } = setUp([])
    const opens: (() => void)[] = []
    state.answer = () => new Promise((resolve) => opens.push(resolve))
    for (let inside = 0; inside < 32; inside++) void lookups.findAgain('a')
    await settle()
    void lookups.findAgain('b')
    vi.advanceTimersByTime(400)
    opens[0]?.()
    await settle()
    expect(state.leftMs).toEqual([...Array.from({ length: 32 }, () => 1_000), 600])
  })
})

describe('while the store answers slowly', () => {
  const hold = (state: ReturnType<typeof setUp>['state']) => {
    const opens: (() => void)[] = []
    state.answer = () => new Promise((resolve) => opens.push(resolve))
    return opens
  }

  it.each([
    ['has paid already where it is known which secrets exist', [], ['192.0.2.1']],
    ['pays only when no key has it where that is not known', undefined, []],
  ])('a stranger %s', async (_, indexed, charged) => {
    const { find, state } = setUp(indexed)
    const opens = hold(state)
    const found = find('a')
    await settle()
    expect([state.asked, state.charged]).toEqual([['a'], charged])
    opens[0]?.()
    await found
    expect(state.charged).toEqual(['192.0.2.1'])
  })

  it.each([
    ['one that is known to exist', ({ find }: ReturnType<typeof setUp>) => find('known')],
    ['one that is read again', ({ lookups }: ReturnType<typeof setUp>) => lookups.findAgain('known')],
  ])('%s is looked up before strangers that wait', async (_, findFirst) => {
    const parts = setUp(['known'])
    const { find, state } = parts
    state.existing.add('known')
    const opens = hold(state)
    const strangers = Array.from({ length: 33 }, (_, at) => find(`stranger ${at}`))
    await settle()
    const found = findFirst(parts)
    await settle()
    opens[0]?.()
    await settle()
    expect(state.asked.slice(31)).toEqual(['stranger 31', 'known'])
    while (opens.length > 0) {
      opens.shift()?.()
      await settle()
    }
    expect(await found).toMatchObject({ digest: 'known' })
    await Promise.all(strangers)
  })
})

describe('catching up', () => {
  it('is one poll for all who wait, and the next one for who comes while it is under way', async () => {
    const { lookups, state } = setUp()
    const opens: (() => void)[] = []
    state.answer = () => new Promise((resolve) => opens.push(resolve))
    const first = [lookups.catchUp(), lookups.catchUp()]
    vi.advanceTimersByTime(0)
    await settle()
    expect(state.polls).toBe(1)
    const second = lookups.catchUp()
    vi.advanceTimersByTime(49)
    await settle()
    expect(state.polls).toBe(1)
    vi.advanceTimersByTime(1)
    await settle()
    expect(state.polls).toBe(2)
    for (const open of opens) open()
    await Promise.all([...first, second])
  })

  it('takes a second at most', async () => {
    const { lookups, state } = setUp()
    state.answer = () => new Promise(() => {})
    const outcome: unknown[] = []
    lookups.catchUp().catch(({ code }) => outcome.push(code))
    await settle()
    vi.advanceTimersByTime(999)
    await settle()
    expect(outcome).toEqual([])
    vi.advanceTimersByTime(1)
    await settle()
    expect(outcome).toEqual(['store_timeout'])
  })
})
