import { describe, expect, it } from 'vitest'
import { createCachedKeys } from '../../src/cache/cached-keys.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

const keyOf = (id: string, digest: string) => ({ id, digest, version: 1, freshUntilSeconds: null })

function setUp(maxKeys = 100) {
  const clock = createManualClock()
  const cached = createCachedKeys<ReturnType<typeof keyOf>>(maxKeys, clock)
  return { clock, cached }
}

describe('cached keys', () => {
  it('are found by digest until they are removed', () => {
    const { cached } = setUp()
    const key = keyOf('wk_a', 'one')
    cached.add(key)
    expect([cached.get('one'), cached.peek('one'), cached.get('two')]).toEqual([key, key, undefined])
    cached.remove('one')
    expect([cached.get('one'), cached.siblingOf('wk_a'), cached.count()]).toEqual([undefined, undefined, 0])
  })

  it('know another secret of the same key', () => {
    const { cached } = setUp()
    const key = keyOf('wk_a', 'one')
    cached.add(key)
    expect(cached.siblingOf('wk_a')).toBe(key)
    expect(cached.siblingOf('wk_b')).toBeUndefined()
    const newer = keyOf('wk_a', 'two')
    cached.add(newer)
    cached.remove('one')
    expect(cached.siblingOf('wk_a')).toBe(newer)
  })

  it('leave when there are too many, with all that was known of them', () => {
    const { cached } = setUp(2)
    for (const id of ['wk_a', 'wk_b', 'wk_c']) cached.add(keyOf(id, id))
    expect(cached.count()).toBe(2)
    expect(['wk_a', 'wk_b', 'wk_c'].map((id) => cached.siblingOf(id)?.id)).toEqual([
      undefined,
      'wk_b',
      'wk_c',
    ])
  })

  it('are dropped by the id of their key, with each of its secrets', () => {
    const { cached } = setUp()
    for (const [id, digest] of [
      ['wk_a', 'one'],
      ['wk_a', 'two'],
      ['wk_b', 'three'],
    ] as const)
      cached.add(keyOf(id, digest))
    cached.drop(['wk_a'])
    expect(['one', 'two', 'three'].map((digest) => cached.peek(digest)?.id)).toEqual([
      undefined,
      undefined,
      'wk_b',
    ])
    cached.drop('all')
    expect(cached.count()).toBe(0)
  })
})

describe('digests that no key has', () => {
  it('are remembered for 5 seconds', () => {
    const { clock, cached } = setUp()
    expect(cached.isMissing('one')).toBe(false)
    cached.addMissing(['one', 'two'])
    clock.advance(4_999)
    expect([cached.isMissing('one'), cached.isMissing('two')]).toEqual([true, true])
    clock.advance(1)
    expect(cached.isMissing('one')).toBe(false)
  })

  it.each(['wk_a', 'all'])('are forgotten with each change: %s', (changed) => {
    const { cached } = setUp()
    cached.addMissing(['one'])
    cached.drop(changed === 'all' ? changed : [changed])
    expect(cached.isMissing('one')).toBe(false)
  })

  it.each([
    [100, 1_000],
    [20_000, 2_000],
  ])('beside %i keys, are remembered up to %i', (maxKeys, most) => {
    const { cached } = setUp(maxKeys)
    const digests = Array.from({ length: most + 1 }, (_, index) => `${index}`)
    cached.add(keyOf('wk_a', 'one'))
    cached.addMissing(digests)
    expect(digests.filter(cached.isMissing)).toEqual(digests.slice(1))
    expect(cached.count()).toBe(1)
  })
})
