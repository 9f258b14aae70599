import { cacheOption } from './cache/cache-options.ts'
import { maxRateLimitEps, minRateLimitEps } from './keys/field-parsers.ts'
import { environmentCharacters, environmentPattern, planCharacters, planPattern } from './keys/ids.ts'
import { createSecretTest } from './keys/imported-secret.ts'
import { keyPrefixFor, keyPrefixOption } from './keys/key-prefix.ts'
import { pepperOption } from './keys/pepper-option.ts'
import { createPlans, plansOption } from './keys/plans.ts'
import { importedKeysOption } from './keys/secret-shape.ts'
import { createMemoryLimiter } from './limits/memory-limiter.ts'
import type { RateLimiter } from './limits/rate-limiter.ts'
import { createAddressFinder, type TrustedProxies } from './rules/client-address.ts'
import { createEventTypeResolver } from './rules/event-types.ts'
import { createHeldClock, injectedClock, systemClock } from './runtime/clock.ts'
import { badOption, ConfigError } from './runtime/config-error.ts'
import {
  callback,
  having,
  list,
  nullable,
  number,
  type OptionReader,
  oneOf,
  optional,
  readOptions,
  text,
  whole,
} from './runtime/options.ts'
import { type ChangeHints, defaultLeaseMs, type KeyStore } from './stores/key-store.ts'
import { createMemoryStore } from './stores/memory-store.ts'
import { usageOption } from './usage/usage-options.ts'
import type { Credentials } from './verifier/credentials.ts'
import { credentialsOption } from './verifier/credentials-option.ts'
import type { WriteKeyEvent } from './verifier/decision-event.ts'
import { type Logger, loggerOption, warnAtStart } from './verifier/logger.ts'
import { batchFieldsOption, type Reading } from './verifier/reading.ts'
import { activityOption } from './watch/activity-options.ts'
import type { WriteKeysOptions } from './write-keys-options.ts'

