import { StoreError } from '../../runtime/errors.ts'
import { inBackground } from '../../runtime/timers.ts'
import type { FleetStore } from '../fleet-store.ts'
import type { ChangeListener, CommittedChange, KeyStore } from '../key-store.ts'
import type { AuditLog, UsageStore } from '../usage-store.ts'
import { appendAudit, listAudit } from './audit.ts'
import { insertKeys } from './bulk-insert.ts'
import { closeInTime } from './closing.ts'
import type { Connections } from './connections.ts'
import type { Database, MigratedDatabase } from './database.ts'
import { toStoreError } from './driver-errors.ts'
import { pageSecrets, secretsOf } from './existing-secrets.ts'
import { createSqlFleet } from './fleet.ts'
import { countKeys, getKey, listKeys } from './key-reads.ts'
import { insertKey, removeKey, replaceKey } from './key-writes.ts'
import { assertCurrent, type MigrateOptions, migrate, planMigration, readSchemaState } from './migration.ts'
import { notePepper } from './peppers.ts'
import { poll } from './poll.ts'
import { listenForChanges } from './postgres-listener.ts'
import { findPrimaryExpression } from './primary.ts'
import { channelName } from './revision.ts'
import { resolveOptions, type SqlStoreOptions } from './store-options.ts'
import { setLease } from './stored-lease.ts'
import { nameTables } from './table-names.ts'
import { createSqlUsage } from './usage.ts'

/** Keys in an SQL database: PostgreSQL, MySQL and MariaDB, SQLite. */
export interface SqlStore extends KeyStore {
  readonly usage: UsageStore
  readonly fleet: FleetStore
  readonly audit: AuditLog
  /**
   * Makes the tables, or brings them up to date. Safe to call by many processes at once and again after a
   * crash.
   * @param options.finish whether to shut out processes of older versions, which answer 503 from then on.
   * Until then `pause` is refused with `schema_mixed` on tables that an older version has made.
   * @throws StoreError `schema_too_new` when a later version made them that this code cannot run on; nothing
   * is written then.
   */
  migrate(options?: MigrateOptions): Promise<void>
  /**
   * The statements that `migrate(options)` would run now, in their order, for a review or another tool; none
   * when there is nothing to do. Runs none of them. @throws StoreError `schema_too_new`
   */
  planMigration(options?: MigrateOptions): Promise<string[]>
}

/** SQLite answers from the same machine in microseconds: a longer lease would only make revocations wait. */
const longestSqliteLeaseMs = 100

/** Who watches, and what they are told. */
interface Watcher {
  listener: ChangeListener
  onLost: ((error: unknown) => void) | undefined
  onRestored: (() => void) | undefined
}

/**
 * Keeps write keys in an SQL database, beside an application's tables or on its own.
 *
 * Every call rejects with `StoreError`: `missing_driver`, `schema_missing` and `schema_outdated` (call
 * `migrate()`), `schema_too_new`, `store_not_primary`, `store_in_transaction`, `store_timeout`,
 * `store_unavailable`.
 * @throws ConfigError for an unknown option or a bad value.
 * @example
 * ```ts
 * const keys = createWriteKeys({ store: createSqlStore({ url: 'sqlite:./keys.db' }) })
 * ```
 */
