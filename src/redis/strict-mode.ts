import { refundGcra } from '../limits/gcra.ts'
import type { Rate, RateLimitResult } from '../limits/rate-limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import type { AskServer } from './bucket-questions.ts'
import { type BucketAnswer, type LeasedBucket, toAnsweredResult } from './leased-bucket.ts'
import type { OutageLimiter } from './outage-limiter.ts'

/** Asks the server about every request. */
export interface StrictMode {
  consume(bucket: LeasedBucket, cost: number, rate: Rate): Promise<RateLimitResult>
  refund(bucket: LeasedBucket, cost: number, rate: Rate): Promise<void>
}

export function createStrictMode(
  ask: AskServer,
  outage: Pick<OutageLimiter, 'consume'>,
  clock: Pick<Clock, 'monotonic'>,
): StrictMode {
  return {
    async consume(bucket, cost, rate) {
      const question = { cost, waiting: 0, ahead: 0, further: 0, back: 0 }
      let answer: BucketAnswer
      try {
        answer = await ask(bucket, question, rate)
      } catch {
        return outage.consume(bucket, cost, rate)
      }
      return toAnsweredResult(bucket, question, answer, rate, clock.monotonic())
    },
    async refund(bucket, cost, rate) {
      refundGcra(bucket.own, cost)
      const question = { cost: 0, waiting: 0, ahead: 0, further: 0, back: cost }
      // Not repeated: a server that gave no answer may have refunded the charge already.
      await ask(bucket, question, rate).catch(() => {})
    },
  }
}
