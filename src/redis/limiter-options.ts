import { type Clock, systemClock } from '../runtime/clock.ts'
import { having, number, oneOf, optional, readOptions, text, whole } from '../runtime/options.ts'
import { type RedisClient, type RedisCommands, redisCommands } from './client.ts'

/** What `createRedisLimiter` takes. Unknown names and bad values throw `ConfigError`. */
export interface RedisLimiterOptions {
  /** Made, connected and closed by the application. */
  client: RedisClient
  /**
   * `'leased'` takes events out of the shared bucket ahead, in chunks sized to this process's own traffic, so
   * that most requests need no round trip. `'strict'` makes one round trip per request and is exact. Default
   * `'leased'`.
   */
  mode?: 'leased' | 'strict' | undefined
  /**
   * What happens while Redis does not answer. `'local'`: this process admits its part of the rate,
   * `eps / processes`. `'deny'`: requests are answered 503. `'allow'`: nothing is limited. Default `'local'`.
   */
  onOutage?: 'local' | 'deny' | 'allow' | undefined
  /**
   * By how many processes the rate is divided in an outage: a whole number from 1. Default: as many as were
   * there last.
   */
  processes?: number | undefined
  /** Longest time a request waits for Redis, in milliseconds. 1 to 10 000. Default 50. */
  timeoutMs?: number | undefined
  /** The prefix of every key in Redis: 1 to 64 of `A-Z a-z 0-9 . _ : -`. Default `'writekey:'`. */
  prefix?: string | undefined
  /** Senders remembered in this process: a whole number from 1 to 10 000 000. Default 100 000. */
  maxKeys?: number | undefined
  /** Only `monotonic` is used. Default: the system's. */
  clock?: Clock | undefined
}

export interface ResolvedRedisLimiterOptions
  extends Required<Omit<RedisLimiterOptions, 'client' | 'processes'>> {
  commands: RedisCommands
  processes: number | undefined
}

const readers = {
  client: redisCommands,
  mode: oneOf(['leased', 'strict'], 'leased'),
  onOutage: oneOf(['local', 'deny', 'allow'], 'local'),
  processes: optional(whole(1, Number.POSITIVE_INFINITY)),
  timeoutMs: number(1, 10_000, 50),
  // Braces would move the hash tag that a cluster looks for.
  prefix: text(/^[A-Za-z0-9._:-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 . _ : -', 'writekey:'),
  maxKeys: whole(1, 10_000_000, 100_000),
  clock: having<Clock>(['monotonic'], 'an object with now() and monotonic()'),
}

/** @throws ConfigError */
export function resolveRedisLimiterOptions(options: RedisLimiterOptions): ResolvedRedisLimiterOptions {
  const {
    client: commands,
    clock = systemClock,
    ...rest
  } = readOptions('createRedisLimiter', options, readers)
  return { commands, clock, ...rest }
}
