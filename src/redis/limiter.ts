import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { assertCost, refundGcra } from '../limits/gcra.ts'
import type { LimiterChange, Rate, RateLimiter, RateLimitResult } from '../limits/rate-limiter.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import { StoreError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import { bucketScript } from './bucket-script.ts'
import {
  type BucketAnswer,
  type BucketQuestion,
  createLeasedBucket,
  heed,
  type LeasedBucket,
  leastOwed,
  peekLocally,
  toAnsweredResult,
} from './leased-bucket.ts'
import { createLeasedMode } from './leased-mode.ts'
import { type RedisLimiterOptions, resolveRedisLimiterOptions } from './limiter-options.ts'
import { createRedisLink } from './link.ts'
import { createLostBuckets, evictionMessage } from './lost-buckets.ts'
import { createOutageLimiter } from './outage-limiter.ts'
import { createPresence } from './presence.ts'
import { rehearsalScript } from './rehearsal-script.ts'

/** A limiter whose buckets are shared by processes. */
export interface RedisLimiter extends RateLimiter {
  refund(keyId: string, cost: number): Awaitable<void>
  peek(keyId: string, rate: Rate, cost?: number): RateLimitResult
}

/**
 * A limiter whose buckets live in Redis, so that a key's rate holds across all processes that share the
 * server.
 *
 * In any W seconds at most `burst + eps × (W + min(0.1 × processes, 3))` events are admitted in mode
 * `'leased'`, and `burst + eps × W` in mode `'strict'`; a batch larger than the burst passes on a full bucket
 * and is paid for afterwards. No request waits longer than `timeoutMs` for the server; while it does not
 * answer, `onOutage` decides.
 *
 * @throws ConfigError for an unknown option or a bad value, and for a client of an unknown kind.
 * @example
 * ```ts
 * const client = createClient({ url: process.env.REDIS_URL })
 * client.on('error', (error) => console.error(error))
 * await client.connect()
 * const keys = createWriteKeys({ store, limiter: createRedisLimiter({ client }) })
 * ```
 */
export function createRedisLimiter(options: RedisLimiterOptions): RedisLimiter {
  const { commands, mode, onOutage, processes, timeoutMs, prefix, maxKeys, clock } =
    resolveRedisLimiterOptions(options)
  const listeners = new Set<(change: LimiterChange) => void>()
  const buckets = new LRUCache<string, LeasedBucket>({ max: maxKeys })
  const presence = createPresence(`${prefix}{processes}`, processes)
  const link = createRedisLink({
    commands,
    timeoutMs,
    prefix,
    async probe(run, key) {
      await run(rehearsalScript, `${key}:probe`, [])
      if (processes === undefined) await presence.announce(run)
    },
    onDown: (error) => tell({ state: 'degraded', error }),
    onUp: () => tell({ state: 'recovered' }),
  })
  const lostBuckets = createLostBuckets()
  const outage = createOutageLimiter({ onOutage, processes: presence.count, maxKeys, clock })
  const leased = createLeasedMode({ ask, isUp: link.isUp, outage, timeoutMs, clock })
  // Without a listener a client that loses its server ends the process. A limiter must not cause that.
  const unhook = commands.on('error', () => {})
  let announcing: NodeJS.Timeout | undefined
  let closing: Promise<void> | undefined

  function tell(change: LimiterChange): void {
    for (const listener of listeners) listener(change)
  }

  function bucketOf(keyId: string): LeasedBucket {
    let bucket = buckets.get(keyId)
    if (bucket === undefined) {
      bucket = createLeasedBucket(keyId)
      buckets.set(keyId, bucket)
    }
    return bucket
  }

  /** Not at construction: making a limiter opens, sends and schedules nothing. */
  function startAnnouncing(): void {
    if (announcing !== undefined || processes !== undefined) return
    announce()
  }

  function announce(): void {
    announcing = inBackground(setTimeout(announce, presence.nextMs()))
    if (link.isUp()) presence.announce(link.run).catch(() => {})
  }

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

  async function consumeStrictly(bucket: LeasedBucket, cost: number, rate: Rate): Promise<RateLimitResult> {
    const question = { cost, waiting: 0, ahead: 0, further: 0, back: 0 }
    let answer: BucketAnswer
    try {
      answer = await ask(bucket, question, rate)
    } catch {
      return outage.consume(bucket, cost, rate)
    }
    return toAnsweredResult(bucket, question, answer, rate, clock.monotonic())
  }

  async function refundStrictly(bucket: LeasedBucket, cost: number, rate: Rate): Promise<void> {
    refundGcra(bucket.own, cost)
    const question = { cost: 0, waiting: 0, ahead: 0, further: 0, back: cost }
    // Not repeated: a server that gave no answer may have refunded the charge already.
    await ask(bucket, question, rate).catch(() => {})
  }

  return {
    consume(keyId, cost, rate) {
      if (closing !== undefined) throw new StoreError('store_unavailable', 'The limiter has been closed.')
      assertCharge(cost, rate)
      startAnnouncing()
      const bucket = bucketOf(keyId)
      bucket.rate = rate
      if (!link.isUp()) return outage.consume(bucket, cost, rate)
      return mode === 'strict' ? consumeStrictly(bucket, cost, rate) : leased.consume(bucket, cost, rate)
    },
    refund(keyId, cost) {
      const bucket = buckets.peek(keyId)
      // When the bucket was evicted among very many keys, the charge stays.
      if (bucket?.rate === undefined || closing !== undefined) return
      assertCost(cost)
      if (outage.refund(bucket, cost)) return
      if (mode === 'leased') return leased.refund(bucket, cost, bucket.rate)
      return refundStrictly(bucket, cost, bucket.rate)
    },
    peek(keyId, rate, cost) {
      const bucket = bucketOf(keyId)
      return link.isUp()
        ? peekLocally(bucket, rate, clock.monotonic(), cost)
        : outage.peek(bucket, rate, cost)
    },
    observe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      closing ??= (async () => {
        clearTimeout(announcing)
        await leased.close()
        if (link.isUp() && announcing !== undefined) await presence.leave(link.run).catch(() => {})
        link.close()
        unhook()
      })()
      return closing
    },
  }
}

/** Refuses the same arguments as the limiter in memory, before anything is sent. */
function assertCharge(cost: number, rate: Rate): void {
  assertCost(cost)
  if (!(rate.eps > 0 && rate.eps < Infinity && rate.burst > 0))
    throw new RangeError('eps and burst must be above 0')
}

/** Braces make the id the hash tag of a cluster. Ids with other than plain characters are hashed. */
function toRedisKey(prefix: string, keyId: string): string {
  const name = /^[A-Za-z0-9_-]{1,80}$/.test(keyId)
    ? keyId
    : `~${createHash('sha256').update(keyId).digest('base64url')}`
  return `${prefix}limit:{${name}}`
}
