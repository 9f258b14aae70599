import { describe, expect, it } from 'vitest'
import {
  createRefundAllowance,
  expectEndpoints,
  expectGuard,
  haveEndpoints,
  mayBeSettled,
  settlementReceiver,
  withSettlement,
} from '../../src/verifier/settlement.ts'

describe('what is given back to a key', () => {
  it('is one bucket a minute, each key by itself', () => {
    const allowance = createRefundAllowance()
    const take = (cost: number, nowMs: number, keyId = 'wk_one') => allowance.take(keyId, cost, 10, nowMs)
    expect([take(6, 1_000), take(4, 2_000), take(1, 60_999)]).toEqual([true, true, false])
    expect(take(10, 2_000, 'wk_other')).toBe(true)
    expect([take(10, 61_000), take(1, 61_001)]).toEqual([true, false])
  })

  it('is a request of any cost, when it is the first of its minute', () => {
    const allowance = createRefundAllowance()
    expect(allowance.take('wk_one', 25, 10, 0)).toBe(true)
    expect(allowance.take('wk_one', 1, 10, 59_999)).toBe(false)
    expect(allowance.take('wk_one', 25, 10, 60_000)).toBe(true)
  })

  it('is counted anew when the clock was set back', () => {
    const allowance = createRefundAllowance()
    expect(allowance.take('wk_one', 10, 10, 3_600_000)).toBe(true)
    expect(allowance.take('wk_one', 10, 10, 0)).toBe(true)
    expect(allowance.take('wk_one', 1, 10, 0)).toBe(false)
  })

  it('is remembered of the last 10 000 keys', () => {
    const allowance = createRefundAllowance()
    const take = (key: number) => allowance.take(`wk_${key}`, 10, 10, 0)
    for (let key = 0; key < 10_000; key++) take(key)
    expect([take(0), take(9_999)]).toEqual([false, false])
    take(10_000)
    expect([take(1), take(0), take(2)]).toEqual([false, true, false])
  })
})

describe('whoever is behind a guard', () => {
  it('is handed what decides how a request ends, and leaves other requests alone', () => {
    const [request, other] = [{ method: 'POST' }, { method: 'POST' }] as never[]
    const settlements: unknown[] = []
    withSettlement(request as never, 'guard', (settlement) => settlements.push(settlement))
    const settlement = {} as never
    settlementReceiver(request as never)?.receive(settlement)
    expect(settlementReceiver(request as never)?.decider).toBe('guard')
    expect(settlements).toEqual([settlement])
    expect(settlementReceiver(other as never)).toBeUndefined()
    expect(JSON.stringify(request)).toBe('{"method":"POST"}')
  })

  it('may refuse what it lets through: an endpoint, or a second guard of the same keys', () => {
    const [alone, twice, before, other] = [{}, {}, {}, {}]
    expectGuard(alone)
    for (let guard = 0; guard < 2; guard++) expectGuard(twice)
    expectEndpoints(before)
    expect([alone, twice, before, other].map(mayBeSettled)).toEqual([false, true, true, false])
    expect([alone, twice, before, other].map(haveEndpoints)).toEqual([false, false, true, false])
    expectGuard(twice)
    expect(mayBeSettled(twice)).toBe(true)
  })
})
