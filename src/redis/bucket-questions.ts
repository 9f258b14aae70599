import { createHash } from 'node:crypto'
import type { Rate } from '../limits/rate-limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import { StoreError } from '../runtime/errors.ts'
import { bucketScript } from './bucket-script.ts'
import {
  type BucketAnswer,
  type BucketQuestion,
  heed,
  type LeasedBucket,
  leastOwed,
} from './leased-bucket.ts'
import type { RedisLink } from './link.ts'
import { createLostBuckets, evictionMessage } from './lost-buckets.ts'
import type { OutageLimiter } from './outage-limiter.ts'

/**
 * Puts a question about a bucket to the server, with what was admitted beyond it during an outage, and takes
 * in the answer. Rejects when there is none.
 */
export type AskServer = (bucket: LeasedBucket, question: BucketQuestion, rate: Rate) => Promise<BucketAnswer>

export interface BucketQuestionsOptions {
  link: Pick<RedisLink, 'run' | 'distrust'>
  outage: Pick<OutageLimiter, 'takeDebt' | 'restoreDebt'>
  timeoutMs: number
  prefix: string
  clock: Pick<Clock, 'monotonic'>
}

export function createBucketQuestions(options: BucketQuestionsOptions): AskServer {
  const { link, outage, timeoutMs, prefix, clock } = options
  const lostBuckets = createLostBuckets()

  async function ask(bucket: LeasedBucket, question: BucketQuestion, rate: Rate): Promise<BucketAnswer> {
    const debt = outage.takeDebt(bucket, rate)
    const { cost, waiting, ahead, further, back } = question
    const askedAtMs = clock.monotonic()
    const toldAtMs = bucket.toldAtMs
    const least = leastOwed(bucket, rate, askedAtMs + timeoutMs)
    const numbers = [rate.eps, rate.burst, cost, waiting, ahead, further, back - debt, least]
    const key = toRedisKey(prefix, bucket.keyId)
    try {
      const answer = parseAnswer(await link.run(bucketScript, key, numbers.map(String)), key)
      const nowMs = clock.monotonic()
      heed(bucket, question, answer, rate, askedAtMs, nowMs)
      if (answer.lost && lostBuckets.note(toldAtMs, nowMs)) {
        link.distrust(new StoreError('store_unavailable', evictionMessage), key)
      }
      return answer
    } catch (error) {
      outage.restoreDebt(bucket, debt)
      throw error
    }
  }

  function parseAnswer(reply: unknown, key: string): BucketAnswer {
    const [admitted, owed, taken, pauseUs, lost] = String(reply).split(' ').map(Number)
    if (pauseUs !== undefined && pauseUs >= 0) {
      return {
        admitted: admitted === 1,
        owed: owed as number,
        taken: taken as number,
        pauseUs,
        lost: lost === 1,
      }
    }
    const error = new StoreError('store_unavailable', 'Redis sent an unexpected reply.')
    link.distrust(error, key)
    throw error
  }

  return ask
}

/** Braces make the id the hash tag of a cluster. Ids with other than plain characters are hashed. */
function toRedisKey(prefix: string, keyId: string): string {
  const name = /^[A-Za-z0-9_-]{1,80}$/.test(keyId)
    ? keyId
    : `~${createHash('sha256').update(keyId).digest('base64url')}`
  return `${prefix}limit:{${name}}`
}
