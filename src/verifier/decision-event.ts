import type { AuditAction } from '../keys/audit-entry.ts'
import type { Reason } from './reasons.ts'

/**
 * What the store failed at: `questions` of verification and management, storing `counts`, reading the `index` of
 * existing secrets, storing the `lease`, storing or reading `problems` and anomalies, sharing `decisions` with
 * other processes for the debugger, `notices` about keys, or `closing`.
 */
export type StorePart =
  | 'questions'
  | 'counts'
  | 'index'
  | 'lease'
  | 'problems'
  | 'decisions'
  | 'notices'
  | 'closing'

/** The events of `onEvent`. They carry ids and reasons, never a secret or a hash. */
export type WriteKeyEvent =
  | AcceptedEvent
  | RefusedEvent
  | WouldRefuseEvent
  /** A secret was accepted that ends at `expiresAt`: its sender has not moved to the new one yet. */
  | {
      readonly type: 'grace_used'
      readonly keyId: string
      readonly secretId: string
      readonly expiresAt: Date
    }
  /** A key of source type `server` was accepted from a browser: it can be read in the page's code. */
  | { readonly type: 'server_key_in_browser'; readonly keyId: string; readonly origin?: string }
  /**
   * A request was refused with `invalid_path` because its path names two event types, such as
   * /identify/track. Told once: an application with such routes needs the adapter's option `eventType`.
   */
  | { readonly type: 'ambiguous_path'; readonly eventTypes: readonly [string, string] }
  /**
   * A request with a known key came with `X-Forwarded-For` while the option `trustedProxies` is not set:
   * behind a proxy every sender then has the proxy's address. Told once; not at all with `trustedProxies: 0`.
   */
  | { readonly type: 'forwarded_for_ignored' }
  /**
   * A key has the rule `senderRateLimitEps`, but the sender of a request cannot be told from others, so only
   * the key's rate counted: its address is not known, or it came with a forwarded address while the option
   * `trustedProxies` is not set. Told once for each cause.
   */
  | {
      readonly type: 'sender_unknown'
      readonly keyId: string
      readonly cause: 'no_address' | 'forwarded_for'
    }
  /**
   * Keys of the store were made with a pepper that this process lacks: until it has it, unknown keys are
   * answered 503 instead of 401. Told when that begins.
   */
  | { readonly type: 'pepper_missing'; readonly error: Error }
  /**
   * The store does not remember peppers, so a wrong pepper shows as unknown keys. Told once, with the option
   * `pepper`.
   */
  | { readonly type: 'peppers_unchecked' }
  /** A key's plan is none of the option `plans`: the default plan counts. Told once for each plan. */
  | { readonly type: 'unknown_plan'; readonly keyId: string; readonly plan: string }
  /** A cached key was accepted although the store cannot be reached, as `cache.staleOnOutageMs` allows. */
  | { readonly type: 'stale_accept'; readonly keyId: string }
  /** The store failed or did not answer in time. Told once for each part, until that part works again. */
  | { readonly type: 'store_error'; readonly error: Error; readonly part: StorePart }
  /** Everything that had failed at the store works again. */
  | { readonly type: 'store_recovered' }
  /**
   * The store does not list which secrets exist: a key that is not cached can be refused because of wrong
   * keys that others send. Told once.
   */
  | { readonly type: 'index_missing' }
  /**
   * Hints cannot be sent, or the connection that carries them was lost. Told once. Until it is back, changes
   * are noticed by the next poll.
   */
  | { readonly type: 'hints_error'; readonly error: Error }
  | { readonly type: 'hints_recovered' }
  /**
   * Usage counts were dropped: the store was away for too long, or did not take them before `close()` was
   * over. Accepted events and refused requests.
   */
  | { readonly type: 'usage_dropped'; readonly events: number; readonly refusals: number }
  /**
   * The store shows another history than before (a restored backup, a failover): everything cached was
   * dropped.
   */
  | { readonly type: 'revision_regressed' }
  /** A shared limiter has lost its server and limits as its outage policy says, or has it back. */
  | { readonly type: 'limiter_degraded' | 'limiter_recovered'; readonly error?: Error }
  /**
   * A key was made, changed, rotated, paused, resumed, revoked or removed, by any process. Told once for all
   * that share a store.
   */
  | KeyChangedEvent
  /** A key ends within 30, 10 or 1 days. Told once for each, for all processes. */
  | {
      readonly type: 'key_expiring'
      readonly keyId: string
      readonly name: string
      readonly workspace: string | null
      readonly expiresAt: Date
      readonly days: number
    }
  /** The newest secret of a key is 90 days old, or another 90: rotate at least quarterly. */
  | {
      readonly type: 'secret_old'
      readonly keyId: string
      readonly name: string
      readonly workspace: string | null
      readonly secretId: string
      readonly createdAt: Date
      readonly days: number
    }
  /** A key was refused for its rate. Told once an hour for each key, by each process. */
  | { readonly type: 'rate_limit_reached'; readonly keyId: string; readonly rateLimitEps: number }
  /** A rotated secret is still in use, and ends within 2 hours. Told once, for all processes. */
  | {
      readonly type: 'grace_ending'
      readonly keyId: string
      readonly secretId: string
      readonly expiresAt: Date
    }
  /** Something unusual in the traffic of a key, when it begins and after a pause of an hour. */
  | AnomalyEvent
  /**
   * Verification met a bug, or a function of the application that threw. The request was refused with 503.
   */
  | { readonly type: 'internal_error'; readonly error: Error }

