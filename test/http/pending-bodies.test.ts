import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BodyAccount } from '../../src/http/body-holders.ts'
import { createPendingBodies } from '../../src/http/pending-bodies.ts'

const account = (key?: object): BodyAccount => ({
  key,
  heldBytes: 0,
  heldUnknownBytes: 0,
  giveUp: undefined,
  entry: undefined,
  lostRoom: false,
})

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

describe('a full room', () => {
  interface Body extends BodyAccount {
    sender: string
    ends: number
  }
  const names = { keyOf: ({ key }: Body) => key, senderOf: ({ sender }: Body) => sender }
  const body = (key: string | undefined, sender = 'one'): Body => ({ ...account(), key, sender, ends: 0 })
  const roomOf = () => {
    const pending = createPendingBodies<Body>(1_000, names)
    const read = (one: Body, bytes: number) => pending.hold(one, bytes, () => one.ends++)
    return { pending, read }
  }

  it('is made for those who hold less, by the most stalled body of the largest holder', () => {
    const { pending, read } = roomOf()
    const [first, second, third, newcomer] = [body('a'), body('a'), body('a'), body('b')]
    for (const one of [first, second, third]) expect(read(one, 300)).toBe(true)
    expect(read(first, 100)).toBe(true)
    expect(read(newcomer, 200)).toBe(true)
    expect([first.ends, second.ends, third.ends, newcomer.ends]).toEqual([0, 1, 0, 0])
    expect(second).toMatchObject({ heldBytes: 0, lostRoom: true })
    expect(read(second, 1)).toBe(false)
    pending.release(second)
    expect(read(newcomer, 101)).toBe(true)
    expect(third.ends).toBe(1)
    expect(read(newcomer, 701)).toBe(false)
  })

  it('may be one key’s alone, but not one sender’s of several', () => {
    const { read } = roomOf()
    const [much, more, other] = [body('a'), body('a'), body('a', 'two')]
    expect([read(much, 600), read(more, 400), read(more, 1)]).toEqual([true, true, false])
    expect(read(other, 100)).toBe(true)
    expect([much.ends, more.ends]).toEqual([1, 0])
  })

  it('is not made by bodies that are whole, nor for bodies that never fit', () => {
    const { pending, read } = roomOf()
    const whole = body('a')
    read(whole, 900)
    pending.settle(whole)
    expect(read(body('b'), 200)).toBe(false)
    pending.release(whole)
    const stalled = body('a')
    read(stalled, 1_000)
    expect(read(body('b'), 1_001)).toBe(false)
    expect(stalled.ends).toBe(0)
  })

  it('is made among those whose key is not known within their quarter', () => {
    const { read } = roomOf()
    const [known, stalled, other] = [body('a'), body(undefined), body(undefined, 'two')]
    read(known, 700)
    expect([read(stalled, 250), read(stalled, 1)]).toEqual([true, false])
    expect(read(other, 100)).toBe(true)
    expect([known.ends, stalled.ends]).toEqual([0, 1])
    expect(read(other, 151)).toBe(false)
  })

  it('refuses nobody within an equal share, and forgets nothing, whatever comes', () => {
    const step = fc.tuple(fc.nat({ max: 11 }), fc.nat({ max: 300 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { pending, read } = roomOf()
        const keys = ['a', 'b', 'c', 'd']
        let bodies = Array.from({ length: 12 }, (_, i) => body(keys[i % 4], i < 8 ? 'one' : 'two'))
        const heldBy = (key: unknown) =>
          bodies.filter((one) => one.key === key).reduce((sum, one) => sum + one.heldBytes, 0)
        for (const [index, bytes, releases] of steps) {
          const one = bodies[index] as Body
          if (releases || one.lostRoom) {
            pending.release(one)
            bodies = bodies.with(index, body(one.key as string, one.sender))
          } else {
            const isWithin = heldBy(one.key) + bytes <= 1_000 / keys.length
            expect(read(one, bytes) || !isWithin).toBe(true)
          }
          for (const { lostRoom, ends } of bodies) expect(ends).toBe(lostRoom ? 1 : 0)
          expect(keys.reduce((sum, key) => sum + heldBy(key), 0)).toBeLessThanOrEqual(1_000)
        }
        for (const one of bodies) pending.release(one)
        expect(pending.hold(body('e'), 1_000)).toBe(true)
      }),
    )
  })
})
