import type { EffectiveStatus } from './effective-status.ts'
import type { KeyRules, TrialRules } from './fields.ts'
import type { KeyStatus, PausedBy } from './key-status.ts'
import type { SourceType } from './source-type.ts'

/** One secret as people see it: no hash. */
export interface WriteKeySecret {
  readonly id: string
  /**
   * The first 12 characters, to tell secrets apart in lists. Of an imported secret a quarter, 12 at most;
   * empty when only its hash is known.
   */
  readonly start: string
  readonly createdAt: Date
  /** Accepted strictly before this moment; `null` = as long as the key. */
  readonly expiresAt: Date | null
  /** Last accepted use, written in batches; `null` = never. */
  readonly lastUsedAt: Date | null
  /** Whether it was made elsewhere and imported. */
  readonly imported: boolean
}

/** A write key as people see it. Holds neither the secret nor its hash. */
export interface WriteKey extends KeyRules {
  /** `wk_` and 16 base62 characters. Safe to log. */
  readonly id: string
  readonly name: string
  readonly sourceType: SourceType
  readonly environment: string
  /** The customer, team or project that the key belongs to; `null` = none. */
  readonly workspace: string | null
  /** A name in the option `plans`; `null` = the default plan. */
  readonly plan: string | null
  readonly status: KeyStatus
  /**
   * Whose pause it is; of a revoked key, whose pause was on it when it was revoked. `null` = none, or that of a
   * paused key is unknown, which counts as the operator's.
   */
  readonly pausedBy: PausedBy | null
  /** Rules on trial; `null` = none. */
  readonly trial: TrialRules | null
  /** Events per second; `null` = the plan's, else the application's default. */
  readonly rateLimitEps: number | null
  /** Events per second of one sender; `null` = the plan's, else no share of its own. */
  readonly senderRateLimitEps: number | null
  /** The rate that counts: the key's, else its plan's, else the default. `null` = unlimited. */
  readonly effectiveRateLimitEps: number | null
  /**
   * The share of one sender that counts: the key's, else its plan's. `null` = one sender may use the whole
   * rate.
   */
  readonly effectiveSenderRateLimitEps: number | null
  /**
   * Events that it may send in a calendar month (UTC), as its plan says. `null` = any number. `usage` tells
   * how many are left.
   */
  readonly effectiveMonthlyEvents: number | null
  /**
   * Bytes that one event of its rates and quota pays for: the application's option `eventBytes`. A larger
   * request costs one event for each of these begun.
   */
  readonly eventBytes: number
  /**
   * `status`, or what follows from its times: `expired`, or `rotating` while an earlier secret is still
   * accepted.
   */
  readonly effectiveStatus: EffectiveStatus
  readonly expiresAt: Date | null
  readonly metadata: Readonly<Record<string, unknown>> | null
  /** Oldest first. */
  readonly secrets: readonly WriteKeySecret[]
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly revokedAt: Date | null
  /** Grows by one with every change. Pass it back to `update` to detect edits in between. */
  readonly version: number
}

/** What is computed for the public face of a record. */
export type Effective = Pick<
  WriteKey,
  | 'effectiveRateLimitEps'
  | 'effectiveSenderRateLimitEps'
  | 'effectiveMonthlyEvents'
  | 'eventBytes'
  | 'effectiveStatus'
>

/** One secret of a key as a store holds it. Times are milliseconds since the epoch. */
export interface SecretRecord extends Omit<WriteKeySecret, 'createdAt' | 'expiresAt' | 'lastUsedAt'> {
  /** 32 bytes as lower-case hex; unique over all keys of a store. Never leaves the package. */
  readonly keyHash: string
  readonly createdAt: number
  /** Accepted strictly before this moment; `null` = as long as the key. */
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
}

/** A write key as a store holds it. Immutable: a change makes a new record with the next `version`. */
export interface KeyRecord
  extends Omit<
    WriteKey,
    'expiresAt' | 'secrets' | 'createdAt' | 'updatedAt' | 'revokedAt' | keyof Effective
  > {
  readonly expiresAt: number | null
  /** Oldest first. */
  readonly secrets: readonly SecretRecord[]
  readonly createdAt: number
  readonly updatedAt: number
  readonly revokedAt: number | null
}

/** The public face of a stored record: a copy, so that changing it changes no key behind a store's back. */
export function toWriteKey(record: KeyRecord, effective: Effective): WriteKey {
  const { expiresAt, createdAt, updatedAt, revokedAt, secrets, ...rest } = record
  return {
    ...structuredClone(rest),
    // A store of the application may hold keys from before there was the field.
    pausedBy: rest.pausedBy ?? null,
    ...effective,
    expiresAt: toDate(expiresAt),
    secrets: secrets.map((secret) => ({
      id: secret.id,
      start: secret.start,
      createdAt: new Date(secret.createdAt),
      expiresAt: toDate(secret.expiresAt),
      lastUsedAt: toDate(secret.lastUsedAt),
      // A store from before there were imports may not have the field.
      imported: secret.imported === true,
    })),
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
    revokedAt: toDate(revokedAt),
  }
}

function toDate(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms)
}
