import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BodyAccount, createPendingBodies } from '../../src/http/pending-bodies.ts'

const account = (key?: object): BodyAccount => ({ key, heldBytes: 0, heldUnknownBytes: 0 })

describe('createPendingBodies', () => {
  it('has room for as much as it may hold, and again once that is released', () => {
    const pending = createPendingBodies(1_000)
    const [one, other] = [account({}), account({})]
    expect(pending.hold(one, 600)).toBe(true)
    expect(pending.hold(other, 401)).toBe(false)
    expect(pending.hold(other, 400)).toBe(true)
    pending.release(one)
    pending.release(one)
    expect(pending.hold(other, 601)).toBe(false)
    expect(pending.hold(other, 600)).toBe(true)
  })

  it('gives a quarter to those whose key is not known', () => {
    const pending = createPendingBodies(1_000)
    const unknown = account()
    expect(pending.hold(unknown, 251)).toBe(false)
    expect(pending.hold(unknown, 250)).toBe(true)
    expect(pending.hold(account(), 1)).toBe(false)
    expect(pending.hold(account({}), 750)).toBe(true)
    pending.release(unknown)
    expect(pending.hold(account(), 250)).toBe(true)
  })

  it('never holds more than it may, and nothing once all is released', () => {
    const holds = fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 400 }), fc.boolean()), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(holds, (steps) => {
        const pending = createPendingBodies(1_000)
        const accounts = Array.from({ length: 10 }, (_, i) => account(i % 2 === 0 ? {} : undefined))
        for (const [index, bytes, releases] of steps) {
          const one = accounts[index] as BodyAccount
          if (releases) pending.release(one)
          else pending.hold(one, bytes)
          const sum = (of: readonly BodyAccount[]) => of.reduce((held, { heldBytes }) => held + heldBytes, 0)
          expect(sum(accounts)).toBeLessThanOrEqual(1_000)
          expect(sum(accounts.filter(({ key }) => key === undefined))).toBeLessThanOrEqual(250)
        }
        for (const one of accounts) pending.release(one)
        expect(pending.hold(account({}), 1_000)).toBe(true)
      }),
    )
  })
})
