import type { Rate, RateLimitResult } from '../limits/rate-limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import { atDeadline } from '../runtime/deadline.ts'
import type { AskServer } from './bucket-questions.ts'
import {
  askFor,
  type BucketAnswer,
  decideLocally,
  type LeasedBucket,
  toAnsweredResult,
} from './leased-bucket.ts'
import type { OutageLimiter } from './outage-limiter.ts'

export interface BucketQueuesOptions {
  ask: AskServer
  isUp: () => boolean
  outage: Pick<OutageLimiter, 'consume'>
  timeoutMs: number
  clock: Pick<Clock, 'monotonic'>
  /** Something was taken ahead. */
  onHeld: (bucket: LeasedBucket, rate: Rate) => void
}

/** The requests that wait for the server, bucket by bucket: one question at a time for each. */
export interface BucketQueues {
  /** Waits until the server has answered for the bucket, or the outage limiter decides. */
  wait(bucket: LeasedBucket, cost: number, rate: Rate): Promise<RateLimitResult>
  /** Gives what a bucket holds back to the server. */
  handBack(bucket: LeasedBucket, rate: Rate): Promise<void>
}

interface Waiter {
  cost: number
  rate: Rate
  /** Ends its deadline. */
  cancel: () => void
  settle(result: () => RateLimitResult): void
}

/** The requests that wait for one bucket. It exists while a question is under way. */
interface Queue {
  waiters: Waiter[]
}

export function createBucketQueues(options: BucketQueuesOptions): BucketQueues {
  const { ask, isUp, outage, timeoutMs, clock } = options
  const queues = new Map<LeasedBucket, Queue>()

  function wait(bucket: LeasedBucket, cost: number, rate: Rate): Promise<RateLimitResult> {
    return new Promise((resolve, reject) => {
      const waiter = createWaiter(cost, rate, resolve, reject)
      waiter.cancel = atDeadline(timeoutMs, () => giveUp(bucket, waiter))
      const queue = queues.get(bucket)
      if (queue !== undefined) queue.waiters.push(waiter)
      else void serve(bucket, [waiter])
    })
  }

  /** The server takes too long for this one. */
  function giveUp(bucket: LeasedBucket, waiter: Waiter): void {
    const waiters = queues.get(bucket)?.waiters
    const index = waiters?.indexOf(waiter) ?? -1
    if (index < 0) return
    waiters?.splice(index, 1)
    waiter.settle(() => outage.consume(bucket, waiter.cost, waiter.rate))
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
      if (bucket.held > 0) options.onHeld(bucket, rate)
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

  return { wait, handBack }
}

function createWaiter(
  cost: number,
  rate: Rate,
  resolve: (result: RateLimitResult) => void,
  reject: (error: unknown) => void,
): Waiter {
  return {
    cost,
    rate,
    cancel() {},
    settle(result) {
      this.cancel()
      try {
        resolve(result())
      } catch (error) {
        reject(error)
      }
    },
  }
}
