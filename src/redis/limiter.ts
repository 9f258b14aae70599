import { assertCost } from '../limits/gcra.ts'
import type { LimiterChange, Rate, RateLimiter, RateLimitResult } from '../limits/rate-limiter.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import { createBoundedMap } from '../runtime/bounded-map.ts'
import { StoreError } from '../runtime/errors.ts'
import { createBucketQuestions } from './bucket-questions.ts'
import { createLeasedBucket, type LeasedBucket, peekLocally } from './leased-bucket.ts'
import { createLeasedMode } from './leased-mode.ts'
import {
  type RedisLimiterOptions,
  type ResolvedRedisLimiterOptions,
  resolveRedisLimiterOptions,
} from './limiter-options.ts'
import { createRedisLink } from './link.ts'
import { createOutageLimiter } from './outage-limiter.ts'
import { createAnnouncer, createPresence } from './presence.ts'
import { rehearsalScript } from './rehearsal-script.ts'
import { createStrictMode } from './strict-mode.ts'

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
  const resolved = resolveRedisLimiterOptions(options)
  const { commands, maxKeys, clock } = resolved
  const listeners = new Set<(change: LimiterChange) => void>()
  const buckets = createBoundedMap<LeasedBucket>(maxKeys)
  const { link, outage, leased, chosen, announcer } = createParts(resolved, (change) => {
    for (const listener of listeners) listener(change)
  })
  // Without a listener a client that loses its server ends the process. A limiter must not cause that.
  const unhook = commands.on('error', () => {})
  let closing: Promise<void> | undefined

  function bucketOf(keyId: string): LeasedBucket {
    let bucket = buckets.get(keyId)
    if (bucket === undefined) {
      bucket = createLeasedBucket(keyId)
      buckets.set(keyId, bucket)
    }
    return bucket
  }

  return {
    consume(keyId, cost, rate) {
      if (closing !== undefined) throw new StoreError('store_unavailable', 'The limiter has been closed.')
      assertCharge(cost, rate)
      announcer?.start()
      const bucket = bucketOf(keyId)
      bucket.rate = rate
      return link.isUp() ? chosen.consume(bucket, cost, rate) : outage.consume(bucket, cost, rate)
    },
    refund(keyId, cost) {
      const bucket = buckets.peek(keyId)
      // When the bucket was evicted among very many keys, the charge stays.
      if (bucket?.rate === undefined || closing !== undefined) return
      assertCost(cost)
      if (outage.refund(bucket, cost)) return
      return chosen.refund(bucket, cost, bucket.rate)
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
        announcer?.pause()
        await leased.close()
        await announcer?.leave()
        link.close()
        unhook()
      })()
      return closing
    },
  }
}

/** @param tell called when the server is lost, and when it is back */
function createParts(
  { commands, mode, onOutage, processes, timeoutMs, prefix, maxKeys, clock }: ResolvedRedisLimiterOptions,
  tell: (change: LimiterChange) => void,
) {
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
  const outage = createOutageLimiter({ onOutage, processes: presence.count, maxKeys, clock })
  const ask = createBucketQuestions({ link, outage, timeoutMs, prefix, clock })
  const leased = createLeasedMode({ ask, isUp: link.isUp, outage, timeoutMs, clock })
  const chosen = mode === 'strict' ? createStrictMode(ask, outage, clock) : leased
  const announcer = processes === undefined ? createAnnouncer(presence, link) : undefined
  return { link, outage, leased, chosen, announcer }
}

/** Refuses the same arguments as the limiter in memory, before anything is sent. */
function assertCharge(cost: number, rate: Rate): void {
  assertCost(cost)
  if (!(rate.eps > 0 && rate.eps < Infinity && rate.burst > 0))
    throw new RangeError('eps and burst must be above 0')
}
