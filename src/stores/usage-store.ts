import type { AuditEntry } from '../keys/audit-entry.ts'
import type { Awaitable } from '../runtime/awaitable.ts'

/** Length of a usage bucket in milliseconds. Buckets begin at multiples of it. */
export const usageBucketMs = 300_000

/** The start of the bucket that a moment belongs to. */
export function toBucketStart(at: number): number {
  return at - (at % usageBucketMs)
}

/** How many events of one kind a key had in one bucket. */
export interface UsageCount {
  readonly keyId: string
  /** Start of the bucket, milliseconds since the epoch, by the store's clock as far as the process knows it. */
  readonly bucketAt: number
  /**
   * `accepted`: `name` is an event type. `refused`: `name` is a reason, and requests are counted. `trial`:
   * accepted events that rules on trial have judged; `name` is the reason for which they would have been
   * refused, or `passed`. `secret`: accepted events while the key had more than one secret; `name` is the id of
   * the secret.
   */
  readonly kind: 'accepted' | 'refused' | 'trial' | 'secret'
  readonly name: string
  readonly count: number
}

/**
 * Some hundred numbers that a process has counted. A process sends its batches one after another. A batch
 * without an answer is sent again, unchanged, until it gets one.
 */
export interface UsageBatch {
  /** The writer: 16 letters and digits, new for every `createWriteKeys`. */
  readonly writer: string
  /** Number of this batch within its writer: 1 and up, one more each time. */
  readonly number: number
  /** When the batch was made, by the store's clock as far as the process knows it; without `now`, by its own. */
  readonly madeAt: number
  readonly counts: readonly UsageCount[]
  /** Time of the latest accepted event per key, milliseconds since the epoch. */
  readonly lastEventAt: ReadonlyMap<string, number>
  /** Time of the latest accepted use per secret id. */
  readonly lastUsedAt: ReadonlyMap<string, { keyId: string; at: number }>
}

export interface UsageQuery {
  keyIds: readonly string[]
  /** Both at the start of a bucket. */
  from: number
  to: number
  /**
   * Buckets this long, counted from `from`, are enough: a store may add up the short ones and return
   * `bucketAt = from + n × bucketMs`. A multiple of `usageBucketMs`. May be ignored.
   */
  bucketMs: number
}

/** Which counts or sightings are old. */
export interface UsagePruning {
  /** How long they are kept, in milliseconds. */
  keptMs: number
  /** The process's time, which may be wrong. */
  now: number
}

/** Sums by key are asked for with this. */
export interface UsageSumQuery {
  kind: 'accepted' | 'refused'
  /** Keys that are asked about, any number. */
  keyIds: readonly string[]
  /** Both at the start of a bucket. */
  from: number
  to: number
}

/** Keeps volume and last use. Part of a key store, never asked on the request path. */
export interface UsageStore {
  /**
   * Adds counts once and moves times forward. Counts and the writer's batch number are written in one
   * transaction. A batch whose number is not above the writer's last was counted before, and is not counted
   * again. Numbers are remembered for 30 days after a writer's last batch. Keys that are gone are skipped.
   * Raises no revision.
   *
   * A time later than the store's own clock is taken as now, and a stored time that is later gives way to the
   * new one: one process with a wrong clock must not spoil what others count.
   */
  add(batch: UsageBatch): Awaitable<void>
  /** Counts of these keys in buckets with `from <= bucketAt < to`, summed over processes. */
  read(query: UsageQuery): Awaitable<UsageCount[]>
  /**
   * Counts of all keys in buckets with `from <= bucketAt < to`, summed over processes and buckets; `bucketAt`
   * is `from`. Without it volume is read key by key.
   */
  totals?(window: { from: number; to: number }): Awaitable<UsageCount[]>
  /**
   * What was counted of one kind in buckets with `from <= bucketAt < to`, by key. Keys without any are
   * missing, and others may be there as well. Called for lists that are sorted by counts. Without it `totals`
   * are added up.
   */
  sums?(query: UsageSumQuery): Awaitable<ReadonlyMap<string, number>>
  /** Time of the latest accepted event of these keys. Keys without one are missing. */
  lastEvents(keyIds: readonly string[]): Awaitable<ReadonlyMap<string, number>>
  /**
   * Forgets some counts whose bucket began more than `keptMs` ago, both by the process's clock and by the
   * store's own. A small part at a time, so that nobody waits for it. @returns whether there may be more.
   */
  prune(pruning: UsagePruning): Awaitable<boolean>
  /**
   * The store's own time, milliseconds since the epoch. Asked once a minute and before a batch, so that a process with a wrong
   * clock counts in the right buckets, and by reports. Left out by stores that only have the clock of the process.
   */
  now?(): Awaitable<number>
}

export interface AuditQuery {
  keyId?: string
  /** Entries of this workspace; `null`: those of none. Absent: all. */
  workspace?: string | null
  /** 1 to 100. */
  limit: number
  /** Where the previous page ended. */
  after?: { at: number; id: string }
}

/** The audit log of a key store. Each change writes its own entry; nothing is ever altered or removed. */
export interface AuditLog {
  /** Adds an entry without a change: a refused management call. */
  append(entry: AuditEntry): Awaitable<void>
  /** Newest first (by time, then id). */
  list(query: AuditQuery): Awaitable<{ data: AuditEntry[]; more: boolean }>
}
