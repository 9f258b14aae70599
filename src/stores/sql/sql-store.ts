import { type OptionNames, readCallOptions } from '../../runtime/call-options.ts'
import type { FleetStore } from '../fleet-store.ts'
import type { CommittedChange, KeyStore } from '../key-store.ts'
import type { AuditLog, UsageStore } from '../usage-store.ts'
import { appendAudit, listAudit } from './audit.ts'
import { insertKeys } from './bulk-insert.ts'
import type { Database } from './database.ts'
import { findEnded } from './ended-secrets.ts'
import { pageSecrets, secretsOf } from './existing-secrets.ts'
import { createSqlFleet } from './fleet.ts'
import { countKeys, getKey, getKeys, listKeyIds, listKeys } from './key-reads.ts'
import { insertKey, removeKey, replaceKey } from './key-writes.ts'
import { type MigrateOptions, migrate, planMigration } from './migration.ts'
import { notePepper } from './peppers.ts'
import { poll } from './poll.ts'
import { listenForChanges } from './postgres-listener.ts'
import { createPresentTime } from './present-time.ts'
import { channelName } from './revision.ts'
import { createStoreDatabase } from './store-database.ts'
import { resolveOptions, type SqlStoreOptions } from './store-options.ts'
import { setLease } from './stored-lease.ts'
import { createSqlUsage } from './usage.ts'
import { createWatchers } from './watchers.ts'

/** Keys in an SQL database: PostgreSQL, MySQL and MariaDB, SQLite. */
export interface SqlStore extends KeyStore {
  readonly usage: UsageStore
  readonly fleet: FleetStore
  readonly audit: AuditLog
  /**
   * Makes the tables, or upgrades them. Safe to call from many processes at once, and again after a crash.
   * @param options.finish whether to shut out processes of older versions, which answer 503 from then on.
   * Until then `pause` is refused with `schema_mixed` on tables that an older version has made.
   * @throws StoreError `schema_too_new` when a later version made the tables and this code cannot run on
   * them; nothing is written then.
   */
  migrate(options?: MigrateOptions): Promise<void>
  /**
   * The statements that `migrate(options)` would run now, in order, for a review or another tool; none when
   * there is nothing to do. Runs none of them. @throws StoreError `schema_too_new`
   */
  planMigration(options?: MigrateOptions): Promise<string[]>
}

const migrateOptions: OptionNames<MigrateOptions> = { finish: true }

/** SQLite answers from the same machine in microseconds: a longer lease would only delay revocations. */
const longestSqliteLeaseMs = 100

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
  const resolved = resolveOptions(options)
  const { naming, dialect, isPrivate, makeListener } = resolved
  const watchers = createWatchers(
    makeListener && ((events) => listenForChanges(makeListener, channelName({ naming }), events)),
  )
  const opened = createStoreDatabase(resolved, watchers.makeRoom)
  const { use, useUnchecked, ready, isClosed, pause, close } = opened
  const { tell } = watchers
  const presentTime = createPresentTime()

  /** Watchers of this store hear of a change before the call returns, others by a poll or a notification. */
  async function change(
    keyId: string,
    work: (database: Database) => Promise<CommittedChange | undefined>,
  ): Promise<CommittedChange | undefined> {
    const committed = await use(work)
    if (committed !== undefined) tell([keyId])
    return committed
  }

  return {
    scope: isPrivate ? 'process' : 'shared',

    poll: (question) => use((database) => poll(database, question)),
    get: (id) => use((database) => getKey(database, id)),
    getMany: (ids) => use((database) => getKeys(database, ids)),
    list: (query) => use((database) => listKeys(database, query)),
    ids: (filter, after, limit) => use((database) => listKeyIds(database, filter, after, limit)),
    count: (query) => use((database) => countKeys(database, query)),

    insert: (record, audit) => change(record.id, (database) => insertKey(database, record, audit)),
    async insertAll(creations) {
      const committed = await use((database) => insertKeys(database, creations))
      const made = creations.filter((_, index) => committed[index] !== undefined)
      if (made.length > 0) tell(made.map(({ record }) => record.id))
      return committed
    },
    replace: (record, audit) => change(record.id, (database) => replaceKey(database, record, audit)),
    remove: (id, version, audit) => change(id, (database) => removeKey(database, id, version, audit)),

    notePepper: (fingerprint, known) => use((database) => notePepper(database, fingerprint, known)),

    // `close` does not wait for this call, which may wait for a lease.
    setLease(leaseMs) {
      const wantedMs = dialect === 'sqlite' ? Math.min(leaseMs, longestSqliteLeaseMs) : leaseMs
      return ready()
        .then((database) => setLease(database, wantedMs, pause))
        .catch((error) => failUnless(isClosed(), error))
    },

    watch: watchers.add,

    ended: (keyHashes) => use((database) => findEnded(database, keyHashes)),
    existing: {
      page: (after, limit) => use((database) => pageSecrets(database, after, limit)),
      of: (keyIds) => use((database) => secretsOf(database, keyIds)),
    },
    usage: createSqlUsage(use, presentTime, dialect),
    fleet: createSqlFleet(use, presentTime),
    audit: {
      append: (entry) => use((database) => appendAudit(database, entry)),
      list: (query) => use((database) => listAudit(database, query)),
    },

    async migrate(given = {}) {
      const options = readCallOptions('migrate', given, migrateOptions)
      return useUnchecked((database) => migrate(database, options))
    },
    async planMigration(given = {}) {
      const options = readCallOptions('planMigration', given, migrateOptions)
      return useUnchecked((database) => planMigration(database, options))
    },

    async close() {
      watchers.clear()
      await close(watchers.stopListening)
    },
  }
}

/** What closing the store has cut off is no failure. */
function failUnless(isClosed: boolean, error: unknown): void {
  if (!isClosed) throw error
}
