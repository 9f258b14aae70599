import { describe, expect, it } from 'vitest'
import { createDigestsById } from '../../src/cache/digests-by-id.ts'

describe('the digests of each key', () => {
  it('are all told, each once', () => {
    const digests = createDigestsById()
    expect(digests.get('wk_1')).toEqual([])
    for (const digest of ['a', 'b', 'a', 'c']) digests.add('wk_1', digest)
    digests.add('wk_2', 'd')
    expect(new Set(digests.get('wk_1'))).toEqual(new Set(['a', 'b', 'c']))
    expect(digests.get('wk_1')).toHaveLength(3)
    expect(digests.get('wk_2')).toEqual(['d'])
  })

  it('are forgotten one by one', () => {
    const digests = createDigestsById()
    for (const digest of ['a', 'b', 'c']) digests.add('wk_1', digest)
    digests.remove('wk_1', 'b')
    digests.remove('wk_1', 'unknown')
    digests.remove('wk_2', 'a')
    expect(new Set(digests.get('wk_1'))).toEqual(new Set(['a', 'c']))
    digests.remove('wk_1', 'a')
    expect(digests.get('wk_1')).toEqual(['c'])
    digests.remove('wk_1', 'c')
    expect(digests.get('wk_1')).toEqual([])
  })
})
