import type { AuditEntry } from '../keys/audit-entry.ts'
import type { Awaitable } from '../keys/awaitable.ts'

/** Length of a usage bucket in milliseconds. Buckets begin at multiples of it. */
export const usageBucketMs = 300_000

/** How many events of one kind a key had in one bucket. */
export interface UsageCount {
  readonly keyId: string
  /** Start of the bucket, milliseconds since the epoch. */
  readonly bucketAt: number
  /** `accepted`: `name` is an event type. `refused`: `name` is a reason, and requests are counted. */
  readonly kind: 'accepted' | 'refused'
  readonly name: string
  readonly count: number
}

/** What a process has counted since its last flush. */
export interface UsageBatch {
  counts: readonly UsageCount[]
  /** Time of the latest accepted event per key, milliseconds since the epoch. */
  lastEventAt: ReadonlyMap<string, number>
  /** Time of the latest accepted use per secret id. */
  lastUsedAt: ReadonlyMap<string, { keyId: string; at: number }>
}

export interface UsageQuery {
  keyIds: readonly string[]
  /** Both at the start of a bucket. */
  from: number
  to: number
  /**
   * Buckets this long, counted from `from`, are enough: a store that can, adds up the short ones and gives back
   * `bucketAt = from + n × bucketMs`. A multiple of `usageBucketMs`. May be ignored.
   */
  bucketMs: number
}

/** Keeps volume and last use. Part of a key store; never asked on the request path. */
export interface UsageStore {
  /** Adds counts and moves times forward, never back, in one transaction. Keys that are gone are skipped. Raises no revision. */
  add(batch: UsageBatch): Awaitable<void>
  /** Counts of these keys in buckets with `from <= bucketAt < to`, summed over processes. */
  read(query: UsageQuery): Awaitable<UsageCount[]>
  /** Time of the latest accepted event of these keys; keys without one are missing. */
  lastEvents(keyIds: readonly string[]): Awaitable<ReadonlyMap<string, number>>
  /** Forgets buckets that began before. */
  prune(before: number): Awaitable<void>
}

export interface AuditQuery {
  keyId?: string
  /** 1 to 100. */
  limit: number
  /** Where the previous page ended. */
  after?: { at: number; id: string }
}

/** The audit log of a key store. Entries of changes are written by the change itself; nothing is ever altered or removed. */
export interface AuditLog {
  /** Adds an entry that belongs to no change: a refused management call. */
  append(entry: AuditEntry): Awaitable<void>
  /** Newest first (by time, then id). */
  list(query: AuditQuery): Awaitable<{ data: AuditEntry[]; more: boolean }>
}
