import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createConnectionPool } from '../../../src/stores/sql/connection-pool.ts'

/** A server that answers no attempt until it is told to. */
function createPool(deadlineMs: number) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const open: { succeed(): void; fail(error: unknown): void }[] = []
  let made = 0
  const pool = createConnectionPool<object>({
    connect: (over) =>
      new Promise((resolve, reject) => {
        const ended = () => open.splice(open.indexOf(attempt), 1)
        const attempt = {
          succeed() {
            ended()
            resolve({ number: ++made })
          },
          fail(error: unknown) {
            ended()
            reject(error)
          },
        }
        open.push(attempt)
        const fake = { destroy: attempt.fail, ref() {}, unref() {} }
        over(Object.assign(new EventEmitter(), fake) as unknown as Socket)
      }),
    rest() {},
    wake() {},
    end() {},
    deadlineMs,
  })
  const borrow = () => pool.borrow().catch((error: Error) => error.message)
  return { pool, borrow, open }
}

it('hands a late connection to whoever waits by then, or keeps it for the next', async () => {
  const { borrow, open } = createPool(1_000)
  const first = borrow()
  await vi.advanceTimersByTimeAsync(1_001)
  expect(await first).toBe('The database did not take a connection in time.')
  const second = borrow()
  expect(open).toHaveLength(2)
  open[0]?.succeed()
  expect(await second).toEqual({ number: 1 })
  open[0]?.succeed()
  await vi.advanceTimersByTimeAsync(1)
  expect(await borrow()).toEqual({ number: 2 })
})

it('gives an attempt up after ten seconds, and makes at most four at once', async () => {
  const { borrow, open } = createPool(1_000)
  for (let second = 0; second < 9; second++) {
    borrow()
    await vi.advanceTimersByTimeAsync(1_001)
    expect(open.length).toBeLessThanOrEqual(4)
  }
  const [oldest] = open
  await vi.advanceTimersByTimeAsync(1_000)
  expect(open).not.toContain(oldest)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(open).toEqual([])
})

it('tells each who waits why the server refuses', async () => {
  const { borrow, open } = createPool(15_000)
  const waiting = [borrow(), borrow()]
  for (const attempt of [...open]) attempt.fail(new Error('refused'))
  expect(await Promise.all(waiting)).toEqual(['refused', 'refused'])
})

it('waits for a connection that is in use, where the server takes no more', async () => {
  const { pool, borrow, open } = createPool(15_000)
  const first = borrow()
  open[0]?.succeed()
  const connection = (await first) as object
  const second = borrow()
  open[0]?.fail({ code: '53300' })
  await vi.advanceTimersByTimeAsync(100)
  pool.giveBack(connection, false)
  expect(await second).toBe(connection)
})

it('waits for a connection that is being made, where the server takes no more', async () => {
  const { pool, borrow, open } = createPool(15_000)
  const [first, second] = [borrow(), borrow()]
  open[0]?.fail({ code: '53300' })
  await vi.advanceTimersByTimeAsync(100)
  open[0]?.succeed()
  const connection = (await first) as object
  pool.giveBack(connection, false)
  expect(await second).toBe(connection)
})

it('tells each who waits that the server takes no more', async () => {
  const { borrow, open } = createPool(15_000)
  const waiting = [borrow(), borrow(), borrow()]
  const full = Object.assign(new Error('full'), { code: '53300' })
  for (const attempt of [...open]) attempt.fail(full)
  expect(await Promise.all(waiting)).toEqual(['full', 'full', 'full'])
  expect(open).toEqual([])
})

it('ends without waiting for connections whose socket is the driver’s own', async () => {
  const pool = createConnectionPool<object>({
    connect: async () => ({}),
    rest() {},
    wake() {},
    end() {},
    deadlineMs: 1_000,
  })
  pool.giveBack(await pool.borrow(), false)
  await pool.end()
})

/** Connections that nobody answers any more. Each is its socket. */
function createSilentPool() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const open = new Set<Socket>()
  const refuse = { new: false }
  const pool = createConnectionPool<Socket>({
    async connect(over) {
      const fake = Object.assign(new EventEmitter(), {
        destroyed: false,
        destroy() {
          fake.destroyed = true
          open.delete(made)
          setImmediate(() => fake.emit('close'))
        },
        ref() {},
        unref() {},
      })
      const made = over(fake as unknown as Socket)
      if (refuse.new) throw Object.assign(new Error('full'), { code: '53300' })
      open.add(made)
      return made
    },
    rest() {},
    wake() {},
    end() {},
    deadlineMs: 15_000,
    idleMs: 10_000,
  })
  const fill = async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => pool.borrow()))
    for (const one of all) pool.giveBack(one, false)
    return all
  }
  return { pool, open, fill, refuse }
}

it('cuts off what was idle for long and does not end', async () => {
  const { fill, open } = createSilentPool()
  await fill()
  await vi.advanceTimersByTimeAsync(10_100)
  expect(open.size).toBe(4)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(open.size).toBe(0)
})

it('waits for the end of no other connection to make one', async () => {
  const { pool, fill, open } = createSilentPool()
  const old = await fill()
  await vi.advanceTimersByTimeAsync(10_100)
  const made = await Promise.all([pool.borrow(), pool.borrow()])
  expect(old).not.toContain(made[0])
  expect(open.size).toBe(4)
})

it('takes no connection that is being ended for one that comes back', async () => {
  const { pool, fill, refuse } = createSilentPool()
  await fill()
  await vi.advanceTimersByTimeAsync(10_100)
  refuse.new = true
  await expect(pool.borrow()).rejects.toThrow('full')
})

it('hands out no idle connection that was cut off in this moment', async () => {
  const { pool, fill } = createSilentPool()
  const all = await fill()
  for (const one of all) one.destroy()
  expect(all).not.toContain(await pool.borrow())
})
