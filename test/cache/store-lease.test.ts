import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createStoreLease } from '../../src/cache/store-lease.ts'
import { settle } from './stored-records.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function setUp(answer: () => void | Promise<void>) {
  let asked = 0
  const told: unknown[] = []
  const lease = createStoreLease(
    () => {
      asked++
      return answer()
    },
    { began: (error) => told.push(error), ended: () => told.push('ended') },
  )
  /** Says that a question begins, and how often the lease has been given by then. */
  const see = async () => {
    lease.see()
    await settle()
    return asked
  }
  return { see, told }
}

describe("the application's lease", () => {
  it('is given to the store once', async () => {
    const { see, told } = setUp(() => {})
    expect(await see()).toBe(1)
    vi.advanceTimersByTime(3_600_000)
    expect(await see()).toBe(1)
    expect(told).toEqual(['ended'])
  })

  it('is given again a minute after it was refused', async () => {
    const refusal = new Error('read-only')
    let answer = () => Promise.reject(refusal)
    const { see, told } = setUp(() => answer())
    expect(await see()).toBe(1)
    vi.advanceTimersByTime(59_999)
    expect(await see()).toBe(1)
    vi.advanceTimersByTime(1)
    expect(await see()).toBe(2)
    answer = () => Promise.resolve() as Promise<never>
    vi.advanceTimersByTime(60_000)
    expect(await see()).toBe(3)
    vi.advanceTimersByTime(60_000)
    expect(await see()).toBe(3)
    expect(told).toEqual([refusal, refusal, 'ended'])
  })

  it('is not given while the last attempt is under way', async () => {
    const { see, told } = setUp(() => new Promise(() => {}))
    expect([await see(), await see()]).toEqual([1, 1])
    expect(told).toEqual([])
  })

  it('need not be there', async () => {
    const told: unknown[] = []
    createStoreLease(undefined, { began: (error) => told.push(error), ended: () => told.push('ended') }).see()
    await settle()
    expect(told).toEqual(['ended'])
  })
})
