import { createClient } from 'redis'
import { createRedisLimiter, type RedisLimiterOptions } from '../src/redis/index.ts'

/** What one process of a fleet does: offers events for a key at a steady rate, whatever comes of them. */
export interface SenderTask {
  url: string
  prefix: string
  mode: 'leased' | 'strict'
  limiter?: Pick<RedisLimiterOptions, 'processes' | 'onOutage'>
  rate: { eps: number; burst: number }
  /** Events per second that this process offers, in requests of `cost` events. */
  offeredEps: number
  cost: number
  seconds: number
  /** How far this process's clocks are off, in milliseconds. */
  skewMs?: number
}

/** What one process saw. */
export interface SenderReport {
  offered: number
  /** Events. */
  admitted: number
  /** Requests. */
  admittedRequests: number
  errors: number
  /** Commands sent to Redis, heartbeats included. */
  commands: number
  /** Requests answered without waiting for Redis. */
  local: number
  /** Longest a request waited, less what the event loop was late by then, in milliseconds. */
  longestMs: number
  degraded: number
  /** Between the first and the last request. */
  seconds: number
}

const keyId = 'wk_fleet'
const tickMs = 5

/** Connects, says that it is ready, and works when told the wall-clock millisecond at which to start. */
export async function runSender(task: SenderTask): Promise<void> {
  const client = createClient({ url: task.url, socket: { reconnectStrategy: 100 } })
  client.on('error', () => {})
  await client.connect()
  const report: SenderReport = {
    offered: 0,
    admitted: 0,
    admittedRequests: 0,
    errors: 0,
    commands: 0,
    local: 0,
    longestMs: 0,
    degraded: 0,
    seconds: 0,
  }
  const skewMs = task.skewMs ?? 0
  const limiter = createRedisLimiter({
    // Sixteen processes on two processors stall for longer than 50 ms by themselves, which is not what is counted here.
    timeoutMs: 1_000,
    client: {
      sendCommand(args: string[]) {
        report.commands++
        return client.sendCommand(args)
      },
    },
    mode: task.mode,
    prefix: task.prefix,
    clock: { now: () => Date.now() + skewMs, monotonic: () => performance.now() + skewMs },
    ...task.limiter,
  })
  limiter.observe?.((change) => {
    if (change.state === 'degraded') report.degraded++
  })
  const pending = new Set<Promise<void>>()

  function offer(): void {
    report.offered += task.cost
    const startedAt = performance.now()
    const answer = limiter.consume(keyId, task.cost, task.rate)
    if (!(answer instanceof Promise)) {
      report.local++
      if (answer.allowed) admit()
      return
    }
    const waiting = answer
      .then(
        ({ allowed }) => {
          if (allowed) admit()
        },
        () => {
          report.errors++
        },
      )
      .then(() => {
        report.longestMs = Math.max(report.longestMs, performance.now() - startedAt)
        pending.delete(waiting)
      })
    pending.add(waiting)
  }

  function admit(): void {
    report.admitted += task.cost
    report.admittedRequests++
  }

  const startAt = await new Promise<number>((resolve) => {
    process.once('message', (message) => resolve(message as number))
    process.send?.('ready')
  })
  await new Promise((resolve) => setTimeout(resolve, startAt - Date.now()))
  const startedAt = performance.now()
  // Processes of one fleet do not offer in step.
  let due = Math.random()
  let lastAt = startedAt
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now()
      due +=
        ((Math.min(now, startedAt + task.seconds * 1000) - lastAt) / 1000) * (task.offeredEps / task.cost)
      lastAt = now
      for (; due >= 1; due--) offer()
      if (now < startedAt + task.seconds * 1000) return
      clearInterval(timer)
      resolve()
    }, tickMs)
  })
  await Promise.all(pending)
  report.seconds = (performance.now() - startedAt) / 1000
  const { commands } = report
  await limiter.close()
  process.send?.({ ...report, commands })
  client.destroy()
  process.disconnect?.()
}