export function createSqlStore(options: SqlStoreOptions): SqlStore {
  const { naming, dialect, isPrivate, ownsConnections, autoMigrate, open, makeListener } =
    resolveOptions(options)
  const tables = nameTables(naming)
  const watchers = new Set<Watcher>()
  /**
   * Under way. A file closed in the middle of a transaction may stay locked: libsql lets go of it when it is
   * garbage.
   */
  const calls = new Set<Promise<unknown>>()
  const pauses = new Set<() => void>()
  let connecting: Promise<Connections> | undefined
  let preparing: Promise<Database> | undefined
  let stopListening: (() => Promise<void>) | undefined
  let closed = false

  async function connect(): Promise<Connections> {
    if (closed) throw new StoreError('store_unavailable', 'This store has been closed.')
    connecting ??= open().catch((error: unknown) => {
      connecting = undefined
      throw toStoreError(error)
    })
    return connecting
  }

  async function ready(): Promise<Database> {
    const connections = await connect()
    try {
      if (await connections.followFile?.()) preparing = undefined
    } catch (error) {
      throw toStoreError(error)
    }
    preparing ??= prepare(connections).catch((error: unknown) => {
      preparing = undefined
      throw toStoreError(error)
    })
    return preparing
  }

  /** Migrates what is this package's alone, and looks at what is the application's. */
  async function prepare(connections: Connections): Promise<Database> {
    const { reader, writer } = connections
    const database: MigratedDatabase = { dialect, naming, tables, ownsConnections, writer }
    if (autoMigrate) await migrate(database)
    else assertCurrent(await readSchemaState(database))
    return { ...database, reader, isPrimary: await findPrimaryExpression(dialect, reader) }
  }

  function track<T>(call: Promise<T>): Promise<T> {
    calls.add(call)
    const forget = () => calls.delete(call)
    call.then(forget, forget)
    return call
  }

  /**
   * Older tables may be put in place of those that were there: with connections of its own, the store
   * migrates them as at its start.
   */
  function lookAgain(error: unknown): never {
    if (error instanceof StoreError && error.code === 'schema_outdated') preparing = undefined
    throw error
  }

  const onDatabase = <T>(work: (database: Database) => Promise<T>) =>
    track(ready().then(work).catch(lookAgain))

  /**
   * Waits; at once false when the store is closed meanwhile. A process that has nothing else to do may end.
   */
  function pause(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        pauses.delete(end)
        resolve(!closed)
      }
      const timer = setTimeout(end, ms)
      inBackground(timer)
      pauses.add(end)
    })
  }

  const tell: ChangeListener = (keyIds) => {
    for (const { listener } of watchers) listener(keyIds)
  }

  function listen(makeClient: NonNullable<typeof makeListener>): () => Promise<void> {
    return listenForChanges(makeClient, channelName({ naming }), {
      onChange: tell,
      onLost: (error) => {
        for (const { onLost } of watchers) onLost?.(error)
      },
      onRestored: () => {
        for (const { onRestored } of watchers) onRestored?.()
      },
    })
  }

  /**
   * Those who share this object hear of a change before it is acknowledged; others by their poll or a
   * notification.
   */
  async function change(
    keyId: string,
    work: (database: Database) => Promise<CommittedChange | undefined>,
  ): Promise<CommittedChange | undefined> {
    const committed = await onDatabase(work)
    if (committed !== undefined) tell([keyId])
    return committed
  }

  return {
    scope: isPrivate ? 'process' : 'shared',

    poll: (question) => onDatabase((database) => poll(database, question)),
    get: (id) => onDatabase((database) => getKey(database, id)),
    list: (query) => onDatabase((database) => listKeys(database, query)),
    count: (query) => onDatabase((database) => countKeys(database, query)),

    insert: (record, audit) => change(record.id, (database) => insertKey(database, record, audit)),
    async insertAll(creations) {
      const committed = await onDatabase((database) => insertKeys(database, creations))
      const made = creations.filter((_, index) => committed[index] !== undefined)
      if (made.length > 0) tell(made.map(({ record }) => record.id))
      return committed
    },
    replace: (record, audit) => change(record.id, (database) => replaceKey(database, record, audit)),
    remove: (id, version, audit) => change(id, (database) => removeKey(database, id, version, audit)),

    notePepper: (fingerprint, known) => onDatabase((database) => notePepper(database, fingerprint, known)),

    // Not among the calls that closing waits for: it may wait for a lease.
    async setLease(leaseMs) {
      const wantedMs = dialect === 'sqlite' ? Math.min(leaseMs, longestSqliteLeaseMs) : leaseMs
      await setLease(await ready(), wantedMs, pause)
    },

    watch(listener, onLost, onRestored) {
      // Two caches may hand in the same function: each gets its own place.
      const watcher = { listener, onLost, onRestored }
      watchers.add(watcher)
      if (makeListener !== undefined) stopListening ??= listen(makeListener)
      return () => {
        watchers.delete(watcher)
        if (watchers.size > 0) return
        stopListening?.()
        stopListening = undefined
      }
    },

    existing: {
      page: (after, limit) => onDatabase((database) => pageSecrets(database, after, limit)),
      of: (keyIds) => onDatabase((database) => secretsOf(database, keyIds)),
    },
    usage: createSqlUsage(onDatabase),
    fleet: createSqlFleet(onDatabase),
    audit: {
      append: (entry) => onDatabase((database) => appendAudit(database, entry)),
      list: (query) => onDatabase((database) => listAudit(database, query)),
    },

    async migrate(options) {
      const { writer } = await connect()
      await track(migrate({ dialect, naming, tables, ownsConnections, writer }, options))
    },

    async planMigration(options) {
      const { writer } = await connect()
      return track(planMigration({ dialect, naming, tables, ownsConnections, writer }, options))
    },

    async close() {
      if (closed) return
      closed = true
      watchers.clear()
      for (const end of [...pauses]) end()
      await closeInTime(calls, stopListening, connecting)
    },
  }
}
