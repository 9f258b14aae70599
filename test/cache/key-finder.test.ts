import { describe, expect, it } from 'vitest'
import { createCachedKeys } from '../../src/cache/cached-keys.ts'
import { createKeyFinder } from '../../src/cache/key-finder.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

interface Key {
  id: string
  version: number
  digest: string
  freshUntilSeconds: number | null
}
const keyOf = (digest: string, freshUntilSeconds: number | null = null): Key => ({
  id: `wk_${digest}`,
  version: 1,
  digest,
  freshUntilSeconds,
})

function setUp({ isOwnStore = false } = {}) {
  const clock = createManualClock()
  const cached = createCachedKeys<Key>(100, clock)
  const state = {
    leaseHolds: true,
    isFailing: false,
    isBridged: false,
    stale: undefined as Key | undefined,
    loading: new Set<string>(),
    loaded: keyOf('loaded') as Key | 'unknown',
    /** What happens while the store tells what changed. */
    onRenew: () => {},
    onCatchUp: () => {},
  }
  const told: unknown[] = []
  const finder = createKeyFinder<Key>({
    clock,
    isOwnStore,
    cached,
    lease: {
      leaseMs: () => 2_000,
      renew() {},
      holds(monotonic, wall) {
        expect(wall).toBe(clock.now())
        expect(monotonic).toBe(isOwnStore ? 0 : clock.monotonic())
        return state.leaseHolds
      },
      ageMs: () => 0,
    },
    poller: {
      async renew() {
        told.push('renews')
        state.onRenew()
      },
      isFailing: () => state.isFailing,
      begin() {},
      poll: async () => {},
      lookUp: () => Promise.reject(new Error('not asked')),
      hint() {},
      close() {},
    },
    reads: {
      async load(digest, source, older) {
        told.push(['loads', digest, source, older?.()])
        return state.loaded
      },
      isLoading: (digest) => state.loading.has(digest),
      async readAgain({ digest }) {
        told.push(['reads again', digest])
        return state.loaded
      },
      refresh: ({ digest }, monotonic) => void told.push(['refreshes', digest, monotonic]),
      forget() {},
      close() {},
    },
    catchUp: async () => {
      told.push('catches up')
      state.onCatchUp()
    },
    stale: { find: () => state.stale, isBridged: () => state.isBridged },
    onFirstRead: () => void told.push('first read'),
  })
  const find = (digest: string, older?: () => readonly string[]) =>
    finder.find(digest, () => 'address', undefined, older)
  return { clock, cached, state, told, finder, find }
}

const loads = (digest: string, older?: readonly string[]) => ['loads', digest, 'address', older]
const down = () => {
  throw new Error('down')
}

describe('a key that is cached', () => {
  it('is found at once while the lease holds, and counted', () => {
    const { cached, find, told, finder } = setUp()
    const key = keyOf('a')
    cached.add(key)
    expect(find('a')).toBe(key)
    expect(told).toEqual([])
    expect(finder.counts()).toEqual({ hits: 1, misses: 0 })
  })

  it('is found under an older pepper', () => {
    const { cached, find } = setUp()
    const key = keyOf('b')
    cached.add(key)
    expect(find('a', () => ['c', 'b'])).toBe(key)
  })

  it('is refreshed once it is no longer fresh', () => {
    const { cached, find, told, clock } = setUp()
    const key = keyOf('a', clock.monotonic() / 1_000 + 1)
    cached.add(key)
    clock.advance(999)
    expect(find('a')).toBe(key)
    expect(told).toEqual([])
    clock.advance(1)
    expect(find('a')).toBe(key)
    expect(told).toEqual([['refreshes', 'a', clock.monotonic()]])
  })

  it('is found after the store was asked, when the lease has ended', async () => {
    const { cached, find, told, state } = setUp()
    cached.add(keyOf('a'))
    state.leaseHolds = false
    state.onRenew = () => cached.drop('all')
    expect(await find('a')).toBe(state.loaded)
    expect(told).toEqual(['renews', 'first read', loads('a')])
  })
})

