import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createWriteKeys } from '../src/index.ts'
import type { FleetStore } from '../src/stores/fleet-store.ts'
import { shareMemory } from './cache/shared-memory.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Keys in a store that others share, and that refuses everything once it was closed. */
function setUp() {
  const leaseMs = 2_000
  const { store } = shareMemory({ leaseMs })
  const { poll } = store
  const state = { isAway: false }
  let isClosed = false
  const told: string[] = []
  const events: string[] = []
  const refuseClosed = () => {
    if (isClosed) throw new Error('This store has been closed.')
  }
  store.poll = async (question) => {
    refuseClosed()
    if (state.isAway) throw new Error('away')
    return poll(question)
  }
  store.close = async () => {
    isClosed = true
    told.push('store closed')
  }
  const fleet = {
    ...(store.fleet as FleetStore),
    claim: async () => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      refuseClosed()
      return true
    },
  }
  const keys = createWriteKeys({
    store: Object.assign(store, { fleet }),
    cache: { leaseMs },
    logger: false,
    onEvent: (event) =>
      events.push(event.type === 'store_error' ? `${event.part}: ${event.error.message}` : event.type),
  })
  return { keys, told, events, state }
}

it('waits for a revocation that is in its wait, and then closes the store', async () => {
  const { keys, told } = setUp()
  const { id } = (await keys.create({ name: 'Leaked', sourceType: 'server' })).writeKey
  keys.revoke(id).then(
    () => told.push('revoked'),
    () => told.push('rejected'),
  )
  await vi.advanceTimersByTimeAsync(300)
  void keys.close().then(() => told.push('closed'))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(told).toEqual(['revoked', 'store closed', 'closed'])
})

it('waits for three seconds: then a revocation rejects at once', async () => {
  const { keys, told, state } = setUp()
  const { id } = (await keys.create({ name: 'Leaked', sourceType: 'server' })).writeKey
  keys.revoke(id).catch((error: Error) => told.push(error.message))
  await vi.advanceTimersByTimeAsync(300)
  state.isAway = true
  void keys.close().then(() => told.push('closed'))
  await vi.advanceTimersByTimeAsync(2_900)
  expect(told).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  expect(told).toEqual([
    'The change is stored, but the store went away before it was known whether it lasts. Ask for it again.',
    'store closed',
    'closed',
  ])
  expect(vi.getTimerCount()).toBe(0)
})

it('tells no outage of what was cut off by it', async () => {
  const { keys, events } = setUp()
  await keys.create({ name: 'Shop', sourceType: 'server' })
  // The change is told a second later: whether this process may is asked for just before the store closes.
  await vi.advanceTimersByTimeAsync(1_050)
  void keys.close()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(events).toEqual([])
})
