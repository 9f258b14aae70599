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
  store?: KeyStore | undefined
  /** Tells other processes of a change at once, before their next poll. Default: none. */
  hints?: ChangeHints | undefined
  /** Counts events per key. Default: in this process's memory. */
  limiter?: RateLimiter | undefined
  /** Only keys of this environment are accepted. 1 to 64 of `A-Z a-z 0-9 . _ -`. Default `'production'`. */
  environment?: string | undefined
  /**
   * Prefix of new secrets: a letter, then up to 31 letters, digits, `_` and `-`. Default `'sk_live_'` in
   * production, `'sk_test_'` elsewhere. Secret scanners mistake these for Stripe keys. Your own prefix avoids
   * that.
   */
  keyPrefix?: string | undefined
  /**
   * Hashes keys with HMAC-SHA-256 instead of SHA-256. At least 8 characters; use 32 random ones. A list holds
   * the newest pepper first; keys of the older ones stay valid. End it with `null` to accept keys that were
   * made without a pepper. Default, or `null`: no pepper. `undefined`, blanks and placeholders such as `'undefined'` are refused, so that an unset
   * environment variable does not switch the pepper off.
   */
  pepper?: string | readonly (string | null)[] | null
  /**
   * Where senders may put their key. Headers are read first, then path and query, then the body; within each,
   * in list order. The first place that holds anything decides. A function runs after all places before it. A
   * single place needs no list. Default `['basic']`.
   */
  credentials?: CredentialSource | readonly CredentialSource[] | undefined
  /**
   * What imported secrets look like, for secrets made elsewhere. Example: `/^[A-Za-z0-9]{32}$/` for Segment.
   * Use characters and character classes with counts, from `^` to `$`, and no flag but `u`. Imported secrets have
   * 16 to 256 visible ASCII characters and no colon. A secret that begins with `keyPrefix` must still have the
   * right checksum. Default: only secrets made by writekey.
   */
  importedKeys?: RegExp | undefined
  /** Names under which a body may hold a list of events. Each body uses one of them. Default `['batch']`. */
  batchFields?: readonly string[] | undefined
  /**
   * Further event types, beside `track identify page screen group alias`. Each has 1 to 64 of
   * `a-z A-Z 0-9 _ . -`. Default: none.
   */
  eventTypes?: readonly string[] | undefined
  /**
   * Named sets of defaults. A key takes from its plan what it does not set itself. A changed plan takes effect
   * when the process starts with it. Default: no plans; keys may then name any.
   */
  plans?: Readonly<Record<string, PlanOptions>> | undefined
  /** The plan of keys that name none. It must be one of `plans`. Default: none. */
  defaultPlan?: string | undefined
  /**
   * Most keys in one workspace, revoked ones included. 1 to 1 000 000. Keys without a workspace are not
   * limited. Processes that create keys at the same moment may exceed the limit by one call each. Default 1 000.
   */
  maxKeysPerWorkspace?: number | undefined
  /**
   * Events per second for keys that get no rate from themselves or their plan. 0.001 to 1 000 000. Default
   * `null`: unlimited.
   */
  defaultRateLimitEps?: number | null | undefined
  /** How many seconds of its rate a key may send at once. 0.001 to 3 600. Default 1. */
  burstSeconds?: number | undefined
  /** Largest body in bytes, before and after inflating. 1 to 1 073 741 824. Default 4 000 000. */
  maxBodyBytes?: number | undefined
  /**
   * Bytes included in the price of one event. A request with a larger body costs more events: its bytes divided
   * by `eventBytes`, rounded up. 1 to 1 073 741 824. Default 65 536.
   */
  eventBytes?: number | undefined
  /**
   * Most bytes of request bodies in memory at once. Beyond it requests get 503 `busy`. Bodies that must be read
   * to find the key (`credentials: 'body'`) share a quarter of it. At least `maxBodyBytes`, with
   * `'body'` 4 × `maxBodyBytes`, or larger bodies are busy for ever. 1 to 1 099 511 627 776. Default 256 000 000,
   * or 4 × `maxBodyBytes` if that is more.
   */
  maxPendingBodyBytes?: number | undefined
  /** Most events in one request. 1 to 1 000 000. Default 2 500. */
  maxEvents?: number | undefined
  /**
   * What to do with an event that the key may not send. `'reject'` refuses the whole request; `'drop'` leaves
   * the event out. Default `'reject'`.
   */
  onForbiddenEvent?: 'reject' | 'drop' | undefined
  /**
   * Whether keys of source type `server` work in browsers, where anybody can read them. `'allow'`, the default,
   * reports such a use to `onEvent`.
   */
  serverKeysInBrowsers?: 'allow' | 'deny' | undefined
  /**
   * The `WWW-Authenticate` of a 401. Default `'auto'`: Basic, and for browsers a scheme that opens no login
   * box.
   */
  challenge?: ChallengePolicy | undefined
  /**
   * Which proxies to believe about the client's address: a number of hops, a list of addresses and CIDR ranges,
   * or a function. Default: none.
   */
  trustedProxies?: TrustedProxies | undefined
  /** What this process remembers of a shared store, and for how long. */
  cache?: CacheOptions | undefined
  /** How events and refusals are counted, in stores that keep counts. */
  usage?: UsageOptions | undefined
  /**
   * Recent decisions, problems and anomalies. Traffic is watched from the start if this option or `onEvent` is
   * set, or if the store shares what is watched between processes. Otherwise, and with `false`, from the first
   * use of `keys.activity`, which the management API makes.
   */
  activity?: ActivityOptions | false | undefined
  /**
   * Called for every decision, and when something fails or recovers. Each request waits for it, so return
   * quickly. Errors that it throws are ignored.
   */
  onEvent?: ((event: WriteKeyEvent) => void) | undefined
  /**
   * Where warnings and errors go, those at start too: an object with `error`, `warn` or both, called with pino's arguments. An outage is logged
   * when it begins and when it ends, a mistake in the set-up once. A pino logger works as it is. Default: standard error; in Nest, Nest's
   * logger. `false`: no log.
   */
  logger?: Logger | false | undefined
  /**
   * The time, for tests: `{ now, monotonic }`, `{ now }`, or a function that returns milliseconds since the
   * epoch. Default: the system's.
   */
  clock?: ClockSource | undefined
}
