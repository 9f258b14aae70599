import { type Clock, systemClock } from '../runtime/clock.ts'
import { ConfigError, unknownOption } from '../runtime/errors.ts'
import { type RedisClient, type RedisCommands, toRedisCommands } from './client.ts'

/** What `createRedisLimiter` takes. Unknown names and bad values throw `ConfigError`. */
export interface RedisLimiterOptions {
  /** Made, connected and closed by the application. */
  client: RedisClient
  /**
   * `'leased'` takes events out of the shared bucket ahead, in chunks sized to this process's own traffic, so that most
   * requests need no round trip. `'strict'` makes one round trip per request and is exact. Default `'leased'`.
   */
  mode?: 'leased' | 'strict'
  /**
   * What happens while Redis does not answer. `'local'`: this process admits its part of the rate, `eps / processes`.
   * `'deny'`: requests are answered 503. `'allow'`: nothing is limited. Default `'local'`.
   */
  onOutage?: 'local' | 'deny' | 'allow'
  /** Among how many processes the rate is divided in an outage: a whole number from 1. Default: those that were there last. */
  processes?: number
  /** Longest time a request waits for Redis, in milliseconds. 1 to 10 000. Default 50. */
  timeoutMs?: number
  /** What every key in Redis begins with: 1 to 64 of `A-Z a-z 0-9 . _ : -`. Default `'writekey:'`. */
  prefix?: string
  /** Senders remembered in this process: a whole number from 1 to 10 000 000. Default 100 000. */
  maxKeys?: number
  /** Only `monotonic` is used. Default: the system's. */
  clock?: Clock
}

export interface ResolvedRedisLimiterOptions
  extends Required<Omit<RedisLimiterOptions, 'client' | 'processes'>> {
  commands: RedisCommands
  processes: number | undefined
}

const names = ['client', 'mode', 'onOutage', 'processes', 'timeoutMs', 'prefix', 'maxKeys', 'clock']

export function resolveRedisLimiterOptions(options: RedisLimiterOptions): ResolvedRedisLimiterOptions {
  if (typeof options !== 'object' || options === null)
    throw new ConfigError('createRedisLimiter options', options, 'an object with a client')
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw unknownOption('createRedisLimiter options', name, names)
    }
  }
  const { mode = 'leased', onOutage = 'local', processes, timeoutMs = 50 } = options
  const { prefix = 'writekey:', maxKeys = 100_000, clock = systemClock } = options
  const commands = toRedisCommands('client', options.client)
  if (mode !== 'leased' && mode !== 'strict') throw new ConfigError('mode', mode, "'leased' or 'strict'")
  if (!['local', 'deny', 'allow'].includes(onOutage)) {
    throw new ConfigError('onOutage', onOutage, "'local' or 'deny' or 'allow'")
  }
  if (processes !== undefined && !(Number.isSafeInteger(processes) && processes >= 1)) {
    throw new ConfigError('processes', processes, 'a whole number, at least 1')
  }
  if (!(typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs <= 10_000)) {
    throw new ConfigError('timeoutMs', timeoutMs, 'a number from 1 to 10000')
  }
  // Braces would move the hash tag that a cluster looks for.
  if (!(typeof prefix === 'string' && /^[A-Za-z0-9._:-]{1,64}$/.test(prefix))) {
    throw new ConfigError('prefix', prefix, '1 to 64 of A-Z a-z 0-9 . _ : -')
  }
  if (!(Number.isSafeInteger(maxKeys) && maxKeys >= 1 && maxKeys <= 10_000_000)) {
    throw new ConfigError('maxKeys', maxKeys, 'a whole number from 1 to 10000000')
  }
  if (typeof clock?.monotonic !== 'function') {
    throw new ConfigError('clock', clock, 'an object with now() and monotonic()')
  }
  return { commands, mode, onOutage, processes, timeoutMs, prefix, maxKeys, clock }
}
