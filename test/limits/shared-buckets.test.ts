import { describe, expect, it } from 'vitest'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import { createManualClock } from '../contract/limiter-contract.ts'

const slow = { eps: 1, burst: 10 }
const fast = { eps: 100, burst: 10 }

/** A limiter without room, and a sender that shares the bucket of another one. */
function share() {
  const clock = createManualClock()
  const limiter = createMemoryLimiter({ maxKeys: 1, clock })
  limiter.consume('first', 1, { eps: 1e-6, burst: 1 })
  limiter.consume('one', 1, slow)
  let number = 0
  while (limiter.peek(`other ${number}`, slow).remaining !== 9) number++
  const other = `other ${number}`
  clock.advance(1_000)
  return { clock, limiter, other }
}

describe('a bucket that senders share', () => {
  it('drains at the rate of the slower one, until nothing is owed', () => {
    const { clock, limiter, other } = share()
    expect(limiter.consume('one', 10, slow).allowed).toBe(true)
    clock.advance(999)
    expect(limiter.consume(other, 1, fast)).toMatchObject({ allowed: false, retryAfterMs: 1 })
    expect(limiter.peek(other, fast, 3)).toMatchObject({ allowed: false, retryAfterMs: 2_001 })
    clock.advance(1)
    expect(limiter.consume(other, 1, fast)).toMatchObject({ allowed: true, remaining: 0 })
    clock.advance(10_000)
    expect(limiter.consume(other, 10, fast).allowed).toBe(true)
    clock.advance(100)
    expect(limiter.consume(other, 10, fast).allowed).toBe(true)
  })

  it('drains at the rate of the slower one who comes later, too', () => {
    const { clock, limiter, other } = share()
    expect(limiter.consume(other, 10, fast).allowed).toBe(true)
    clock.advance(50)
    expect(limiter.consume('one', 1, slow)).toMatchObject({ allowed: false, retryAfterMs: 950 })
    expect(limiter.consume(other, 5, fast).allowed).toBe(true)
  })
})
