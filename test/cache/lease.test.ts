import { describe, expect, it } from 'vitest'
import { createChangeHistory } from '../../src/cache/change-history.ts'
import { createLease } from '../../src/cache/lease.ts'
import { createStanding } from '../../src/cache/standing.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

function setUp(ownLeaseMs = 2_000) {
  const clock = createManualClock()
  const { begin } = createStanding({
    clock,
    changes: createChangeHistory(),
    onChanged: () => {},
    onRevisionRegressed: () => {},
  })
  const lease = createLease(clock, ownLeaseMs)
  return { clock, begin, lease, holds: () => lease.holds(clock.monotonic(), clock.now()) }
}

describe('a lease', () => {
  it('does not hold before the store has answered', () => {
    const { lease, holds, begin, clock } = setUp()
    expect(holds()).toBe(false)
    expect(lease.leaseMs()).toBe(0)
    const question = begin()
    clock.advance(10)
    expect(holds()).toBe(false)
    lease.renew(question, 2_000)
    expect(holds()).toBe(true)
  })

  it('counts from the beginning of the question, not from its answer', () => {
    const { lease, holds, begin, clock } = setUp()
    const question = begin()
    clock.advance(1_500)
    lease.renew(question, 2_000)
    clock.advance(499)
    expect(holds()).toBe(true)
    clock.advance(1)
    expect(holds()).toBe(false)
  })

  it('has lapsed already when the answer took too long', () => {
    const { lease, holds, begin, clock } = setUp()
    const question = begin()
    clock.advance(2_000)
    lease.renew(question, 2_000)
    expect(holds()).toBe(false)
  })

  it.each([
    ['the machine was suspended: its monotonic clock stood still', 0, 2_000],
    ['the wall clock was set back', 2_000, -3_600_000],
    ['the wall clock was set ahead', 0, 7_200_000],
  ])('goes by the clock that has gone further: %s', (_, passed, wall) => {
    const { lease, holds, begin, clock } = setUp()
    lease.renew(begin(), 2_000)
    clock.advance(passed)
    clock.advanceWallClock(wall)
    expect(holds()).toBe(false)
    lease.renew(begin(), 2_000)
    expect(holds()).toBe(true)
  })

  it('is the shorter one of its own and what the store says', () => {
    for (const [own, stores, leaseMs] of [
      [2_000, 100, 100],
      [100, 2_000, 100],
    ] as const) {
      const { lease, begin } = setUp(own)
      lease.renew(begin(), stores)
      expect(lease.leaseMs()).toBe(leaseMs)
    }
  })

  it('is not made longer by an answer that comes late', () => {
    const { lease, holds, begin, clock } = setUp()
    const late = begin()
    clock.advance(100)
    lease.renew(begin(), 500)
    lease.renew(late, 2_000)
    expect(lease.leaseMs()).toBe(500)
    clock.advance(499)
    expect(holds()).toBe(true)
    clock.advance(1)
    expect(holds()).toBe(false)
  })

  it('never holds when the store says nothing that makes sense', () => {
    const { lease, holds, begin } = setUp()
    lease.renew(begin(), Number.NaN)
    expect(holds()).toBe(false)
    lease.renew(begin(), -1)
    expect(holds()).toBe(false)
  })

  it('tells its age, of which none is known before the store has answered', () => {
    const { lease, begin, clock } = setUp()
    expect(lease.ageMs()).toBe(Number.POSITIVE_INFINITY)
    const question = begin()
    clock.advance(300)
    lease.renew(question, 2_000)
    expect(lease.ageMs()).toBe(300)
    clock.advanceWallClock(5_000)
    expect(lease.ageMs()).toBe(5_300)
  })
})
