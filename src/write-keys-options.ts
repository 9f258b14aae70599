import { maxLeaseMs } from './cache/lease.ts'
import type { IngestRequest } from './http/ingest-request.ts'
import { keyPrefixPattern } from './keys/ids.ts'
import { assertEnvironment, isEps, maxRateLimitEps, minRateLimitEps } from './keys/key-fields.ts'
import { createSecretHasher, type SecretHasher } from './keys/secret.ts'
import { createMemoryLimiter } from './limits/memory-limiter.ts'
import type { RateLimiter } from './limits/rate-limiter.ts'
import { createClientAddress, type TrustedProxies } from './rules/client-address.ts'
import { createEventTypeResolver, type EventTypeResolver } from './rules/event-types.ts'
import { type Clock, type ClockSource, expectedClock, systemClock, toClock } from './runtime/clock.ts'
import { ConfigError, unknownOption } from './runtime/errors.ts'
import { type ChangeHints, defaultLeaseMs, type KeyStore } from './stores/key-store.ts'
import { createMemoryStore } from './stores/memory-store.ts'
import type { CredentialSource } from './verifier/credentials.ts'
import type { WriteKeyEvent } from './verifier/decision-event.ts'
import type { Logger } from './verifier/event-hook.ts'
import type { ChallengePolicy } from './verifier/replies.ts'
import type { ActivityOptions } from './watch/activity.ts'
import type { AnomalyOptions } from './watch/anomalies.ts'

export interface UsageOptions {
  /** Longest time that counts wait in memory before they are stored, and so what a crash can lose. 100 to 3 600 000. Default 10 000. */
  flushMs?: number
  /** Days that counts are kept. 1 to 30. Default 30. */
  retentionDays?: number
}

export interface CacheOptions {
  /** Secrets kept in memory. 1 to 10 000 000. Default 10 000. */
  maxKeys?: number
  /**
   * How long a process trusts what it has cached without hearing from a shared store, in milliseconds, and so how long
   * `revoke` takes to return. 50 to 600 000. Default: what the store says, 2 000 or less. One that is given becomes the
   * store's, for all processes: give all of them the same.
   */
  leaseMs?: number
  /**
   * How much longer cached keys count while the store is unreachable, in milliseconds. 0 to 3 600 000. Default 0.
   * With more than 0 a revoked key may be accepted for that long by a process that cannot reach the store.
   */
  staleOnOutageMs?: number
  /**
   * Whether to keep an index of the secrets that exist, so that none is refused for wrong keys that others send: 12 to 20 bytes for each
   * secret of the store, read from it when the first request comes. Default `true`, for stores that tell.
   */
  index?: boolean
}

/** Options of `createWriteKeys`. Every one has a default. */
export interface WriteKeysOptions {
  /** Where keys live. Default: this process's memory. */
  store?: KeyStore
  /** Tells other processes of changes sooner than their next look at the store. Default: none. */
  hints?: ChangeHints
  /** Counts events per key. Default: in this process's memory. */
  limiter?: RateLimiter
  /** Keys of other environments are refused. 1 to 64 of `A-Z a-z 0-9 . _ -`. Default `'production'`. */
  environment?: string
  /**
   * What new secrets begin with: a letter, then up to 31 letters, digits, `_` and `-`. Default `'sk_live_'` in
   * production and `'sk_test_'` elsewhere, which secret scanners take for Stripe's; choose your own to be told apart.
   */
  keyPrefix?: string
  /**
   * Secret that keys are hashed with (HMAC-SHA-256 instead of SHA-256), at least 8 characters (use 32 random ones); or several, newest
   * first, all accepted. A final `null` in a list accepts keys made before there was a pepper. Default: none.
   */
  pepper?: string | readonly (string | null)[]
  /** Where senders may present their key; the first place that holds anything decides. One place needs no list. Default `['basic']`. */
  credentials?: CredentialSource | readonly CredentialSource[]
  /** Event types beside `track identify page screen group alias`: 1 to 64 of `a-z A-Z 0-9 _ . -`. Default: none. */
  eventTypes?: readonly string[]
  /** Events per second for keys that set none, 0.001 to 1 000 000. Default `null`: unlimited. */
  defaultRateLimitEps?: number | null
  /** Seconds' worth of events a key may send at once. 0.001 to 3 600. Default 1. */
  burstSeconds?: number
  /** Largest body, as received and inflated, in bytes. 1 to 1 073 741 824. Default 4 000 000. */
  maxBodyBytes?: number
  /**
   * Bytes that one event pays for: a request costs the number of its events, or one for every `eventBytes` of its body that
   * were begun if that is more. 1 to 1 073 741 824. Default 65 536.
   */
  eventBytes?: number
  /**
   * All bodies that are being received, inflated and judged at the same time, in bytes; further ones are answered with 503
   * `busy`. Bodies that are read before their key is known (`credentials: 'body'`) may take a quarter of it.
   * 1 to 1 099 511 627 776. Default 256 000 000, or `maxBodyBytes` × 4 where that is more.
   */
  maxPendingBodyBytes?: number
  /** Most events in one request. 1 to 1 000 000. Default 2 500. */
  maxEvents?: number
  /** What a forbidden event does: `'reject'` refuses the request, `'drop'` leaves the event out. Default `'reject'`. */
  onForbiddenEvent?: 'reject' | 'drop'
  /** Whether keys of source type `server` work from browsers, where anybody can read them. Default `'allow'`, reported by `onEvent`. */
  serverKeysInBrowsers?: 'allow' | 'deny'
  /** The challenge of a 401. Default `'auto'`: Basic, but a scheme of its own for browsers, so that no login box opens. */
  challenge?: ChallengePolicy
  /** How many proxies to trust for the client address: a hop count, addresses and CIDR ranges, or a function. Default: none. */
  trustedProxies?: TrustedProxies
  cache?: CacheOptions
  /** Counting of events and refusals per key, for stores that keep it. */
  usage?: UsageOptions
  /**
   * Watching of this process's traffic: recent decisions and anomalies. Begins with `onEvent`, with this option, or with
   * the first look at `activity`, as the management API does.
   */
  activity?: ActivityOptions
  /** Told of every decision and disturbance, synchronously, on the request path: be quick. What it throws is ignored. */
  onEvent?: (event: WriteKeyEvent) => void
  /** Default: silent. */
  logger?: Logger
  /** Injected in tests: `{ now, monotonic }`, `{ now }`, or the function that gives milliseconds since the epoch. */
  clock?: ClockSource
}

