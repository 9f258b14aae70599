import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { ConfigError } from '../../src/runtime/config-error.ts'
import { createManualClock, limiterContract } from '../contract/limiter-contract.ts'

limiterContract('memory limiter', (clock) => createMemoryLimiter({ clock }))
const fullLimiter = (clock: Clock) => {
  const limiter = createMemoryLimiter({ clock, maxKeys: 1 })
  limiter.consume('another', 1, { eps: 1e-6, burst: 1 })
  return limiter
}
limiterContract('memory limiter with room for one sender', fullLimiter, false)

/** One string on the heap, as ids from a store are; a template would leave its pieces there too. */
function flatId(i: number): string {
  return Buffer.from(`wk_${String(i).padStart(16, '0')}`).toString('latin1')
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

function heldBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe('createMemoryLimiter', () => {
  it('names itself when it refuses an option', () => {
    expect(() => createMemoryLimiter({ maxkeys: 1 } as never)).toThrow(
      /^createMemoryLimiter has no option "maxkeys"/,
    )
  })

  it('answers without a promise', () => {
    const limiter = createMemoryLimiter()
    expect(limiter.consume('a', 1, { eps: 5, burst: 5 })).toMatchObject({ allowed: true, remaining: 4 })
    expect(limiter.peek('a', { eps: 5, burst: 5 }).allowed).toBe(true)
  })

  it('takes less than 150 bytes per active sender, keys included', () => {
    const rate = { eps: 1, burst: 100 }
    const measure = (senders: number): number => {
      const before = heldBytes()
      const limiter = createMemoryLimiter({ clock: createManualClock() })
      for (let i = 0; i < senders; i++) limiter.consume(flatId(i), 1, rate)
      const perSender = (heldBytes() - before) / senders
      expect(limiter.peek('wk_0000000000000000', rate).remaining).toBe(99)
      limiter.close()
      return perSender
    }
    for (const senders of [30_000, 70_000, 100_000]) {
      // Other things grow meanwhile, such as compiled code: not every time.
      let least = measure(senders)
      for (let attempt = 1; attempt < 3 && least >= 150; attempt++) least = Math.min(least, measure(senders))
      expect(least).toBeLessThan(150)
    }
  })

  it('takes no more memory for 300 000 senders than for maxKeys of them', () => {
    const limiter = createMemoryLimiter({ maxKeys: 1_000, clock: createManualClock() })
    const before = heldBytes()
    for (let i = 0; i < 300_000; i++) limiter.consume(`wk_${i}`, 1, { eps: 1, burst: 1 })
    expect(heldBytes() - before).toBeLessThan(1_000_000)
    limiter.close()
  })

  it('forgets senders whose bucket is full again, and keeps the others', () => {
    const clock = createManualClock()
    const limiter = createMemoryLimiter({ maxKeys: 100, clock })
    const slow = { eps: 0.001, burst: 1 }
    for (let i = 0; i < 50; i++) limiter.consume(`slow${i}`, 1, slow)
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 50; i++) {
        expect(limiter.consume(`fast${round}.${i}`, 10, { eps: 10, burst: 10 }).allowed).toBe(true)
      }
      clock.advance(1_000)
    }
    for (let i = 0; i < 50; i++) expect(limiter.consume(`slow${i}`, 1, slow).allowed).toBe(false)
  })

  it('never admits a sender above its own rate when too many are active', () => {
    const clock = createManualClock()
    const limiter = createMemoryLimiter({ maxKeys: 10, clock })
    for (let i = 0; i < 10; i++) limiter.consume(`busy${i}`, 1_000, { eps: 100, burst: 1 })

    const senders = Array.from({ length: 600 }, (_, i) => ({
      id: `s${i}`,
      rate: { eps: 1 + (i % 7) * 40, burst: 5 + (i % 7) * 40 },
      events: 0,
    }))
    const seconds = 30 // room appears after 10
    for (let step = 0; step < seconds * 10; step++) {
      for (const sender of senders) {
        while (limiter.peek(sender.id, sender.rate).allowed) {
          const result = limiter.consume(sender.id, 1, sender.rate)
          if (!result.allowed) break
          sender.events++
        }
      }
      clock.advance(100)
    }
    for (const { events, rate } of senders) {
      expect(events).toBeLessThanOrEqual(rate.burst + rate.eps * seconds)
    }
    const total = senders.reduce((sum, { events }) => sum + events, 0)
    expect(total).toBeGreaterThan(0)
  })

  it('does not let a refused slow sender slow down those it shares a bucket with', () => {
    const clock = createManualClock()
    const limiter = createMemoryLimiter({ maxKeys: 1, clock })
    limiter.consume('first', 1, { eps: 1e-6, burst: 1 })
    const fast = { eps: 100, burst: 100 }
    limiter.consume('fast', 100, fast)
    for (let i = 0; i < 2_000; i++) {
      const result = limiter.consume(`slow${i}`, 1, { eps: 0.001, burst: 0.5 })
      if (result.allowed) continue
      // This one shares the bucket: the next call of the fast sender must find it drained at its own rate.
      clock.advance(1_000)
      expect(limiter.consume('fast', 100, fast).allowed).toBe(true)
      return
    }
    expect.unreachable('no sender shared the bucket')
  })

  it('moves what a sender owes along when it gets a bucket of its own', () => {
    const clock = createManualClock()
    const limiter = createMemoryLimiter({ maxKeys: 1, clock })
    const rate = { eps: 0.01, burst: 10 }
    limiter.consume('first', 1, { eps: 1, burst: 1 })
    expect(limiter.consume('second', 10, rate).allowed).toBe(true)
    clock.advance(1_000)
    expect(limiter.consume('second', 1, rate).allowed).toBe(false)
    clock.advance(99_000)
    expect(limiter.consume('second', 1, rate).allowed).toBe(true)
  })

  it('remembers nothing of a call that throws', () => {
    const limiter = createMemoryLimiter({ maxKeys: 1, clock: createManualClock() })
    expect(() => limiter.consume('a', Number.NaN, { eps: 1, burst: 1 })).toThrow(RangeError)
    expect(limiter.consume('b', 1, { eps: 1, burst: 2 }).remaining).toBe(1)
    expect(limiter.consume('a', 1, { eps: 1, burst: 2 }).allowed).toBe(true)
  })

  it('refuses unknown options and bad values', () => {
    for (const options of [
      { maxKey: 5 },
      { maxKeys: 0 },
      { maxKeys: 1.5 },
      { maxKeys: 2e7 },
      { maxKeys: '5' },
      { clock: {} },
      { clock: null },
    ]) {
      expect(() => createMemoryLimiter(options as never)).toThrow(ConfigError)
    }
    expect(() => createMemoryLimiter({})).not.toThrow()
    expect(() => createMemoryLimiter({ maxKeys: undefined })).not.toThrow()
  })
})
