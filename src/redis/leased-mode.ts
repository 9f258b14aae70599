import type { Rate, RateLimitResult } from '../limits/rate-limiter.ts'
import { inBackground } from '../runtime/timers.ts'
import { type BucketQueuesOptions, createBucketQueues } from './bucket-queues.ts'
import { decideLocally, type LeasedBucket, takeBack } from './leased-bucket.ts'
import { isLeasable, noteDemand } from './leased-demand.ts'

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

const sweepEveryMs = 500
/** Chunks handed back per sweep and on closing. Others are given up, which costs their events once. */
const mostHandedBack = 500

export function createLeasedMode(options: Omit<BucketQueuesOptions, 'onHeld'>): LeasedMode {
  const { clock } = options
  const { wait, handBack } = createBucketQueues({ ...options, onHeld: hold })
  /** Buckets of which something may be held, with the rate at which it was taken. */
  const holders = new Map<LeasedBucket, Rate>()
  let sweepTimer: NodeJS.Timeout | undefined

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
