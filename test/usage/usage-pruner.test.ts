import { expect, it, onTestFinished, vi } from 'vitest'
import type { UsageStore } from '../../src/stores/usage-store.ts'
import { createManualClock } from '../../src/testing/index.ts'
import { createUsagePruner } from '../../src/usage/usage-pruner.ts'

function start(prune: () => boolean) {
  const clock = createManualClock()
  const errors: unknown[] = []
  let calls = 0
  const store = {
    prune: async () => {
      calls++
      return prune()
    },
  } as unknown as UsageStore
  const pruner = createUsagePruner({
    store,
    clock,
    retentionMs: 1,
    onStoreError: (error) => errors.push(error),
  })
  /** How often the store is asked at this moment. */
  async function ask(): Promise<number> {
    const before = calls
    pruner.runIfDue()
    await new Promise((resolve) => setImmediate(resolve))
    return calls - before
  }
  return { clock, errors, ask }
}

it('prunes once an hour', async () => {
  const { clock, ask } = start(() => false)
  expect(await ask()).toBe(1)
  clock.advance(3_599_000)
  expect(await ask()).toBe(0)
  clock.advance(1_000)
  expect(await ask()).toBe(1)
})

it('tries again a second after an error, later after each further one, and at least once a minute', async () => {
  let isBusy = true
  const { clock, errors, ask } = start(() => {
    if (isBusy) throw new Error('database is locked')
    return false
  })
  expect(await ask()).toBe(1)
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    clock.advance(pauseMs - 1)
    expect(await ask()).toBe(0)
    clock.advance(1)
    expect(await ask()).toBe(1)
  }
  expect(errors).toHaveLength(9)
  isBusy = false
  clock.advance(60_000)
  expect(await ask()).toBe(1)
  clock.advance(60_000)
  expect(await ask()).toBe(0)
})

it('goes on after a pause whose timer never fires', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  let parts = 3
  const { clock, ask } = start(() => --parts > 0)
  expect(await ask()).toBe(1)
  clock.advance(19)
  expect(await ask()).toBe(0)
  clock.advance(1)
  expect(await ask()).toBe(1)
  clock.advance(20)
  expect(await ask()).toBe(1)
  clock.advance(3_600_000)
  expect(await ask()).toBe(1)
})
