import type { AuditEntry } from '../keys/audit-entry.ts'
import type { Awaitable } from '../keys/awaitable.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import type { ParsedListQuery } from '../keys/list-query.ts'
import type { AuditLog, UsageStore } from './usage-store.ts'

export interface KeyRecordPage {
  data: KeyRecord[]
  /** Whether keys follow this page. */
  more: boolean
}

/** What changed since a revision. */
export interface StoreChanges {
  revision: number
  /** Ids of the changed and removed keys, or `'all'` when the store can no longer tell. */
  changed: readonly string[] | 'all'
}

/** Told that something changed: which keys, or anything when it does not say. */
export type ChangeListener = (keyIds?: readonly string[]) => void

/**
 * Holds write keys. Every write is one transaction that also raises the store's single revision and adds the audit
 * entry; it happens as a whole or not at all. Any throw or rejection means "unreachable": verification answers 503,
 * management calls reject.
 */
export interface KeyStore {
  /**
   * `'process'`: nobody outside this process can change the keys, and `watch` is called before a write returns, so
   * that what is cached never goes stale. `'shared'`: other processes may; what is cached is trusted for a lease.
   */
  readonly scope: 'process' | 'shared'
  /** A lease in milliseconds shorter than the application's, for stores whose `changes` is nearly free. */
  readonly leaseMs?: number

  /** The key that owns the secret with this hash, by an indexed read of the primary. Called on a cache miss. */
  findByHash(keyHash: string): Awaitable<KeyRecord | undefined>
  get(id: string): Awaitable<KeyRecord | undefined>
  list(query: ParsedListQuery): Awaitable<KeyRecordPage>

  /** @returns false, and writes nothing, when the id, one of the hashes, or the id of the audit entry exists. */
  insert(record: KeyRecord, audit: AuditEntry): Awaitable<boolean>
  /** Writes `record` over its previous version. @returns false, and writes nothing, unless the stored version is `record.version - 1`. */
  replace(record: KeyRecord, audit: AuditEntry): Awaitable<boolean>
  /** Removes the key, its secrets and its usage; the audit log stays. @returns false unless the stored version is `version`. */
  remove(id: string, version: number, audit: AuditEntry): Awaitable<boolean>

  /**
   * The current revision and what changed after `since` (`null`: nothing is known yet). Revisions are handed out in
   * commit order: a change that commits later has a higher one. Polled every quarter of a lease; must be cheap.
   */
  changes(since: number | null): Awaitable<StoreChanges>
  /** Hints that something changed, sooner than the next poll. May be lost or repeated. @returns a function that ends it. */
  watch?(listener: ChangeListener): () => void

  /**
   * Makes sure that changes wait for this cache: records that its lease may be this long. Awaited before the first cached
   * key is trusted, and every ten minutes from then on; a registration has to count for at least twice that and ten
   * minutes more, the longest lease. Stores of scope `'process'` need none.
   * @param holder names the cache; 1 to 80 ASCII characters.
   */
  registerLease?(holder: string, leaseMs: number): Awaitable<void>
  /** Forgets a registration. Called when the cache has been closed; a rejection is ignored. */
  releaseLease?(holder: string): Awaitable<void>
  /**
   * The longest lease that any cache but this one has registered, in milliseconds; 0 when there is no other. Asked after
   * a change has committed: a cache that registers later reads what was committed before. Without it a change waits
   * for the application's own lease.
   */
  longestLeaseMs?(except: string): Awaitable<number>

  /** Volume and last use; without it `usage` has nothing to tell. */
  readonly usage?: UsageStore
  /** Reading the audit log; without it the entries handed to writes may be dropped. */
  readonly audit?: AuditLog

  close(): Awaitable<void>
}

/**
 * Carries hints between processes for any store: messages that keys changed. They only ever remove trust, so a lost,
 * repeated, late or forged one does no harm beyond a question to the store.
 */
export interface ChangeHints {
  /** Called after a change has committed. Not awaited by the change; a rejection is reported as `store_error`. */
  publish(keyIds: readonly string[]): Awaitable<void>
  /**
   * @param onLost told with the reason when hints can no longer be heard, once until they can be.
   * @param onRestored told when they can be heard again.
   * @returns a function that ends it.
   */
  subscribe(listener: ChangeListener, onLost?: (error: unknown) => void, onRestored?: () => void): () => void
  close(): Awaitable<void>
}
