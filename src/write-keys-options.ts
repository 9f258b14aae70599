import type { CacheOptions } from './cache/cache-options.ts'
import type { CredentialSource } from './http/ingest-request.ts'
import type { PlanOptions } from './keys/plans.ts'
import type { RateLimiter } from './limits/rate-limiter.ts'
import type { TrustedProxies } from './rules/client-address.ts'
import type { ClockSource } from './runtime/clock.ts'
import type { ChangeHints, KeyStore } from './stores/key-store.ts'
import type { UsageOptions } from './usage/usage-options.ts'
import type { ChallengePolicy } from './verifier/challenge.ts'
import type { WriteKeyEvent } from './verifier/decision-event.ts'
import type { Logger } from './verifier/logger.ts'
import type { ActivityOptions } from './watch/activity.ts'

/** Options of `createWriteKeys`. Every one has a default. */
export interface WriteKeysOptions {
  /** Where keys live. Default: this process's memory. */
  store?: KeyStore
  /** Tells other processes of changes before their next poll. Default: none. */
  hints?: ChangeHints
  /** Counts events per key. Default: in this process's memory. */
  limiter?: RateLimiter
  /** Keys of other environments are refused. 1 to 64 of `A-Z a-z 0-9 . _ -`. Default `'production'`. */
  environment?: string
  /**
   * Prefix of new secrets: a letter, then up to 31 letters, digits, `_` and `-`. Default `'sk_live_'` in
   * production and `'sk_test_'` elsewhere. Secret scanners take those for Stripe's; choose your own to be
   * told apart.
   */
  keyPrefix?: string
  /**
   * Secret that keys are hashed with (HMAC-SHA-256 instead of SHA-256), at least 8 characters (use 32 random
   * ones). Or several, newest first, all accepted. A final `null` in a list accepts keys made before there
   * was a pepper. Default, or `null`: none. A value of `undefined` or an empty text is refused: an unset
   * environment variable must not leave keys without a pepper.
   */
  pepper?: string | readonly (string | null)[] | null
  /**
   * Where senders may present their key: in list order, but headers first, then path and query, then the
   * body. The first place that holds anything decides. A function runs after all places before it. One place
   * needs no list. Default `['basic']`.
   */
  credentials?: CredentialSource | readonly CredentialSource[]
  /**
   * The shape of secrets that were made elsewhere and added by `import`: a regular expression of characters
   * and classes with counts, from `^` to `$`, without flags except `u`, e.g. `/^[A-Za-z0-9]{32}$/` for
   * Segment's. Such secrets have 16 to 256 visible ASCII characters without a colon. A secret that begins
   * with `keyPrefix` is still judged by its checksum. Default: only secrets made by writekey.
   */
  importedKeys?: RegExp
  /** Properties of a body that may hold its events; each body uses one of them. Default `['batch']`. */
  batchFields?: readonly string[]
  /**
   * Event types beside `track identify page screen group alias`: 1 to 64 of `a-z A-Z 0-9 _ . -`. Default:
   * none.
   */
  eventTypes?: readonly string[]
  /**
   * Named sets of defaults: what a key leaves unset comes from its plan. A changed plan counts as soon as the
   * process has it. Default: none, and keys may name any.
   */
  plans?: Readonly<Record<string, PlanOptions>>
  /** The plan of keys that name none, one of `plans`. Default: none. */
  defaultPlan?: string
  /**
   * Keys that one workspace may hold, whatever their status, 1 to 1 000 000. Keys of no workspace are not
   * limited. Processes that make keys at the same moment may exceed it by one call each. Default 1 000.
   */
  maxKeysPerWorkspace?: number
  /**
   * Events per second for keys without a rate of their own or of their plan, 0.001 to 1 000 000. Default
   * `null`: unlimited.
   */
  defaultRateLimitEps?: number | null
  /** How many seconds' worth of events a key may send at once. 0.001 to 3 600. Default 1. */
  burstSeconds?: number
  /** Largest body, as received and inflated, in bytes. 1 to 1 073 741 824. Default 4 000 000. */
  maxBodyBytes?: number
  /**
   * Bytes that one event pays for: a request costs the number of its events, or one for every `eventBytes` of
   * its body begun if that is more. 1 to 1 073 741 824. Default 65 536.
   */
  eventBytes?: number
  /**
   * Memory for all bodies that are being received, inflated and judged, in bytes. Further ones are answered
   * with 503 `busy`. Bodies that are read before their key is known (`credentials: 'body'`) may take a
   * quarter of it. 1 to 1 099 511 627 776. Default 256 000 000, or `maxBodyBytes` × 4 if that is more.
   */
  maxPendingBodyBytes?: number
  /** Most events in one request. 1 to 1 000 000. Default 2 500. */
  maxEvents?: number
  /**
   * What happens to a forbidden event: `'reject'` refuses the request, `'drop'` leaves the event out. Default
   * `'reject'`.
   */
  onForbiddenEvent?: 'reject' | 'drop'
  /**
   * Whether keys of source type `server` work from browsers, where anybody can read them. Default `'allow'`,
   * reported by `onEvent`.
   */
  serverKeysInBrowsers?: 'allow' | 'deny'
  /**
   * The challenge of a 401. Default `'auto'`: Basic, but a scheme of its own for browsers, so that no login
   * box opens.
   */
  challenge?: ChallengePolicy
  /**
   * How many proxies to trust for the client address: a hop count, addresses and CIDR ranges, or a function.
   * Default: none.
   */
  trustedProxies?: TrustedProxies
  cache?: CacheOptions
  /** Counting of events and refusals per key, for stores that keep it. */
  usage?: UsageOptions
  /**
   * Watching of traffic: recent decisions, problems and anomalies. It begins with a store that carries them
   * between processes, with `onEvent`, with this option, or with the first use of `activity`, as by the
   * management API; with `false` only then.
   */
  activity?: ActivityOptions | false
  /**
   * Called for every decision and disturbance, synchronously, on the request path: be quick. What it throws
   * is ignored.
   */
  onEvent?: (event: WriteKeyEvent) => void
  /**
   * Called with warnings and errors, each state once: an outage when it begins and when it ends, a set-up
   * fault that every request meets. pino fits as it is. Default: lines on standard error (in Nest, its own
   * logger). `false`: silent.
   */
  logger?: Logger | false
  /**
   * Injected in tests: `{ now, monotonic }`, `{ now }`, or a function that returns milliseconds since the
   * epoch.
   */
  clock?: ClockSource
}
