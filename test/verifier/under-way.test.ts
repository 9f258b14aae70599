import { afterEach, describe, expect, it, vi } from 'vitest'
import type { UndecidedCount } from '../../src/verifier/undecided-count.ts'
import { createUnderWay } from '../../src/verifier/under-way.ts'

afterEach(() => {
  vi.useRealTimers()
})

function setUp() {
  let nowMs = 1
  const underWay = createUnderWay(() => nowMs)
  const accepted: number[] = []
  const leaveOpen = (events: number, isAtEndpoint: boolean) => {
    const count: UndecidedCount = {
      isAtEndpoint,
      events,
      accept: () => {
        if (underWay.decide(count)) accepted.push(events)
      },
    }
    underWay.leaveOpen(count)
    return count
  }
  let isOver = false
  const end = async (deadlineMs = 1_000) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    void underWay.ended(deadlineMs).then(() => {
      isOver = true
    })
    await settle()
  }
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { ...underWay, accepted, leaveOpen, pass, end, isOver: () => isOver }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}

describe('what is under way', () => {
  it('is over at once when nothing is', async () => {
    const { end, isOver } = setUp()
    await end()
    expect(isOver()).toBe(true)
  })

  it('is over when the last verification has its verdict and the last request is decided', async () => {
    const { enter, leave, leaveOpen, decide, end, isOver } = setUp()
    enter()
    enter()
    const counts = [leaveOpen(1, true), leaveOpen(2, true)]
    await end()
    for (const step of [leave, () => decide(counts[0] as UndecidedCount), leave]) {
      step()
      await settle()
      expect(isOver()).toBe(false)
    }
    decide(counts[1] as UndecidedCount)
    await settle()
    expect(isOver()).toBe(true)
  })

  it('is over when requests are decided and then a verification ends', async () => {
    const { enter, leave, leaveOpen, decide, end, isOver } = setUp()
    enter()
    const count = leaveOpen(1, true)
    await end()
    decide(count)
    await settle()
    expect(isOver()).toBe(false)
    leave()
    await settle()
    expect(isOver()).toBe(true)
  })

  it.each([
    ['a verification', (parts: ReturnType<typeof setUp>) => parts.enter()],
    ['a request', (parts: ReturnType<typeof setUp>) => void parts.leaveOpen(1, true)],
  ])('is %s alone, too', async (_, begin) => {
    const parts = setUp()
    begin(parts)
    await parts.end()
    expect(parts.isOver()).toBe(false)
  })

  it('is waited for until a deadline', async () => {
    const { leaveOpen, end, isOver } = setUp()
    leaveOpen(1, true)
    await end(1_000)
    vi.advanceTimersByTime(999)
    await settle()
    expect(isOver()).toBe(false)
    vi.advanceTimersByTime(1)
    await settle()
    expect(isOver()).toBe(true)
  })

  it('is decided once', () => {
    const { leaveOpen, decide } = setUp()
    const count = leaveOpen(1, true)
    expect([decide(count), decide(count)]).toEqual([true, false])
  })

  it('is accepted after ten minutes, when another request comes, whoever has it', () => {
    const { leaveOpen, pass, accepted, giveUp } = setUp()
    leaveOpen(1, true)
    leaveOpen(2, false)
    pass(1)
    leaveOpen(4, true)
    pass(599_998)
    leaveOpen(8, true)
    expect(accepted).toEqual([])
    pass(1)
    leaveOpen(16, true)
    expect(accepted).toEqual([1, 2])
    pass(600_000)
    leaveOpen(32, true)
    expect(accepted).toEqual([1, 2, 4, 8, 16])
    expect(giveUp()).toBe(32)
  })

  it('is counted where guards have let it through, and given up where endpoints have it', () => {
    const { leaveOpen, countPassed, giveUp, accepted } = setUp()
    leaveOpen(1, false)
    leaveOpen(20, true)
    leaveOpen(4, false)
    leaveOpen(30, true)
    countPassed()
    expect(accepted).toEqual([1, 4])
    expect([giveUp(), giveUp()]).toEqual([50, 0])
  })
})