const eventTypeNames = list(
  text(/^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 characters of a-z A-Z 0-9 _ . -'),
  'a list of event types',
)

const readers = {
  store: having<KeyStore>(
    ['poll', 'get', 'list', 'insert', 'replace', 'remove'],
    'a store such as createMemoryStore() or createSqlStore() makes',
  ),
  hints: having<ChangeHints>(['publish', 'subscribe', 'close'], 'hints such as createRedisHints() makes'),
  limiter: having<RateLimiter>(
    ['consume', 'close'],
    'a limiter such as createMemoryLimiter() or createRedisLimiter() makes',
  ),
  environment: text(environmentPattern, environmentCharacters, 'production'),
  keyPrefix: keyPrefixOption,
  pepper: pepperOption,
  credentials: credentialsOption,
  importedKeys: importedKeysOption,
  batchFields: batchFieldsOption,
  eventTypes: (value: unknown, option: string) => createEventTypeResolver(eventTypeNames(value, option)),
  plans: plansOption,
  defaultPlan: optional(text(planPattern, planCharacters)),
  maxKeysPerWorkspace: whole(1, 1_000_000, 1_000),
  defaultRateLimitEps: nullable(number(minRateLimitEps, maxRateLimitEps)),
  burstSeconds: number(0.001, 3_600, 1),
  maxBodyBytes: whole(1, 2 ** 30, 4_000_000),
  eventBytes: whole(1, 2 ** 30, 65_536),
  maxPendingBodyBytes: optional(whole(1, 2 ** 40)),
  maxEvents: whole(1, 1_000_000, 2_500),
  onForbiddenEvent: oneOf(['reject', 'drop'], 'reject'),
  serverKeysInBrowsers: oneOf(['allow', 'deny'], 'allow'),
  challenge: oneOf(['auto', 'basic', 'custom'], 'auto'),
  trustedProxies: (value: unknown) => createAddressFinder(value as TrustedProxies | undefined),
  cache: cacheOption,
  usage: usageOption,
  activity: activityOption,
  onEvent: callback<(event: WriteKeyEvent) => void>(),
  logger: loggerOption,
  clock: injectedClock,
} satisfies Record<keyof WriteKeysOptions, OptionReader<unknown>>

/** Names of the options of `createWriteKeys`, for adapters that accept them among their own. */
export const writeKeysOptionNames = Object.keys(readers) as (keyof WriteKeysOptions)[]

/** Options after checking, defaults filled in. */
export type ResolvedOptions = ReturnType<typeof resolveOptions>

/**
 * @throws ConfigError for an unknown option or a bad value; it names the option, what was received and what
 * would be right.
 */
export function resolveOptions(options: WriteKeysOptions) {
  const { keyPrefix, pepper, trustedProxies, plans, defaultPlan, ...read } = readOptions(
    'createWriteKeys',
    options,
    readers,
  )
  const { environment, maxBodyBytes, cache, importedKeys, clock = systemClock } = read
  assertKeyBesideEvents(read)
  warnOfLittleRoom(read)
  const bucketClock = createHeldClock(clock)
  const prefixFor = (wanted: string) => keyPrefixFor(keyPrefix, environment, wanted)
  const secretRules = {
    ownPrefix: prefixFor(environment),
    importedShape: importedKeys,
    secretsInPaths: read.credentials.paths.length > 0,
    hashers: pepper,
  }
  const store = read.store ?? createMemoryStore()
  const knownPlans = createPlans(plans, defaultPlan, read.defaultRateLimitEps)
  if (knownPlans.haveQuotas && store.usage === undefined)
    throw badOption('plans', options.plans, 'plans without monthlyEvents, as the store keeps no usage')
  return {
    ...read,
    clock,
    store,
    limiter: read.limiter ?? createMemoryLimiter({ clock: bucketClock }),
    bucketClock,
    keyPrefixFor: prefixFor,
    hashers: pepper,
    plans: knownPlans,
    secretRules,
    isSecret: createSecretTest(secretRules),
    maxPendingBodyBytes: read.maxPendingBodyBytes ?? Math.max(256_000_000, maxBodyBytes * 4),
    clientAddress: trustedProxies,
    /** Whether the application wants notices about keys: the default logger only gets disturbances. */
    tellsNotices: options.onEvent !== undefined || (options.logger !== undefined && options.logger !== false),
    ignoresForwardedFor: options.trustedProxies === undefined,
    cache: {
      ...cache,
      leaseMs: cache.leaseMs ?? defaultLeaseMs,
      /** Whether the application has set `leaseMs`. */
      namesLease: cache.leaseMs !== undefined,
    },
  }
}

/** A property cannot hold the key as a text, and the events as a list. */
function assertKeyBesideEvents({ credentials, batchFields }: Reading): void {
  const both = credentials.bodyFields.find((field) => batchFields.includes(field))
  if (both === undefined) return
  throw new ConfigError(
    'credentials',
    'credentials must not name a property of the body that batchFields names too: it holds the events, so no key would be found in it.',
  )
}

/** Not refused: an application may want no body of that size, and have other means against them. */
function warnOfLittleRoom({ maxPendingBodyBytes, maxBodyBytes, credentials, logger }: BodyRoom): void {
  const isOfKey = credentials.sources.some(({ at }) => at === 'body')
  const least = isOfKey ? maxBodyBytes * 4 : maxBodyBytes
  if (maxPendingBodyBytes === undefined || maxPendingBodyBytes >= least) return
  const rule = isOfKey
    ? '4 × maxBodyBytes, as bodies that hold the key share a quarter of it'
    : 'maxBodyBytes'
  const text = `maxPendingBodyBytes is ${maxPendingBodyBytes}: larger bodies get 503 busy for ever. Set at least ${least} (${rule}), or a lower maxBodyBytes.`
  warnAtStart(logger, text)
}

interface BodyRoom {
  maxPendingBodyBytes: number | undefined
  maxBodyBytes: number
  credentials: Credentials
  logger: Logger | undefined
}
