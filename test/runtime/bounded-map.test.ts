import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBoundedMap } from '../../src/runtime/bounded-map.ts'

const keys = (count: number, prefix = 'k') => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

describe('a bounded map', () => {
  it('keeps all entries while they fit', () => {
    const map = createBoundedMap<number>(100)
    for (const [index, key] of keys(100).entries()) map.set(key, index)
    for (let round = 0; round < 3; round++)
      expect(keys(100).map((key) => map.get(key))).toEqual(keys(100).map((_, index) => index))
    expect(map.size()).toBe(100)
  })

  it('makes room among those that were not used, and keeps those in use', () => {
    const map = createBoundedMap<number>(100)
    for (const [index, key] of keys(100).entries()) map.set(key, index)
    map.set('first one too many', 1)
    for (const key of keys(50).slice(1)) map.get(key)
    for (const key of keys(40, 'new')) map.set(key, 0)
    expect(keys(50).filter((key) => map.peek(key) === undefined)).toEqual(['k0'])
    expect(map.size()).toBe(100)
  })

  it('loses few entries in use to a flood of entries that are used once', () => {
    const map = createBoundedMap<number>(100)
    let lost = 0
    for (const key of keys(10_000, 'once')) {
      map.set(key, 0)
      for (const busy of keys(10, 'busy')) {
        if (map.get(busy) !== undefined) continue
        map.set(busy, 1)
        lost++
      }
    }
    // When the maps change places, those in use count as unused until they are asked for again.
    expect(lost).toBeLessThan(10 + 10_000 / 80)
  })

  it('does not count a peek as a use', () => {
    const map = createBoundedMap<number>(10)
    for (const key of keys(11)) map.set(key, 1)
    for (let round = 0; round < 10; round++) map.peek('k1')
    map.set('one more', 1)
    expect(map.peek('k1')).toBeUndefined()
  })

  it('makes room about as fast as a map that only forgets its oldest entry', () => {
    const size = 30_000
    const timeOf = (set: (key: string) => void) => {
      for (const key of keys(size)) set(key)
      const from = performance.now()
      for (const key of keys(2 * size, 'new')) set(key)
      return performance.now() - from
    }
    const bounded: number[] = []
    const plain: number[] = []
    for (let round = 0; round < 3; round++) {
      const map = createBoundedMap<number>(size)
      bounded.push(timeOf((key) => map.set(key, 1)))
      const entries = new Map<string, number>()
      const oldest = entries.keys()
      plain.push(
        timeOf((key) => {
          if (entries.size >= size) entries.delete(oldest.next().value as string)
          entries.set(key, 1)
        }),
      )
    }
    // Some 1; some 15 when each search for the oldest starts at the beginning.
    expect(Math.min(...bounded) / Math.min(...plain)).toBeLessThan(6)
  })

  it('holds no more than it may, finds what it holds, and tells of all it takes out', () => {
    const key = fc.constantFrom(...keys(8))
    const step = fc.oneof(
      fc.record({ does: fc.constantFrom('set', 'get', 'peek', 'delete'), key }),
      fc.record({ does: fc.constant('clear'), key }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (max, steps) => {
        const model = new Map<string, number>()
        const map = createBoundedMap<number>(max, (value, gone) => {
          expect(model.get(gone)).toBe(value)
          model.delete(gone)
        })
        for (const [index, { does, key }] of steps.entries()) {
          if (does === 'clear') map.clear()
          else if (does === 'delete') map.delete(key)
          else if (does === 'set') {
            map.set(key, index)
            model.set(key, index)
          } else expect(map[does as 'get' | 'peek'](key)).toBe(model.get(key))
          expect(map.size()).toBe(model.size)
          expect(model.size).toBeLessThanOrEqual(max)
        }
      }),
    )
  })
})
