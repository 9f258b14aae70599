import { describe, expect, it, vi } from 'vitest'
import { createHandlerTurns, type HandlerTurns } from '../../src/verifier/handler-turns.ts'

/** Microtasks between a verdict and its handler, as adapters have them. */
const microtasks = 12

/** A request that comes to the gate after a wait, and notes there and in its handler. */
async function pass(turns: HandlerTurns, notes: string[], name: string) {
  await undefined
  await turns.take(true)
  notes.push(`${name} is looked at`)
  await some(microtasks)
  notes.push(`${name} is handled`)
}

async function some(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await undefined
}

/** When nothing is left that was begun together. */
const nextRound = () => new Promise((resolve) => setImmediate(resolve))

const withTick = (nextTick: typeof process.nextTick) => () => createHandlerTurns(nextTick)
const ways: Record<string, () => HandlerTurns> = {
  'in Node': () => createHandlerTurns(),
  'where nextTick is one more microtask': withTick((call, ...args: unknown[]) =>
    queueMicrotask(() => call(...args)),
  ),
  'where nextTick calls nothing': withTick(() => {}),
  'where nextTick calls at once': withTick((call, ...args: unknown[]) => call(...args)),
  'where there is no nextTick': () => {
    vi.stubGlobal('process', undefined)
    try {
      return createHandlerTurns()
    } finally {
      vi.unstubAllGlobals()
    }
  },
}

describe.each(Object.entries(ways))('turns of handlers, %s', (_, create) => {
  it('looks at each request when the handler of the one before has started', async () => {
    const turns = create()
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
    const turns = create()
    for (let round = 0; round < 3; round++) {
      await undefined
      expect(turns.take(true)).toBeUndefined()
      await nextRound()
    }
  })

  it('ends the turn of a request that has not waited at the next microtask', async () => {
    const turns = create()
    for (let round = 0; round < 3; round++) {
      expect(turns.take(false)).toBeUndefined()
      await undefined
      expect(turns.take(false)).toBeUndefined()
      await nextRound()
    }
  })

  it('leaves a request that has not waited a whole turn when another comes meanwhile', async () => {
    const turns = create()
    for (let round = 0; round < 3; round++) {
      const notes: string[] = []
      expect(turns.take(false)).toBeUndefined()
      const next = turns.take(true)?.then(() => notes.push('the next is looked at'))
      await some(microtasks)
      notes.push('the first is handled')
      await next
      expect(notes).toEqual(['the first is handled', 'the next is looked at'])
      await nextRound()
    }
  })
})

describe('turns of handlers', () => {
  /** Turns that know that ticks come last, and ticks that wait for `tick`. */
  async function startWithTicks() {
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
    return { turns, tick: () => ticks.shift()?.() }
  }

  it('end by the tick of their own request only', async () => {
    const { turns, tick } = await startWithTicks()
    // The turn of the first ends by counting, as somebody waits; the third has a turn of its own.
    turns.take(true)
    await turns.take(true)
    await nextRound()
    expect(turns.take(true)).toBeUndefined()
    tick()
    expect(turns.take(true)).toBeInstanceOf(Promise)
  })

  it('end by no count of microtasks where ticks come last and nobody waits', async () => {
    const { turns, tick } = await startWithTicks()
    turns.take(true)
    await some(100)
    expect(turns.take(true)).toBeInstanceOf(Promise)
    await nextRound()
    tick()
  })

  it('end by no tick while somebody waits', async () => {
    const { turns, tick } = await startWithTicks()
    turns.take(true)
    const second = turns.take(true)
    tick()
    expect(turns.take(true)).toBeInstanceOf(Promise)
    await second
  })
})
