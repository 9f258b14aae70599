import type { Rate, RateLimitResult } from '../limits/rate-limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import { atDeadline } from '../runtime/deadline.ts'
import { inBackground } from '../runtime/timers.ts'
import {
  askFor,
  type BucketAnswer,
  type BucketQuestion,
  decideLocally,
  type LeasedBucket,
  takeBack,
  toAnsweredResult,
} from './leased-bucket.ts'
import { isLeasable, noteDemand } from './leased-demand.ts'
import type { OutageLimiter } from './outage-limiter.ts'

/** Spends locally what was taken ahead, and asks the server for more when needed. */
export interface LeasedMode {
  consume(bucket: LeasedBucket, cost: number, rate: Rate): RateLimitResult | Promise<RateLimitResult>
  /**
   * Keeps what a request was charged for later ones. Hands it back when it is much, or was taken too long
   * ago.
   */
  refund(bucket: LeasedBucket, cost: number, rate: Rate): Promise<void> | undefined
  /** Hands back what is held. */
  close(): Promise<void>
}

export interface LeasedModeOptions {
  /** Puts a question to the server and takes in its answer. */
  ask: (bucket: LeasedBucket, question: BucketQuestion, rate: Rate) => Promise<BucketAnswer>
  isUp: () => boolean
  outage: OutageLimiter
  timeoutMs: number
  clock: Clock
}

interface Waiter {
  cost: number
  rate: Rate
  settle(result: () => RateLimitResult): void
}

/** The requests that wait for one bucket. It exists while a question is under way. */
interface Queue {
  waiters: Waiter[]
}

const sweepEveryMs = 500
/** Chunks handed back per sweep and on closing. Others are given up, which costs their events once. */
const mostHandedBack = 500

export function createLeasedMode(options: LeasedModeOptions): LeasedMode {
  const { ask, isUp, outage, timeoutMs, clock } = options
  const queues = new Map<LeasedBucket, Queue>()
  /** Buckets of which something may be held, with the rate at which it was taken. */
  const holders = new Map<LeasedBucket, Rate>()
  let sweepTimer: NodeJS.Timeout | undefined

  function wait(bucket: LeasedBucket, cost: number, rate: Rate): Promise<RateLimitResult> {
    return new Promise((resolve, reject) => {
      const cancel = atDeadline(timeoutMs, giveUp)
      const waiter: Waiter = {
        cost,
        rate,
        settle(result) {
          cancel()
          try {
            resolve(result())
          } catch (error) {
            reject(error)
          }
        },
      }
      function giveUp(): void {
        const waiters = queues.get(bucket)?.waiters
        const index = waiters?.indexOf(waiter) ?? -1
        if (index < 0) return
        waiters?.splice(index, 1)
        waiter.settle(() => outage.consume(bucket, cost, rate))
      }
      const queue = queues.get(bucket)
      if (queue !== undefined) queue.waiters.push(waiter)
      else void serve(bucket, [waiter])
    })
  }

  /** One question at a time per bucket, until nobody waits. */
  async function serve(bucket: LeasedBucket, waiters: Waiter[]): Promise<void> {
    const queue: Queue = { waiters }
    queues.set(bucket, queue)
    for (let first = waiters[0]; first !== undefined; first = queue.waiters[0]) {
      const { cost, rate } = first
      const waiting = queue.waiters.reduce((sum, waiter) => sum + waiter.cost, -cost)
      const question = askFor(bucket, cost, waiting, rate)
      let answer: BucketAnswer
      try {
        answer = await ask(bucket, question, rate)
      } catch {
        for (const waiter of queue.waiters.splice(0)) {
          waiter.settle(() => outage.consume(bucket, waiter.cost, waiter.rate))
        }
        break
      }
      if (queue.waiters[0] === first) {
        queue.waiters.shift()
        const result = toAnsweredResult(bucket, question, answer, rate, clock.monotonic())
        first.settle(() => result)
      } else if (answer.admitted) {
        // The request gave up meanwhile; what was taken for it is left for others.
        bucket.held += cost
      }
      decideForAll(bucket, queue)
      if (bucket.held > 0) hold(bucket, rate)
    }
    queues.delete(bucket)
  }

  function decideForAll(bucket: LeasedBucket, queue: Queue): void {
    const now = clock.monotonic()
    queue.waiters = queue.waiters.filter((waiter) => {
      const result = decideLocally(bucket, waiter.cost, waiter.rate, now)
      if (result !== undefined) waiter.settle(() => result)
      return result === undefined
    })
  }

  function hold(bucket: LeasedBucket, rate: Rate): void {
    holders.set(bucket, rate)
    sweepTimer ??= inBackground(setInterval(sweep, sweepEveryMs))
  }

  /** Senders that fell silent: what was taken for them goes back to the shared bucket. */
  function sweep(): void {
    const now = clock.monotonic()
    let count = 0
    for (const [bucket, rate] of holders) {
      if (bucket.held > 0 && now < bucket.heldUntil) continue
      holders.delete(bucket)
      if (bucket.held > 0 && count++ < mostHandedBack) void handBack(bucket, rate)
    }
    if (holders.size > 0) return
    clearInterval(sweepTimer)
    sweepTimer = undefined
  }

  async function handBack(bucket: LeasedBucket, rate: Rate): Promise<void> {
    // A question that is under way has handed everything back already.
    if (!isUp() || queues.has(bucket)) return
    const queue: Queue = { waiters: [] }
    queues.set(bucket, queue)
    await ask(bucket, askFor(bucket, 0, 0, rate), rate).catch(() => {})
    queues.delete(bucket)
    decideForAll(bucket, queue)
    if (queue.waiters.length > 0) void serve(bucket, queue.waiters)
  }

  return {
    consume(bucket, cost, rate) {
      const now = clock.monotonic()
      noteDemand(bucket, cost, rate, now)
      return decideLocally(bucket, cost, rate, now) ?? wait(bucket, cost, rate)
    },
    refund(bucket, cost, rate) {
      takeBack(bucket, cost)
      hold(bucket, rate)
      return isLeasable(cost, rate) && clock.monotonic() < bucket.heldUntil
        ? undefined
        : handBack(bucket, rate)
    },
    async close() {
      clearInterval(sweepTimer)
      const held = [...holders].filter(([bucket]) => bucket.held > 0).slice(0, mostHandedBack)
      await Promise.all(held.map(([bucket, rate]) => handBack(bucket, rate)))
    },
  }
}
