import { EventEmitter } from 'node:events'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type ListeningClient, listenForChanges } from '../../../src/stores/sql/postgres-listener.ts'

/** Answers, until nobody hears of it any more: then not even its end is answered. */
function createClient() {
  const stream = Object.assign(new EventEmitter(), {
    isOpen: true,
    destroy() {
      stream.isOpen = false
    },
  })
  const state = { isSilent: false }
  const answer = () => (state.isSilent ? new Promise<void>(() => {}) : Promise.resolve())
  const methods = {
    connect: answer,
    query: answer,
    end: () => new Promise<void>(() => {}),
    connection: { stream },
  }
  const client = Object.assign(new EventEmitter(), methods) as unknown as ListeningClient
  return { client, stream, state }
}

async function listen() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const made: ReturnType<typeof createClient>[] = []
  const listening = listenForChanges(
    () => {
      made.push(createClient())
      return (made.at(-1) as ReturnType<typeof createClient>).client
    },
    'changes',
    { onChange() {}, onLost() {}, onRestored() {} },
  )
  await vi.advanceTimersByTimeAsync(1)
  const [first] = made
  if (first === undefined) throw new Error('no client')
  return { listening, first, made }
}

it('cuts off a connection that does not end', async () => {
  const { listening, first } = await listen()
  void listening.stop()
  await vi.advanceTimersByTimeAsync(900)
  expect(first.stream.isOpen).toBe(true)
  await vi.advanceTimersByTimeAsync(200)
  expect(first.stream.isOpen).toBe(false)
})

it('cuts off a connection that answers no more, and makes another one', async () => {
  const { first, made } = await listen()
  first.state.isSilent = true
  await vi.advanceTimersByTimeAsync(15_000)
  expect(first.stream.isOpen).toBe(false)
  expect(made).toHaveLength(2)
})

it('keeps no process running, not even while it connects', async () => {
  const begin = vi.spyOn(globalThis, 'setTimeout')
  const { client } = createClient()
  let holds = true
  const unref = () => {
    holds = false
  }
  const connect = () => new Promise<void>(() => {})
  const listening = listenForChanges(() => Object.assign(client, { connect, unref }), 'changes', {
    onChange() {},
    onLost() {},
    onRestored() {},
  })
  await new Promise(setImmediate)
  expect(begin.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false])
  expect(holds).toBe(false)
  begin.mockRestore()
  await listening.stop()
})
