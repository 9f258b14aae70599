import { describe, expect, it } from 'vitest'
import { createUnknownKeyBudget } from '../../src/cache/unknown-key-budget.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

function setUp() {
  const clock = createManualClock()
  const budget = createUnknownKeyBudget(clock)
  /** How many looks a source gets until it is refused, and why it is. */
  const exhaust = (source: string) => {
    let looks = 0
    while (budget.check(source) === 'granted') {
      budget.charge(source)
      looks++
    }
    return [looks, budget.check(source)]
  }
  return { clock, budget, exhaust }
}

describe('the budget of unknown keys', () => {
  it('is 20 looks of a source at once, and then five a second', () => {
    const { clock, budget, exhaust } = setUp()
    expect(budget.isSpent('a')).toBe(false)
    expect(exhaust('a')).toEqual([20, 'source_exhausted'])
    expect([budget.isSpent('a'), budget.isSpent('b')]).toEqual([true, false])
    clock.advance(1_000)
    expect(exhaust('a')).toEqual([5, 'source_exhausted'])
    clock.advance(60_000)
    expect(exhaust('a')).toEqual([20, 'source_exhausted'])
  })

  it('is 100 looks of all sources at once, and then fifty a second', () => {
    const { clock, budget, exhaust } = setUp()
    for (const source of ['a', 'b', 'c', 'd', 'e']) exhaust(source)
    expect(exhaust('f')).toEqual([0, 'all_exhausted'])
    clock.advance(200)
    expect(exhaust('f')).toEqual([10, 'all_exhausted'])
    expect(budget.used()).toBe(1)
  })

  it('tells how much of it is used, also when more was looked up than it allows', () => {
    const { clock, budget } = setUp()
    expect(budget.used()).toBe(0)
    for (let look = 0; look < 25; look++) budget.charge('a')
    expect(budget.used()).toBe(0.25)
    clock.advance(100)
    expect(budget.used()).toBeCloseTo(0.2)
    for (let look = 0; look < 200; look++) budget.charge('a')
    expect(budget.used()).toBe(1)
  })

  it('gets back what was charged for a key that exists, and no more than that', () => {
    const { budget, exhaust } = setUp()
    exhaust('a')
    budget.refund('a')
    expect(budget.used()).toBeCloseTo(0.19)
    expect(exhaust('a')).toEqual([1, 'source_exhausted'])
    budget.refund('b')
    expect(exhaust('b')).toEqual([20, 'source_exhausted'])
  })
})
