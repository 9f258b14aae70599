import { describe, expect, it } from 'vitest'
import { createHandlerTurns } from '../../src/verifier/handler-turns.ts'

/** Microtasks between a verdict and its handler, as adapters have them. */
const microtasks = 12

/** A request that comes to the gate after a wait, and notes there and in its handler. */
async function pass(turns: ReturnType<typeof createHandlerTurns>, notes: string[], name: string) {
  await undefined
  await turns.take(true)
  notes.push(`${name} is looked at`)
  for (let index = 0; index < microtasks; index++) await undefined
  notes.push(`${name} is handled`)
}

/** When nothing is left that was begun together. */
const nextRound = () => new Promise((resolve) => setImmediate(resolve))

const ways: Record<string, typeof process.nextTick> = {
  'in Node': process.nextTick,
  'where nextTick is one more microtask': (call, ...args: unknown[]) => queueMicrotask(() => call(...args)),
  'where nextTick calls nothing': () => {},
  'where nextTick calls at once': (call, ...args: unknown[]) => call(...args),
}

describe.each(Object.entries(ways))('turns of handlers, %s', (_, nextTick) => {
  it('looks at each request when the handler of the one before has started', async () => {
    const turns = createHandlerTurns(nextTick)
    for (let round = 0; round < 4; round++) {
      const notes: string[] = []
      await Promise.all(['a', 'b', 'c'].map((name) => pass(turns, notes, name)))
      expect(notes).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} is looked at`, `${name} is handled`]))
      await nextRound()
      const alone: string[] = []
      await pass(turns, alone, 'd')
      expect(alone).toEqual(['d is looked at', 'd is handled'])
      await nextRound()
    }
  })

  it('gives a turn at once to a request that comes after the others are done', async () => {
    const turns = createHandlerTurns(nextTick)
    for (let round = 0; round < 3; round++) {
      await undefined
      expect(turns.take(true)).toBeUndefined()
      await nextRound()
    }
  })
})

describe('turns of handlers', () => {
  it('end by the tick of their own request only', async () => {
    const ticks: (() => void)[] = []
    let isKept = false
    const turns = createHandlerTurns((call, ...args: unknown[]) => {
      if (isKept) ticks.push(() => call(...args))
      else process.nextTick(call, ...args)
    })
    await undefined
    turns.take(true)
    await nextRound()
    isKept = true
    // The turn of the first ends by counting, as somebody waits; the third has a turn of its own.
    turns.take(true)
    await turns.take(true)
    await nextRound()
    expect(turns.take(true)).toBeUndefined()
    ticks.shift()?.()
    expect(turns.take(true)).toBeInstanceOf(Promise)
  })
})
