import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { guardListener } from '../../adapters/node.ts'
import { createMemoryStore, createWriteKeys, type WriteKeys } from '../../src/index.ts'
import type { UsageStore } from '../../src/stores/usage-store.ts'
import { serve } from '../neighbours/served.ts'
import { createSignal } from '../signal.ts'
import { holdEvents } from './held-events.ts'
import { apps } from './ingest-apps.ts'

afterEach(() => void vi.useRealTimers())

const guarded = (keys: WriteKeys, listener: Parameters<typeof serve>[0]) =>
  guardListener(listener, keys, { path: '/in' })

const mounted = apps
  .flatMap(([name, create]) => [false, true].map((isGuarded) => ({ name, create, isGuarded })))
  // A web-standard request does not say which of Node's it was made of.
  .filter(({ name, isGuarded }) => name !== 'fetch' || !isGuarded)

it.each(mounted)(
  'on $name, behind a guard: $isGuarded, close() waits for onEvents and counts its events',
  async ({ create, isGuarded }) => {
    const { keys, api, order, dropped, begun, go, close, id, authorization } = await holdEvents()
    const app = await create(api, (end) => onTestFinished(async () => void (await end())))
    const { url, close: stop } = await serve(isGuarded ? guarded(keys, app) : app)
    onTestFinished(stop)
    const sent = fetch(`${url}/in/v1/track`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"event":"Signed Up","userId":"42"}',
    })
    await begun.promise
    const closing = close()
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    go.resolve()
    expect((await sent).status).toBe(200)
    await closing
    expect(order).toEqual(['handled', 'counted', 'closed'])
    expect(dropped).toEqual([])
    expect((await keys.usage(id)).acceptedTotal).toBe(1)
  },
)

it('tells how many events onEvents still has when close() stops waiting, and counts none of them later', async () => {
  const { api, order, dropped, begun, go, close, authorization } = await holdEvents()
  const route = api.find('/v1/batch')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const answer = api.answer(route as NonNullable<typeof route>, {
    method: 'POST',
    path: '/v1/batch',
    headers: { authorization },
    body: { batch: ['a', 'b', 'c'].map((event) => ({ type: 'track', event })) },
  })
  await begun.promise
  const closing = close()
  await vi.advanceTimersByTimeAsync(3_000)
  await closing
  expect(dropped).toEqual([{ type: 'usage_dropped', events: 3, refusals: 0 }])
  go.resolve()
  expect((await answer)?.reply.status).toBe(200)
  expect(order).toEqual(['closed', 'handled'])
  expect(dropped).toHaveLength(1)
})

it('counts at once, when closing, what guards have let through to handlers that answer later', async () => {
  const order: string[] = []
  const keys = createWriteKeys({ logger: false, onEvent: ({ type }) => void order.push(type) })
  const { key, writeKey } = await keys.create({ name: 'Sender', sourceType: 'other' })
  const begun = createSignal()
  const inner = guardListener(() => begun.resolve(), keys, { path: '/in' })
  const { url, close } = await serve(guarded(keys, inner))
  onTestFinished(close)
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  fetch(`${url}/in/track`, { method: 'POST', headers, body: '{"event":"a"}' }).catch(() => {})
  await begun.promise
  expect(order).toEqual([])
  await keys.close()
  expect(order).toEqual(['accepted'])
  expect((await keys.usage(writeKey.id)).acceptedTotal).toBe(1)
})

it('flush() waits five seconds at most for a store that hangs, and keeps what was counted', async () => {
  const store = createMemoryStore()
  const usage = store.usage as UsageStore
  const add: UsageStore['add'] = () => new Promise(() => {})
  const keys = createWriteKeys({ logger: false, store: { ...store, usage: { ...usage, add } } })
  const { key } = await keys.create({ name: 'Sender', sourceType: 'other' })
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  await keys.verify({ method: 'POST', path: '/v1/track', headers, body: { event: 'a' } })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let isDone = false
  const flushed = keys.flush().then(() => {
    isDone = true
  })
  await vi.advanceTimersByTimeAsync(4_900)
  expect(isDone).toBe(false)
  await vi.advanceTimersByTimeAsync(100)
  await flushed
  expect((await keys.health()).usage.unsent).toBe(1)
})
