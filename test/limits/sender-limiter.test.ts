import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import { createSenderLimiter, markOf } from '../../src/limits/sender-limiter.ts'
import { type IpAddress, parseIpAddress } from '../../src/rules/ip-address.ts'

const dayMs = 86_400_000

function start(uptimeMs = 0) {
  let ms = uptimeMs
  return {
    limiter: createSenderLimiter({ monotonic: () => ms }),
    wait(forMs: number) {
      ms += forMs
    },
  }
}

const mark = markOf('wk_0123456789abcdef')
const address = (text: string) => parseIpAddress(text) as IpAddress
const rate = { eps: 10, burst: 10 }

describe('the mark of a key', () => {
  it('is FNV-1a in 32 bits', () => {
    expect(['', 'a', 'foobar'].map((id) => markOf(id) >>> 0)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968])
  })
})

describe('the share of a sender', () => {
  it('admits the rate, refuses beyond it, and admits again after the time that it names', () => {
    const { limiter, wait } = start()
    const ask = (cost = 1) => limiter.consume(mark, address('203.0.113.7'), cost, rate)
    for (let event = 0; event < 10; event++)
      expect(ask()).toMatchObject({ allowed: true, remaining: 9 - event })
    expect(ask()).toEqual({ allowed: false, remaining: 0, retryAfterMs: 100, resetMs: 1_000 })
    expect(ask(3)).toMatchObject({ allowed: false, retryAfterMs: 300 })
    wait(299)
    expect(ask(3).allowed).toBe(false)
    wait(1)
    expect(ask(3).allowed).toBe(true)
  })

  it('admits a batch above the bucket when the bucket is full, to be paid for afterwards', () => {
    const { limiter, wait } = start()
    const ask = (cost: number) => limiter.consume(mark, address('203.0.113.7'), cost, rate)
    expect(ask(25).allowed).toBe(true)
    expect(ask(1)).toMatchObject({ allowed: false, retryAfterMs: 1_600 })
    wait(1_600)
    expect(ask(1).allowed).toBe(true)
  })

  it('is one for the /64 of an IPv6 address, and another for every other address and key', () => {
    const { limiter } = start()
    const all = { eps: 1, burst: 1 }
    const [own, other] = [markOf('wk_0123456789abcdef'), markOf('wk_fedcba9876543210')]
    const ask = (text: string, key = own) => limiter.consume(key, address(text), 1, all).allowed
    expect(ask('2001:db8::1')).toBe(true)
    expect(ask('2001:db8::ffff:1')).toBe(false)
    expect(ask('2001:db8:0:1::1')).toBe(true)
    expect(ask('203.0.113.7')).toBe(true)
    expect(ask('203.0.113.8')).toBe(true)
    expect(ask('::ffff:203.0.113.7')).toBe(false)
    expect(ask('203.0.113.7', other)).toBe(true)
  })

  it('names a time that suffices, for a rate that is no whole number, too', () => {
    const { limiter, wait } = start()
    const ask = () =>
      limiter.consume(mark, address('203.0.113.7'), 1, { eps: 1_000_000 / 1_000.0018, burst: 1 })
    expect(ask().allowed).toBe(true)
    expect(ask()).toEqual({ allowed: false, remaining: 0, retryAfterMs: 2, resetMs: 2 })
    wait(1)
    expect(ask().allowed).toBe(false)
    wait(1)
    expect(ask().allowed).toBe(true)
  })

  it('gives back what was charged', () => {
    const { limiter } = start()
    const from = address('203.0.113.7')
    limiter.consume(mark, from, 10, rate)
    limiter.refund(mark, from, 4, rate)
    expect(limiter.consume(mark, from, 4, rate)).toMatchObject({ allowed: true, remaining: 0 })
    expect(limiter.peek(mark, from, 2, rate)).toMatchObject({ allowed: false, retryAfterMs: 200 })
  })

  it('tells what is left and when there is more, without charging', () => {
    const { limiter, wait } = start()
    const from = address('203.0.113.7')
    const peek = (cost = 1) => limiter.peek(mark, from, cost, rate)
    expect(peek()).toEqual({ allowed: true, remaining: 10, retryAfterMs: 0, resetMs: 0 })
    limiter.consume(mark, from, 9, rate)
    expect(peek()).toEqual({ allowed: true, remaining: 1, retryAfterMs: 0, resetMs: 900 })
    limiter.consume(mark, from, 1, rate)
    for (const [cost, retryAfterMs] of [
      [1, 100],
      [4, 400],
      [10, 1_000],
      [11, 1_000],
    ] as const)
      expect(peek(cost)).toEqual({ allowed: false, remaining: 0, retryAfterMs, resetMs: 1_000 })
    wait(50)
    expect(peek()).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 50 })
    wait(50)
    expect(peek()).toMatchObject({ allowed: true, remaining: 1, retryAfterMs: 0 })
    expect(peek(4)).toMatchObject({ allowed: true, remaining: 1, retryAfterMs: 300 })
  })

  it('has room for one event in a full bucket that holds less', () => {
    const { limiter, wait } = start()
    const half = { eps: 0.5, burst: 0.5 }
    const ask = () => limiter.consume(mark, address('203.0.113.7'), 1, half)
    expect(limiter.peek(mark, address('203.0.113.7'), 1, half)).toMatchObject({ allowed: true, remaining: 1 })
    expect(ask()).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0, resetMs: 2_000 })
    wait(1_999)
    expect(ask()).toMatchObject({ allowed: false, retryAfterMs: 1 })
    wait(1)
    expect(ask().allowed).toBe(true)
  })

  it('charges no cost that cannot be, and gives nothing back to a sender that owes nothing', () => {
    const { limiter } = start()
    const from = address('203.0.113.7')
    for (const cost of [0, -1, 0.5, Number.NaN])
      expect(() => limiter.consume(mark, from, cost, rate)).toThrow(RangeError)
    limiter.refund(mark, from, 5, rate)
    expect(limiter.consume(mark, from, 10, rate)).toMatchObject({ allowed: true, remaining: 0 })
    expect(limiter.consume(mark, from, 1, rate).allowed).toBe(false)
  })

  it('goes on when the table grows: who owes still owes', () => {
    const { limiter } = start()
    expect(limiter.bytes()).toBe(43_008)
    const all = { eps: 1, burst: 1 }
    const senders = Array.from({ length: 4_000 }, (_, at) => 0x0b000000 + at * 7)
    expect(senders.filter((sender) => !limiter.consume(mark, sender, 1, all).allowed)).toEqual([])
    expect(senders.filter((sender) => limiter.peek(mark, sender, 1, all).allowed)).toEqual([])
    expect(limiter.bytes()).toBeGreaterThan(43_008)
  })

  it('is kept wherever it falls in the table', () => {
    const all = { eps: 1, burst: 1 }
    const senders = Array.from({ length: 800 }, (_, at) => 0x0b000000 + at)
    for (let table = 0; table < 12; table++) {
      const { limiter } = start()
      for (const sender of senders) limiter.consume(mark, sender, 1, all)
      expect(senders.filter((sender) => limiter.peek(mark, sender, 1, all).allowed)).toEqual([])
      for (const sender of senders) limiter.refund(mark, sender, 1, all)
      expect(senders.filter((sender) => !limiter.peek(mark, sender, 1, all).allowed)).toEqual([])
    }
  })

  it.each([0, 1, 100, 200, 400])('decides as the limiter of keys does, after %i days', (days) => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 2_000 }),
      cost: fc.integer({ min: 1, max: 15 }),
      who: fc.constantFrom('203.0.113.7', '203.0.113.8'),
      back: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0.5, 3, 7, 10), (steps, eps) => {
        let ms = days * dayMs + 0.123_456
        const own = start(ms)
        const usual = createMemoryLimiter({ clock: { now: () => ms, monotonic: () => ms } })
        const limit = { eps, burst: eps * 2 }
        for (const { waitMs, cost, who, back } of steps) {
          ms += waitMs
          own.wait(waitMs)
          const expected = usual.consume(who, cost, limit)
          const got = own.limiter.consume(mark, address(who), cost, limit)
          expect(got).toEqual(expected)
          if (!back || !got.allowed) continue
          usual.refund(who, cost)
          own.limiter.refund(mark, address(who), cost, limit)
        }
      }),
      { numRuns: 200 },
    )
  })

  it.each([0, 100, 200, 400])('admits the whole rate, one by one, after %i days', (days) => {
    const { limiter, wait } = start(days * dayMs + 0.7)
    const [from, neighbour] = [address('203.0.113.7'), address('203.0.113.8')]
    for (const eps of [3, 30, 700, 3_000]) {
      const all = { eps, burst: eps }
      const ask = () => limiter.consume(markOf(`wk_${eps}`), from, 1, all)
      for (let second = 0; second < 3; second++) {
        for (let event = 0; event < eps; event++)
          expect([event, ask()]).toEqual([
            event,
            expect.objectContaining({ allowed: true, remaining: eps - 1 - event }),
          ])
        expect(ask()).toMatchObject({ allowed: false, retryAfterMs: Math.ceil(1_000 / eps), resetMs: 1_000 })
        expect(limiter.peek(markOf(`wk_${eps}`), neighbour, 1, all).allowed).toBe(true)
        wait(1_000)
      }
    }
  })

  it.each([0.1, 4, 4.45, 9, 17, 1_440])(
    'admits the whole of a high rate, one by one, after %d minutes',
    (minutes) => {
      const { limiter, wait } = start()
      limiter.consume(mark, address('203.0.113.8'), 1, rate)
      wait(minutes * 60_000)
      for (const eps of [7_000, 30_000]) {
        const all = { eps, burst: eps }
        const events = Array.from({ length: eps + 1 }, () => eps)
        const admitted = events.filter(() => limiter.consume(eps, address('203.0.113.7'), 1, all).allowed)
        expect(admitted).toHaveLength(eps)
      }
    },
  )

  it('keeps what each sender owes when the origin of its times has moved', () => {
    const { limiter, wait } = start()
    const slow = { eps: 1, burst: 1_000 }
    const senders = Array.from({ length: 400 }, (_, at) => 0x0b000000 + at * 7)
    for (const [at, sender] of senders.entries()) limiter.consume(mark, sender, 500 + at, slow)
    wait(300_000)
    for (const [at, sender] of senders.entries()) {
      const owed = 200 + at
      expect(limiter.peek(mark, sender, 1, slow).resetMs).toBe(owed * 1_000)
      expect(limiter.consume(mark, sender, 1_000 - owed + 1, slow).allowed).toBe(false)
      expect(limiter.consume(mark, sender, 1_000 - owed, slow).allowed).toBe(true)
    }
  })

  it('keeps what is owed while the days go by', () => {
    const { limiter, wait } = start()
    const slow = { eps: 1, burst: 1 }
    const senders = Array.from({ length: 3_000 }, (_, at) => 0x0b000000 + at * 7)
    const yearOfEvents = 365 * 86_400
    for (const sender of senders) limiter.consume(mark, sender, yearOfEvents, slow)
    for (let day = 1; day <= 365; day++) {
      wait(dayMs - 0.5)
      expect(limiter.peek(mark, senders[day] as number, 1, slow).allowed).toBe(false)
      wait(0.5)
      const owedMs = (365 - day) * dayMs
      expect(limiter.peek(mark, senders[day] as number, 1, slow).resetMs).toBe(owedMs)
    }
    expect(senders.filter((sender) => !limiter.consume(mark, sender, 1, slow).allowed)).toEqual([])
    expect(senders.filter((sender) => limiter.consume(mark, sender, 1, slow).allowed)).toEqual([])
  })

  it('is kept for a million senders in less than 64 MB, and one that owes is not forgotten for them', () => {
    const { limiter } = start()
    const heavy = address('198.51.100.1')
    const slow = { eps: 1, burst: 1 }
    expect(limiter.consume(mark, heavy, 100, slow).allowed).toBe(true)
    let refused = 0
    for (let sender = 0; sender < 1_000_000; sender++)
      if (!limiter.consume(mark, 0x0b000000 + sender * 3, 1, slow).allowed) refused++
    expect(refused).toBe(0)
    expect(limiter.bytes()).toBeLessThan(64_000_000)
    expect(limiter.consume(mark, heavy, 1, slow).allowed).toBe(false)
    let forgotten = 0
    for (let sender = 0; sender < 10_000; sender++)
      if (limiter.consume(mark, 0x0b000000 + sender * 3, 1, slow).allowed) forgotten++
    expect(forgotten).toBeLessThan(1_000)
  })

  it('takes no more room for senders that owe nothing any more', () => {
    const { limiter, wait } = start()
    const before = limiter.bytes()
    for (let sender = 0; sender < 200_000; sender++) {
      limiter.consume(mark, 0x0b000000 + sender, 1, rate)
      wait(10)
    }
    expect(limiter.bytes()).toBe(before)
  })
})
