import type { AuditEntry } from '../keys/audit-entry.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import type { ParsedListQuery } from '../keys/list-query.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import type { FleetStore } from './fleet-store.ts'
import type { AuditLog, UsageStore } from './usage-store.ts'

export interface KeyRecordPage {
  data: KeyRecord[]
  /** Whether more keys follow this page. */
  more: boolean
}

/**
 * A place in a store's history: its newest revision, and the random mark (16 characters) of that revision.
 */
export interface Position {
  readonly revision: number
  readonly mark: string
}

/**
 * One question, answered by one statement in one snapshot on a server that says it is the primary. A lookup
 * is a poll with one more column.
 */
export interface PollQuestion {
  /** Where the process stands; `null`: it knows nothing yet. */
  readonly since: Position | null
  /** The digest of a presented secret, lower-case hex: asks for the key that owns it. */
  readonly keyHash?: string
}

export interface PollAnswer {
  readonly position: Position
  /**
   * Whether `since` is part of this history. `'pruned'`: it is too old to tell. `'lost'`: this is another
   * history, after a failover or a restore. `'kept'` when `since` is `null`.
   */
  readonly history: 'kept' | 'pruned' | 'lost'
  /**
   * Ids of the keys that were changed or removed after `since`. `'all'` when that is not known, as unless
   * `since` was kept: then everything is read again.
   */
  readonly changed: readonly string[] | 'all'
  /** The store's lease in milliseconds: no process may trust its cache for longer. */
  readonly leaseMs: number
  /** Whether somebody looks at decisions, see `FleetStore.look`. */
  readonly isWatched?: boolean
  /** All fingerprints given to `notePepper`; absent from stores that keep none. */
  readonly peppers?: readonly string[]
  /** The key that owns `keyHash`; absent when there is none, or when it was not asked for. */
  readonly record?: KeyRecord
}

/** A store's lease until somebody sets another, in milliseconds. */
export const defaultLeaseMs = 2_000

/** A change that was committed. */
export interface CommittedChange {
  /** The revision and mark that the change wrote. */
  readonly position: Position
  /**
   * How long processes may go on trusting their caches, in milliseconds. Read in the change's transaction,
   * under its lock.
   */
  readonly leaseMs: number
}

/** A key to be made, with its audit entry. */
export interface Creation {
  readonly record: KeyRecord
  readonly audit: AuditEntry
}

/** One secret of a key, as the index of existing digests needs it. */
export interface ExistingSecret {
  readonly keyId: string
  readonly keyHash: string
}

/**
 * Lists which secrets exist, so that a process can tell an unknown key from one that it has not looked up
 * yet.
 */
export interface ExistingSecrets {
  /**
   * The secrets whose `keyHash` follows `after` (`null`: from the first), in ascending order, at most
   * `limit`. An empty page is the end. Called page by page at a process's start, and when its place in the
   * history is lost.
   */
  page(after: string | null, limit: number): Awaitable<readonly ExistingSecret[]>
  /**
   * The present secrets of these keys; none for a key that was removed. Called for keys that a poll reports
   * as changed, at most 1 000.
   */
  of(keyIds: readonly string[]): Awaitable<readonly ExistingSecret[]>
}

/** Called when something changed. Without ids, any key may have changed. */
export type ChangeListener = (keyIds?: readonly string[]) => void

/**
 * Holds write keys. Every write is one transaction that also raises the store's single revision and adds the
 * audit entry. It happens as a whole or not at all. Any throw or rejection means "unreachable": verification
 * answers 503, management calls reject.
 */
export interface KeyStore {
  /**
   * `'process'`: nobody outside this process can change the keys, and `watch` is called before a write
   * returns, so the cache never goes stale. `'shared'`: other processes can; the cache is trusted for a
   * lease.
   */
  readonly scope: 'process' | 'shared'
  /**
   * Answers from one snapshot, by indexed reads of the primary. Called every quarter of a lease, on hints and
   * with every cache miss. Rejects with `store_not_primary` rather than answer from a replica.
   */
  poll(question: PollQuestion): Awaitable<PollAnswer>
  get(id: string): Awaitable<KeyRecord | undefined>
  /** Those of these keys that exist, at most 100, in any order. Without it they are read one by one. */
  getMany?(ids: readonly string[]): Awaitable<readonly KeyRecord[]>
  /** In the order of `sort`, after `after`. */
  list(query: ParsedListQuery): Awaitable<KeyRecordPage>
  /**
   * The ids of keys that fit and follow `after` (`null`: from the first), in ascending order, at most `limit`.
   * Fewer than `limit` are the last. Called page by page for lists that are sorted by counts. Without it whole
   * keys are read for them.
   */
  ids?(
    filter: Omit<ParsedListQuery, 'limit' | 'sort' | 'after'>,
    after: string | null,
    limit: number,
  ): Awaitable<readonly string[]>
  /** How many keys fit, whatever `limit` and `after` say. Without it lists have no total. */
  count?(query: ParsedListQuery): Awaitable<number>

