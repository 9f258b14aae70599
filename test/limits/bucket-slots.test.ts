import { describe, expect, it } from 'vitest'
import { createBucketSlots } from '../../src/limits/bucket-slots.ts'

const second = 1_000_000

/** Slots of so many senders, each of whom owes one event until the end of the first second. */
function setUp(maxKeys: number, senders: number) {
  const slots = createBucketSlots(maxKeys)
  const add = (keyId: string, nowUs = 0) => {
    const slot = slots.allocate(nowUs)
    if (slot === undefined) return undefined
    slots.save(slot, { used: second, at: nowUs }, 1)
    slots.assign(keyId, slot)
    return slot
  }
  for (let sender = 0; sender < senders; sender++) add(`wk_${sender}`)
  const kept = () => Array.from({ length: senders }, (_, at) => slots.find(`wk_${at}`) !== undefined)
  return { slots, add, kept }
}

describe('the buckets of a memory limiter', () => {
  it('are as many as there may be senders who owe something', () => {
    const { slots, add } = setUp(2, 2)
    expect(slots.allocate(second - 1)).toBeUndefined()
    expect(slots.find('wk_0')).toBeDefined()
    expect(add('wk_more', second)).toBeDefined()
  })

  it('are looked through 64 at a time for ones to forget, when all are taken', () => {
    const { slots, kept } = setUp(100, 100)
    expect(slots.allocate(second)).toBeDefined()
    expect(kept().filter(Boolean)).toHaveLength(36)
    expect(kept()[63]).toBe(false)
    expect(kept()[64]).toBe(true)
  })

  it('are kept for senders that owe nothing, up to 10 000; beyond, two are looked at for each that is new', () => {
    const few = setUp(100_000, 1_000)
    few.slots.allocate(second)
    expect(few.kept()).not.toContain(false)
    const many = setUp(100_000, 10_000)
    many.slots.allocate(second)
    expect(many.kept().slice(0, 3)).toEqual([false, false, true])
  })

  it('are given again when they were given back', () => {
    const { slots } = setUp(10, 3)
    const slot = slots.allocate(0) as number
    slots.release(slot)
    expect(slots.allocate(0)).toBe(slot)
  })

  it('hold what was saved, however many there are', () => {
    const { slots } = setUp(100_000, 0)
    const taken = Array.from({ length: 1_000 }, (_, index) => {
      const slot = slots.allocate(0) as number
      slots.save(slot, { used: index, at: 2 * index }, index + 1)
      return slot
    })
    expect(new Set(taken).size).toBe(1_000)
    const state = { used: 0, at: 0 }
    const held = taken.map((slot) => [slots.load(slot, state), state.used, state.at])
    expect(held).toEqual(taken.map((_, index) => [index + 1, index, 2 * index]))
  })

  it('take room for senders that are there, not for those that may come', () => {
    const before = process.memoryUsage().arrayBuffers
    const slots = createBucketSlots(10_000_000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
    expect(slots.find('wk_0')).toBeUndefined()
  })
})