/** Options after checking, defaults filled in. */
export interface ResolvedOptions {
  store: KeyStore
  hints: ChangeHints | undefined
  limiter: RateLimiter
  environment: string
  keyPrefixFor(environment: string): string
  hashers: readonly [SecretHasher, ...SecretHasher[]]
  credentials: readonly CredentialSource[]
  eventTypes: EventTypeResolver
  defaultRateLimitEps: number | null
  burstSeconds: number
  maxBodyBytes: number
  eventBytes: number
  maxPendingBodyBytes: number
  maxEvents: number
  onForbiddenEvent: 'reject' | 'drop'
  serverKeysInBrowsers: 'allow' | 'deny'
  challenge: ChallengePolicy
  clientAddress: (ip: string | undefined, headers: IngestRequest['headers']) => string | undefined
  cache: Required<CacheOptions> & {
    /** Whether the application has named `leaseMs`. */
    namesLease: boolean
  }
  usage: Required<UsageOptions>
  activity: ActivityOptions | undefined
  onEvent: ((event: WriteKeyEvent) => void) | undefined
  logger: Logger | undefined
  clock: Clock
}

const optionNames: readonly (keyof WriteKeysOptions)[] = [
  'store',
  'hints',
  'limiter',
  'environment',
  'keyPrefix',
  'pepper',
  'credentials',
  'eventTypes',
  'defaultRateLimitEps',
  'burstSeconds',
  'maxBodyBytes',
  'eventBytes',
  'maxPendingBodyBytes',
  'maxEvents',
  'onForbiddenEvent',
  'serverKeysInBrowsers',
  'challenge',
  'trustedProxies',
  'cache',
  'usage',
  'activity',
  'onEvent',
  'logger',
  'clock',
]
const usageOptionNames: readonly (keyof UsageOptions)[] = ['flushMs', 'retentionDays']
const cacheOptionNames: readonly (keyof CacheOptions)[] = ['maxKeys', 'leaseMs', 'staleOnOutageMs', 'index']

