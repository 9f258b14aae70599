import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFairShares } from '../../src/watch/fair-shares.ts'

describe('fair shares', () => {
  it('never hold more than their size, and take nothing from who has less than the average', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(30)), { maxLength: 200 }),
        (size, writes) => {
          const shares = createFairShares<string, number, string>(size)
          const owners = ['a', 'b', 'c', 'd']
          for (const [owner, id] of writes) {
            const before = new Map(owners.map((name) => [name, shares.of(name)]))
            shares.set(owner, id, `${owner}${id}`)
            const total = shares.all().length
            expect(total).toBeLessThanOrEqual(size)
            const active = owners.filter(
              (name) => (before.get(name)?.length ?? 0) > 0 || name === owner,
            ).length
            for (const name of owners) {
              const had = before.get(name) as string[]
              const isBelowAverage = had.length * active < size
              if (name !== owner && isBelowAverage) expect(shares.of(name)).toEqual(had)
            }
          }
        },
      ),
    )
  })

  it('give the oldest of the loudest away, whoever comes', () => {
    const shares = createFairShares<string, number, number>(6)
    for (let id = 1; id <= 2; id++) shares.set('quiet', id, id)
    for (let id = 3; id <= 1_000; id++) shares.set('loud', id, id)
    expect(shares.of('quiet')).toEqual([1, 2])
    expect(shares.of('loud')).toEqual([997, 998, 999, 1_000])
    shares.set('late', 1_001, 1_001)
    expect(shares.of('late')).toEqual([1_001])
    expect(shares.of('loud')).toEqual([998, 999, 1_000])
  })

  it('hold one owner each when there are more owners than places', () => {
    const shares = createFairShares<number, number, number>(10)
    for (let owner = 0; owner < 10_000; owner++) shares.set(owner, 0, owner)
    expect(shares.all().toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, index) => 9_990 + index),
    )
  })

  it('put what is set again in the newest place, once', () => {
    const shares = createFairShares<string, string, number>(2)
    shares.set('a', 'x', 1)
    shares.set('a', 'y', 2)
    shares.set('a', 'x', 3)
    expect(shares.of('a')).toEqual([2, 3])
    shares.set('a', 'z', 4)
    expect(shares.of('a')).toEqual([3, 4])
    shares.delete('a', 'x')
    expect([shares.get('a', 'x'), shares.get('a', 'z')]).toEqual([undefined, 4])
  })
})