describe('a key that is not cached', () => {
  it.each([true, false])('is read, and the first read told (own store: %s)', async (isOwnStore) => {
    const { find, told, finder, state } = setUp({ isOwnStore })
    expect(await find('a')).toBe(state.loaded)
    await find('a', () => ['b'])
    expect(told).toEqual(['first read', loads('a'), loads('a', ['b'])])
    expect(finder.counts()).toEqual({ hits: 0, misses: 2 })
  })

  it('is read once when no key has it', async () => {
    const { find, told, state } = setUp()
    state.loaded = 'unknown'
    expect(await find('a')).toBe('unknown')
    expect(told).toEqual(['first read', loads('a')])
  })

  it('is read after a poll when it was missing', async () => {
    const { find, told, cached, state, finder } = setUp()
    cached.addMissing(['a', 'b'])
    expect(await find('a', () => ['b'])).toBe('unknown')
    expect(told).toEqual(['catches up'])
    state.onCatchUp = () => cached.drop('all')
    expect(await find('a', () => ['b'])).toBe(state.loaded)
    expect(told.slice(1)).toEqual(['catches up', 'first read', loads('a', ['b'])])
    expect(finder.counts()).toEqual({ hits: 2, misses: 0 })
  })

  it('is read unless it was missing under each pepper', async () => {
    const { find, told, cached } = setUp()
    cached.addMissing(['a'])
    await find('a', () => ['b'])
    expect(told).toEqual(['first read', loads('a', ['b'])])
  })

  it('that was missing in a store of this process is refused at once', () => {
    const { find, cached, told } = setUp({ isOwnStore: true })
    cached.addMissing(['a'])
    expect(find('a')).toBe('unknown')
    expect(told).toEqual([])
  })

  it('joins a read under way, and asks again when that found nothing', async () => {
    const { find, told, state } = setUp()
    state.loading.add('a')
    expect(await find('a', () => ['b'])).toBe(state.loaded)
    expect(told.splice(0)).toEqual(['first read', loads('a', ['b'])])
    state.loaded = 'unknown'
    expect(await find('a', () => ['b'])).toBe('unknown')
    expect(told).toEqual([loads('a', ['b']), 'catches up', loads('a', ['b'])])
  })
})

describe('a store that is away', () => {
  it('is told to whom has nothing to bridge it with', async () => {
    const { find, state, finder } = setUp()
    Object.assign(state, { leaseHolds: false, onRenew: down })
    await expect(find('a')).rejects.toThrow('down')
    await expect(finder.findAgain(keyOf('a'))).rejects.toThrow('down')
  })

  it('is bridged after the question has failed', async () => {
    const { find, state, finder } = setUp()
    const key = keyOf('a')
    Object.assign(state, { leaseHolds: false, onRenew: down, stale: key })
    expect(find('a')).toBeInstanceOf(Promise)
    expect(await find('a')).toBe(key)
    expect(await finder.findAgain(key)).toBe(key)
  })

  it('is bridged at once when the outage is known, while it is asked', async () => {
    const { find, state, told } = setUp()
    const key = keyOf('a')
    Object.assign(state, { leaseHolds: false, isFailing: true, onRenew: down, stale: key })
    expect(find('a')).toBe(key)
    expect(told).toEqual(['renews'])
    state.stale = undefined
    await expect(find('a')).rejects.toThrow('down')
  })
})

describe('a key that was found', () => {
  it('is current while it is cached and the lease holds, or the outage is bridged', () => {
    const { finder, cached, state } = setUp()
    const key = keyOf('a')
    expect(finder.isCurrent(key)).toBe(false)
    cached.add(key)
    expect(finder.isCurrent(key)).toBe(true)
    state.leaseHolds = false
    expect(finder.isCurrent(key)).toBe(false)
    state.isBridged = true
    expect(finder.isCurrent(key)).toBe(true)
    cached.add(keyOf('a'))
    expect(finder.isCurrent(key)).toBe(false)
  })

  it('is found again: cached, or read', async () => {
    const { finder, cached, state, told } = setUp()
    const key = keyOf('a')
    expect(await finder.findAgain(key)).toBe(state.loaded)
    expect(told.splice(0)).toEqual([['reads again', 'a']])
    const newer = keyOf('a')
    cached.add(newer)
    expect(finder.findAgain(key)).toBe(newer)
    state.leaseHolds = false
    expect(await finder.findAgain(key)).toBe(newer)
    expect(told).toEqual(['renews'])
  })
})

describe('after the end', () => {
  it('nothing is found, bridged or current', async () => {
    const { finder, find, cached, state } = setUp()
    const key = keyOf('a')
    cached.add(key)
    Object.assign(state, { isBridged: true, stale: key, leaseHolds: false, onRenew: down })
    const [early, again] = [find('a'), finder.findAgain(key)]
    finder.close()
    await expect(early).rejects.toThrow('down')
    await expect(again).rejects.toThrow('down')
    state.leaseHolds = true
    expect(() => find('a')).toThrow(/closed/)
    expect(() => finder.findAgain(key)).toThrow(/closed/)
    expect(finder.isCurrent(key)).toBe(false)
  })
})