/** @throws ConfigError for an unknown option or a bad value: the option, what was received, what would be right. */
export function resolveOptions(options: WriteKeysOptions): ResolvedOptions {
  assertKnownOptions('createWriteKeys options', options, optionNames)
  const clock = resolveClock(options.clock)
  const environment = assertEnvironment(withDefault(options.environment, 'production'))
  const cache = withDefault(options.cache, {})
  assertKnownOptions('cache', cache, cacheOptionNames)
  const usage = withDefault(options.usage, {})
  assertKnownOptions('usage', usage, usageOptionNames)
  return {
    store:
      resolvePort('store', options.store, ['poll', 'get', 'list', 'insert', 'replace', 'remove']) ??
      createMemoryStore(),
    hints: resolvePort('hints', options.hints, ['publish', 'subscribe', 'close']),
    limiter: resolvePort('limiter', options.limiter, ['consume', 'close']) ?? createMemoryLimiter({ clock }),
    environment,
    keyPrefixFor: resolveKeyPrefix(options.keyPrefix, environment),
    hashers: resolveHashers(options.pepper),
    credentials: resolveCredentials(withDefault(options.credentials, ['basic'])),
    eventTypes: createEventTypeResolver(resolveEventTypes(withDefault(options.eventTypes, []))),
    defaultRateLimitEps: resolveDefaultEps(withDefault(options.defaultRateLimitEps, null)),
    burstSeconds: resolveNumber('burstSeconds', withDefault(options.burstSeconds, 1), 0.001, 3_600),
    ...resolveBodySizes(options),
    maxEvents: resolveWhole('maxEvents', withDefault(options.maxEvents, 2_500), 1, 1_000_000),
    onForbiddenEvent: resolveWord('onForbiddenEvent', withDefault(options.onForbiddenEvent, 'reject'), [
      'reject',
      'drop',
    ]),
    serverKeysInBrowsers: resolveWord(
      'serverKeysInBrowsers',
      withDefault(options.serverKeysInBrowsers, 'allow'),
      ['allow', 'deny'],
    ),
    challenge: resolveWord('challenge', withDefault(options.challenge, 'auto'), ['auto', 'basic', 'custom']),
    clientAddress: createClientAddress(options.trustedProxies),
    cache: {
      maxKeys: resolveWhole('cache.maxKeys', withDefault(cache.maxKeys, 10_000), 1, 10_000_000),
      leaseMs: resolveNumber('cache.leaseMs', withDefault(cache.leaseMs, defaultLeaseMs), 50, maxLeaseMs),
      namesLease: cache.leaseMs !== undefined,
      index: resolveBoolean('cache.index', withDefault(cache.index, true)),
      staleOnOutageMs: resolveNumber(
        'cache.staleOnOutageMs',
        withDefault(cache.staleOnOutageMs, 0),
        0,
        3_600_000,
      ),
    },
    usage: {
      flushMs: resolveNumber('usage.flushMs', withDefault(usage.flushMs, 10_000), 100, 3_600_000),
      retentionDays: resolveNumber('usage.retentionDays', withDefault(usage.retentionDays, 30), 1, 30),
    },
    activity: resolveActivity(options.activity),
    onEvent: resolveFunction('onEvent', options.onEvent),
    logger: resolveLogger(options.logger),
    clock,
  }
}

function resolveBodySizes(
  options: WriteKeysOptions,
): Pick<ResolvedOptions, 'maxBodyBytes' | 'eventBytes' | 'maxPendingBodyBytes'> {
  const maxBodyBytes = resolveWhole('maxBodyBytes', withDefault(options.maxBodyBytes, 4_000_000), 1, 2 ** 30)
  return {
    maxBodyBytes,
    eventBytes: resolveWhole('eventBytes', withDefault(options.eventBytes, 65_536), 1, 2 ** 30),
    maxPendingBodyBytes: resolveWhole(
      'maxPendingBodyBytes',
      withDefault(options.maxPendingBodyBytes, Math.max(256_000_000, maxBodyBytes * 4)),
      1,
      2 ** 40,
    ),
  }
}

/** Only an absent value is the default: a `null`, as from a missing setting, is refused like any other bad value. */
function withDefault<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value
}

/** @throws ConfigError when `options` is no object or has an own property that is not listed. */
export function assertKnownOptions(owner: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(owner, options, 'an object')
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption(owner, name, known)
  }
}

const anomalyRanges: Readonly<Record<keyof AnomalyOptions, readonly [number, number]>> = {
  windowMs: [1_000, 86_400_000],
  warmUpWindows: [1, 1_000],
  spikeFactor: [1, 1_000_000],
  spikeMinEvents: [1, 1_000_000_000],
  silenceMinEvents: [1, 1_000_000_000],
  silenceWindows: [1, 1_000],
  unseenRefusals: [1, 1_000_000_000],
  graceWarningMs: [0, 2_592_000_000],
  maxSecretAgeMs: [1, 315_360_000_000],
  keepMs: [1_000, 2_592_000_000],
}

function resolveActivity(activity: ActivityOptions | undefined): ActivityOptions | undefined {
  if (activity === undefined) return undefined
  assertKnownOptions('activity', activity, ['size', 'keepPayloads', 'anomalies'])
  const { size = 1_000, keepPayloads = false, anomalies = {} } = activity
  resolveWhole('activity.size', size, 1, 100_000)
  if (typeof keepPayloads !== 'boolean')
    throw new ConfigError('activity.keepPayloads', keepPayloads, 'true or false')
  if (anomalies === false) return { size, keepPayloads, anomalies }
  assertKnownOptions('activity.anomalies', anomalies, Object.keys(anomalyRanges))
  for (const [name, range] of Object.entries(anomalyRanges)) {
    const value = anomalies[name as keyof AnomalyOptions]
    if (value !== undefined) resolveNumber(`activity.anomalies.${name}`, value, ...range)
  }
  return { size, keepPayloads, anomalies }
}