export interface AcceptedEvent {
  readonly type: 'accepted'
  readonly keyId: string
  readonly secretId: string
  /** Number of accepted events. */
  readonly events: number
  /** Number of events left out under `onForbiddenEvent: 'drop'`. */
  readonly rejected: number
  /** Why the key's rules on trial would have refused it. */
  readonly wouldRefuse?: Reason
  readonly origin?: string
  readonly address?: string
}

export interface KeyChangedEvent {
  readonly type: 'key_changed'
  readonly action: Exclude<AuditAction, 'refused'>
  readonly keyId: string
  readonly workspace: string | null
  /** Who, as in the audit log; null = unknown. */
  readonly actor: string | null
  readonly address: string | null
  readonly at: Date
  /** The fields that changed; empty for a key that was made or removed. */
  readonly fields: readonly string[]
}

export interface RefusedEvent {
  readonly type: 'refused'
  readonly reason: Reason
  /** Absent while the key is not known. */
  readonly keyId?: string
  readonly origin?: string
  readonly address?: string
  /** What `onEvents` threw; with `handler_failed`. */
  readonly error?: Error
}

/** Events were accepted that the rules on trial of their key would have refused. Follows `accepted`. */
export interface WouldRefuseEvent {
  readonly type: 'would_refuse'
  readonly reason: Reason
  readonly keyId: string
  /** Number of accepted events in the request. */
  readonly events: number
  readonly origin?: string
  readonly address?: string
}

/** What can be unusual about a key's traffic. */
export type AnomalyKind =
  /** Far more events than the key usually has. */
  | 'volume_spike'
  /** A key with steady traffic stopped sending. */
  | 'sudden_silence'
  /** Refusals from an origin that this key was never accepted from. */
  | 'unseen_origin'
  /** Refusals from an address that this key was never accepted from. */
  | 'unseen_address'
  /**
   * A key of source type `server` presented with an Origin: it can be read in the page's code. Told as
   * `server_key_in_browser` instead.
   */
  | 'server_key_in_browser'
  /** A rotated secret is still in use shortly before it ends. */
  | 'grace_ending'
  /** A secret in use was made long ago; rotate quarterly. */
  | 'old_secret'

export interface AnomalyEvent {
  readonly type: 'anomaly'
  readonly kind: AnomalyKind
  readonly keyId: string
  readonly origin?: string
  readonly address?: string
  readonly secretId?: string
  /** Events in the window, and what the key usually has in one; `volume_spike` and `sudden_silence`. */
  readonly observed?: number
  readonly expected?: number
}
