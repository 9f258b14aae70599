import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLookupQueue, type LookupQueue } from '../../src/cache/lookup-queue.ts'
import { settle } from './stored-records.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A queue with as many inside as may be. */
function fill() {
  const queue = createLookupQueue()
  const leaves = Array.from({ length: 32 }, () => queue.enter(false))
  expect(leaves.every((leave) => typeof leave === 'function')).toBe(true)
  return { queue, leave: (index: number) => (leaves[index] as () => void)() }
}

/** Waits in the queue, and says when it is inside, or why not. */
function wait(queue: LookupQueue, isKnown: boolean) {
  const waiting: { state: unknown; leave?: () => void } = { state: 'waits' }
  Promise.resolve(queue.enter(isKnown)).then(
    (leave) => Object.assign(waiting, { state: 'inside', leave }),
    (error) => Object.assign(waiting, { state: error.code }),
  )
  return waiting
}

describe('the queue of lookups', () => {
  it('has 32 inside, and lets the next one in when one leaves', async () => {
    const { queue, leave } = fill()
    const [first, second] = [wait(queue, false), wait(queue, false)]
    await settle()
    expect(first.state).toBe('waits')
    leave(0)
    await settle()
    expect([first.state, second.state]).toEqual(['inside', 'waits'])
    first.leave?.()
    await settle()
    expect(second.state).toBe('inside')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is left once, however often that is said', async () => {
    const { queue, leave } = fill()
    const [first, second] = [wait(queue, false), wait(queue, false)]
    for (let time = 0; time < 3; time++) leave(0)
    await settle()
    expect([first.state, second.state]).toEqual(['inside', 'waits'])
    expect(queue.enter(false)).toBeInstanceOf(Promise)
  })

  it('has room again when somebody has left and nobody waits', async () => {
    const { queue, leave } = fill()
    leave(0)
    expect(typeof queue.enter(false)).toBe('function')
    expect(queue.enter(true)).toBeInstanceOf(Promise)
  })

  it('lets existing keys in first', async () => {
    const { queue, leave } = fill()
    const [stranger, known] = [wait(queue, false), wait(queue, true)]
    leave(0)
    await settle()
    expect([stranger.state, known.state]).toEqual(['waits', 'inside'])
    leave(1)
    await settle()
    expect(stranger.state).toBe('inside')
  })

  it('has 4096 strangers wait, and any number of existing keys', async () => {
    const { queue } = fill()
    for (let index = 0; index < 4_096; index++) wait(queue, false)
    expect(() => queue.enter(false)).toThrow(
      expect.objectContaining({
        code: 'store_overloaded',
        message: 'Too many lookups are waiting for the store.',
      }),
    )
    const known = wait(queue, true)
    await settle()
    expect(known.state).toBe('waits')
  })

  it.each([true, false])('lets nobody wait for longer than a second (existing: %s)', async (isKnown) => {
    const { queue, leave } = fill()
    const late = wait(queue, isKnown)
    vi.advanceTimersByTime(999)
    await settle()
    expect(late.state).toBe('waits')
    vi.advanceTimersByTime(1)
    await settle()
    expect(late.state).toBe('store_timeout')
    // The place goes to somebody who still waits.
    const next = wait(queue, isKnown)
    leave(0)
    await settle()
    expect(next.state).toBe('inside')
  })
})