function resolveNumber(option: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new ConfigError(option, value, `a number from ${least} to ${most}`)
}

function resolveWhole(option: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number
  throw new ConfigError(option, value, `a whole number from ${least} to ${most}`)
}

function resolveWord<Word extends string>(option: string, value: unknown, words: readonly Word[]): Word {
  if (words.includes(value as Word)) return value as Word
  throw new ConfigError(option, value, words.map((word) => `'${word}'`).join(' or '))
}

function resolveBoolean(option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new ConfigError(option, value, 'true or false')
}

function resolveFunction<T>(option: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw new ConfigError(option, value, 'a function')
}

function resolvePort<T extends object>(
  option: string,
  value: T | undefined,
  methods: readonly string[],
): T | undefined {
  if (value === undefined) return undefined
  const missing = methods.find(
    (method) => typeof (value as Record<string, unknown> | null)?.[method] !== 'function',
  )
  if (missing === undefined) return value
  throw new ConfigError(option, value, `an object with the methods ${methods.join(', ')}`)
}

function resolveLogger(logger: Logger | undefined): Logger | undefined {
  if (logger === undefined) return undefined
  if ([logger?.error, logger?.warn].some((method) => typeof method === 'function')) return logger
  throw new ConfigError('logger', logger, 'an object with the methods error, warn or both')
}

function resolveClock(clock: WriteKeysOptions['clock']): Clock {
  if (clock === undefined) return systemClock
  const resolved = toClock(clock)
  if (resolved === undefined) throw new ConfigError('clock', clock, expectedClock)
  return resolved
}

function resolveKeyPrefix(keyPrefix: unknown, environment: string): (environment: string) => string {
  if (keyPrefix !== undefined && !(typeof keyPrefix === 'string' && keyPrefixPattern.test(keyPrefix))) {
    throw new ConfigError(
      'keyPrefix',
      keyPrefix,
      'a letter followed by up to 31 letters, digits, _ or -, e.g. "acme_wk_"',
    )
  }
  return (wanted) => {
    if (keyPrefix !== undefined && wanted === environment) return keyPrefix
    return wanted === 'production' ? 'sk_live_' : 'sk_test_'
  }
}

/** Keys carry 190 random bits of their own; this only catches an empty or a placeholder value. */
const minPepperLength = 8

function resolveHashers(pepper: WriteKeysOptions['pepper']): [SecretHasher, ...SecretHasher[]] {
  if (pepper === undefined) return [createSecretHasher(null)]
  const list: readonly unknown[] = Array.isArray(pepper) ? pepper : [pepper]
  const hashers = list.map((entry, index) => {
    const last = index > 0 && index === list.length - 1
    if (entry === null && last) return createSecretHasher(null)
    if (typeof entry === 'string' && entry.length >= minPepperLength) return createSecretHasher(entry)
    throw new ConfigError(
      Array.isArray(pepper) ? `pepper[${index}]` : 'pepper',
      entry,
      `a string of at least ${minPepperLength} characters`,
    )
  })
  const [newest, ...older] = hashers
  if (newest === undefined) throw new ConfigError('pepper', pepper, 'a string, or a list with at least one')
  return [newest, ...older]
}

const credentialPlaces: readonly string[] = ['basic', 'header', 'query', 'body']

function resolveCredentials(credentials: unknown): readonly CredentialSource[] {
  const expected = "a list with at least one of 'basic', 'header', 'query', 'body' or a function"
  if (typeof credentials === 'function' || credentialPlaces.includes(credentials as string))
    return [credentials as CredentialSource]
  if (!Array.isArray(credentials) || credentials.length === 0)
    throw new ConfigError('credentials', credentials, expected)
  credentials.forEach((source: unknown, index) => {
    if (typeof source !== 'function' && !credentialPlaces.includes(source as string)) {
      throw new ConfigError(
        `credentials[${index}]`,
        source,
        "'basic', 'header', 'query', 'body' or a function",
      )
    }
  })
  return [...credentials]
}

function resolveEventTypes(eventTypes: unknown): readonly string[] {
  if (!Array.isArray(eventTypes)) throw new ConfigError('eventTypes', eventTypes, 'a list of event types')
  eventTypes.forEach((type: unknown, index) => {
    if (typeof type !== 'string' || !/^[A-Za-z0-9_.-]{1,64}$/.test(type)) {
      throw new ConfigError(`eventTypes[${index}]`, type, '1 to 64 characters of a-z A-Z 0-9 _ . -')
    }
  })
  return eventTypes as string[]
}

function resolveDefaultEps(eps: unknown): number | null {
  if (eps === null || isEps(eps)) return eps
  throw new ConfigError(
    'defaultRateLimitEps',
    eps,
    `a number from ${minRateLimitEps} to ${maxRateLimitEps}, or null for unlimited`,
  )
}