  /**
   * Changes lock the store's one revision row, raise it by one and give it a new random mark, in the
   * transaction that makes the change. So revisions are in the order of commits. `undefined`: refused, and
   * nothing was written.
   */
  /**
   * @returns undefined when the id, one of the hashes, or the id of the audit entry exists, or when one of the
   * secrets has ended, see `ended`.
   */
  insert(record: KeyRecord, audit: AuditEntry): Awaitable<CommittedChange | undefined>
  /**
   * Makes several keys in one transaction, each as `insert` would. One that exists is left out and harms no
   * other; of two alike, the first is made. Each has its own revision, in order. At most 1 000. Without it
   * keys are inserted one by one.
   * @returns for each, in order, what `insert` returns.
   */
  insertAll?(creations: readonly Creation[]): Awaitable<readonly (CommittedChange | undefined)[]>
  /**
   * Writes `record` over its previous version.
   * @throws StoreError `schema_mixed` when processes that do not know the record's status may run on the
   * store.
   * @returns undefined unless the stored version is `record.version - 1`.
   */
  replace(record: KeyRecord, audit: AuditEntry): Awaitable<CommittedChange | undefined>
  /**
   * Removes the key, its secrets and its usage; the audit log stays. @returns undefined unless the stored
   * version is `version`.
   */
  remove(id: string, version: number, audit: AuditEntry): Awaitable<CommittedChange | undefined>

  /**
   * Remembers a fingerprint (4 hex digits) of the pepper that keys are hashed with, for good, unless the
   * store has others that are not in `known`. `poll` returns all of them. Called by each process before the
   * first key that it makes. Raises no revision. Without it a process with a wrong pepper takes good keys for
   * unknown ones.
   * @returns all fingerprints that the store has now.
   */
  notePepper?(fingerprint: string, known: readonly string[]): Awaitable<readonly string[]>
  /**
   * Sets the store's lease, for all processes. A longer lease counts from the next poll on. A shorter one is
   * set in two steps, so that changes wait for processes that still use the longer one; resolves after that.
   * Called once by a process whose application sets a lease.
   */
  setLease?(leaseMs: number): Awaitable<void>
  /**
   * Tells of changes sooner than the next poll. Hints may be lost or repeated.
   * @param onLost called with the reason when a connection that carries hints is lost, once until it is back.
   * @param onRestored called when it is back.
   * @returns a function that ends it.
   */
  watch?(listener: ChangeListener, onLost?: (error: unknown) => void, onRestored?: () => void): () => void

  /**
   * When those of these secrets ended that have ended, by hash, in milliseconds since the epoch: their key was
   * removed, or replaced by a version without them. At most 1 000 hashes. A store that has this notes the hash
   * in the transaction that ends the secret, for good, and keeps it out of `insert`, `insertAll` and what
   * `replace` adds, also while both happen at once. Called by imports. Without it the secret of a key that was
   * removed can be imported again.
   */
  ended?(keyHashes: readonly string[]): Awaitable<ReadonlyMap<string, number>>
  /** Without it only a budget bounds a flood of unknown keys. */
  readonly existing?: ExistingSecrets
  /** Volume and last use. Without it `usage` is empty. */
  readonly usage?: UsageStore
  /** What processes tell each other about traffic. Without it the management API shows one process alone. */
  readonly fleet?: FleetStore
  /** Reads the audit log. Without it the entries handed to writes may be dropped. */
  readonly audit?: AuditLog

  close(): Awaitable<void>
}

/**
 * Carries hints between processes for any store: messages that keys changed. They only ever remove trust: a
 * lost, repeated, late or forged one costs a question to the store and does no other harm.
 */
export interface ChangeHints {
  /**
   * Called after a change has committed. The change does not wait for it. A rejection is reported as
   * `hints_error`.
   */
  publish(keyIds: readonly string[]): Awaitable<void>
  /** As `KeyStore.watch`. */
  subscribe(listener: ChangeListener, onLost?: (error: unknown) => void, onRestored?: () => void): () => void
  close(): Awaitable<void>
}
