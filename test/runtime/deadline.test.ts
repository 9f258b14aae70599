import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { atDeadline, withDeadline } from '../../src/runtime/deadline.ts'

const never = new Promise<string>(() => {})

describe('a deadline', () => {
  it('gives what comes in time, also from a thenable of another library', async () => {
    // biome-ignore lint/suspicious/noThenProperty: promises of other libraries have one
    const thenable = { then: (resolve: (value: string) => void) => void setTimeout(resolve, 1, 'in time') }
    expect(await withDeadline(thenable as unknown as Promise<string>, 1_000)).toBe('in time')
    expect(await withDeadline('at once', 1)).toBe('at once')
  })

  it('passes a failure on', async () => {
    await expect(withDeadline(Promise.reject(new Error('broken')), 1_000)).rejects.toThrow('broken')
  })

  it('ends a wait: store_timeout, or what the caller says', async () => {
    await expect(withDeadline(never, 5)).rejects.toMatchObject({ code: 'store_timeout' })
    expect(await withDeadline(never, 5, () => 'instead')).toBe('instead')
    const late = () => {
      throw new Error('late')
    }
    await expect(withDeadline(never, 5, late)).rejects.toThrow('late')
  })

  it('takes what has arrived while the process was stalled', async () => {
    const arrived = pause(1, 'arrived')
    const answer = withDeadline(arrived, 5)
    const end = performance.now() + 30
    while (performance.now() < end);
    expect(await answer).toBe('arrived')
  })

  it('is cancelled also between its end and its call', async () => {
    let calls = 0
    const cancel = atDeadline(1, () => calls++)
    setTimeout(() => cancel(), 1)
    await pause(10)
    expect(calls).toBe(0)
  })
})
