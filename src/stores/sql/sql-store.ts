import { sql } from 'kysely'
import { ConfigError, StoreError, unknownOption } from '../../keys/errors.ts'
import type { ChangeListener, KeyStore } from '../key-store.ts'
import type { AuditLog, UsageStore } from '../usage-store.ts'
import { appendAudit, listAudit } from './audit.ts'
import type { Connections } from './connections.ts'
import { type Database, query } from './database.ts'
import { type AnyKysely, detectDialect, type SqlDialect, sqlDialects } from './dialect.ts'
import { toStoreError } from './driver-errors.ts'
import { findByHash, getKey, listKeys } from './key-reads.ts'
import { insertKey, removeKey, replaceKey } from './key-writes.ts'
import { longestLeaseMs, registerLease, releaseLease } from './leases.ts'
import { assertNotNewer, migrate, readSchemaVersion } from './migration.ts'
import { openMysql } from './mysql-connection.ts'
import { loadPostgres, openPostgres } from './postgres-connection.ts'
import { type ListeningClient, listenForChanges } from './postgres-listener.ts'
import { channelName, readChanges } from './revision.ts'
import { openSqlite } from './sqlite-connection.ts'
import { parseStoreUrl, type StoreUrl } from './store-url.ts'
import { nameTables } from './tables.ts'
import { createSqlUsage } from './usage.ts'

interface CommonOptions {
  /** What the names of the tables begin with: a letter or `_`, then up to 30 letters, digits and `_`. Default `'writekey_'`. */
  tablePrefix?: string
  /** The schema of the tables (a database in MySQL); it has to exist. Default: the connection's. */
  schema?: string
}

/** A store that makes its own connections. Its tables are made on first use. */
export interface SqlStoreUrlOptions extends CommonOptions {
  /**
   * `sqlite:PATH`, `sqlite::memory:`, `postgres://…`, `mysql://…` or `mariadb://…`. The driver (libsql, better-sqlite3 or node:sqlite;
   * pg; mysql2) is loaded on first use.
   */
  url: string
  /** PostgreSQL: hear of changes over a further connection (LISTEN), in milliseconds instead of by the next poll. Default `true`. */
  notifications?: boolean
}

/** A store in an application's own database and pool. `migrate()` has to be called once. */
export interface SqlStoreDbOptions extends CommonOptions {
  /** The application's Kysely instance. Plugins are left out. Stays open when the store is closed. */
  db: AnyKysely
  /** Default: what the instance's adapter says. */
  dialect?: SqlDialect
  /**
   * PostgreSQL: makes a client of `pg`, not connected yet, over which to hear of changes (LISTEN), in milliseconds instead
   * of by the next poll. Called again whenever the connection was lost. Default: none.
   */
  notifications?: false | (() => ListeningClient)
}

export type SqlStoreOptions = SqlStoreUrlOptions | SqlStoreDbOptions

/** Keys in an SQL database: PostgreSQL, MySQL and MariaDB, SQLite. */
export interface SqlStore extends KeyStore {
  readonly usage: UsageStore
  readonly audit: AuditLog
  /**
   * Makes the tables, or brings them up to date. Safe to call by many processes at once and again after a crash.
   * @throws StoreError `schema_too_new` when a later version made them; nothing is written then.
   */
  migrate(): Promise<void>
}

/** SQLite answers from the same machine in microseconds; a shell command that revokes need not wait long. */
const sqliteLeaseMs = 100

/**
 * Keeps write keys in an SQL database, beside an application's tables or on its own.
 *
 * Every call rejects with `StoreError`: `missing_driver`, `schema_missing` (call `migrate()`), `schema_too_new`,
 * `store_timeout`, `store_unavailable`.
 * @throws ConfigError for an unknown option or a bad value.
 * @example
 * ```ts
 * const keys = createWriteKeys({ store: createSqlStore({ url: 'sqlite:./keys.db' }) })
 * ```
 */
export function createSqlStore(options: SqlStoreOptions): SqlStore {
  const { dialect, isPrivate, ownsConnections, open, makeListener } = resolveOptions(options)
  const naming = { schema: options.schema, prefix: options.tablePrefix ?? 'writekey_' }
  const tables = nameTables(naming)
  const listeners = new Set<ChangeListener>()
  /** Under way. A file closed in the middle of a transaction may stay locked: libsql lets go of it when it is garbage. */
  const calls = new Set<Promise<unknown>>()
  let connecting: Promise<Connections> | undefined
  let checking: Promise<void> | undefined
  let stopListening: (() => Promise<void>) | undefined
  let closed = false

  async function connect(): Promise<Database> {
    if (closed) throw new StoreError('store_unavailable', 'This store has been closed.')
    connecting ??= open().catch((error: unknown) => {
      connecting = undefined
      throw toStoreError(error)
    })
    const { reader, writer } = await connecting
    return { dialect, naming, tables, ownsConnections, reader, writer }
  }

  async function ready(): Promise<Database> {
    const database = await connect()
    checking ??= prepareSchema(database).catch((error: unknown) => {
      checking = undefined
      throw error
    })
    await checking
    return database
  }

  function onDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const call = ready().then(work)
    calls.add(call)
    const forget = () => calls.delete(call)
    call.then(forget, forget)
    return call
  }

  const tell: ChangeListener = (keyIds) => {
    for (const listener of listeners) listener(keyIds)
  }

  /** Those who share this object hear of a change before it is acknowledged; others by their poll or a notification. */
  async function write(keyId: string, work: (database: Database) => Promise<boolean>): Promise<boolean> {
    const written = await onDatabase(work)
    if (written) tell([keyId])
    return written
  }

  return {
    scope: isPrivate ? 'process' : 'shared',
    ...(dialect === 'sqlite' && { leaseMs: sqliteLeaseMs }),

    findByHash: (keyHash) => onDatabase((database) => findByHash(database, keyHash)),
    get: (id) => onDatabase((database) => getKey(database, id)),
    list: (query) => onDatabase((database) => listKeys(database, query)),

    insert: (record, audit) => write(record.id, (database) => insertKey(database, record, audit)),
    replace: (record, audit) => write(record.id, (database) => replaceKey(database, record, audit)),
    remove: (id, version, audit) => write(id, (database) => removeKey(database, id, version, audit)),

    changes: (since) => onDatabase((database) => readChanges(database, since)),
    watch(listener) {
      // Two caches may hand in the same function: each gets its own place.
      const place: ChangeListener = (keyIds) => listener(keyIds)
      listeners.add(place)
      if (makeListener !== undefined) {
        stopListening ??= listenForChanges(makeListener, channelName({ naming }), tell)
      }
      return () => {
        listeners.delete(place)
        if (listeners.size > 0) return
        stopListening?.()
        stopListening = undefined
      }
    },

    registerLease: (holder, leaseMs) => onDatabase((database) => registerLease(database, holder, leaseMs)),
    releaseLease: (holder) => onDatabase((database) => releaseLease(database, holder)),
    longestLeaseMs: (except) => onDatabase((database) => longestLeaseMs(database, except)),

    usage: createSqlUsage(onDatabase),
    audit: {
      append: (entry) => onDatabase((database) => appendAudit(database, entry)),
      list: (query) => onDatabase((database) => listAudit(database, query)),
    },

    async migrate() {
      await migrate(await connect())
    },
    async close() {
      if (closed) return
      closed = true
      listeners.clear()
      await stopListening?.()
      const connections = await connecting?.catch(() => undefined)
      await settle(calls)
      await connections?.close()
    },
  }
}

/** Longest time `close` waits for calls that a database leaves hanging, in milliseconds. */
const closingMs = 5_000

async function settle(calls: ReadonlySet<Promise<unknown>>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise((resolve) => {
    timer = setTimeout(resolve, closingMs)
  })
  await Promise.race([Promise.allSettled(calls), tooLong])
  clearTimeout(timer)
}

async function prepareSchema(database: Database): Promise<void> {
  if (database.ownsConnections) return migrate(database)
  if (database.dialect === 'sqlite') await waitForLocks(database)
  const version = await readSchemaVersion(database)
  assertNotNewer(version)
  if (version !== undefined) return
  throw new StoreError(
    'schema_missing',
    "The store's tables are missing: call `await store.migrate()` at start.",
  )
}

const leastBusyTimeoutMs = 5_000

/** An application's SQLite connection has to wait for locks itself: what libsql does after it was refused one, see `adaptLibsql`. */
async function waitForLocks({ writer }: Database): Promise<void> {
  const [row] = await query<object>(writer, sql`pragma busy_timeout`)
  const timeoutMs = Number(Object.values(row ?? {})[0] ?? 0)
  if (timeoutMs < leastBusyTimeoutMs)
    await query(writer, sql.raw(`pragma busy_timeout = ${leastBusyTimeoutMs}`))
}

interface ResolvedSqlStore {
  dialect: SqlDialect
  isPrivate: boolean
  ownsConnections: boolean
  open(): Promise<Connections>
  makeListener: (() => ListeningClient | Promise<ListeningClient>) | undefined
}

const commonNames = ['tablePrefix', 'schema', 'notifications']

function resolveOptions(options: SqlStoreOptions): ResolvedSqlStore {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('createSqlStore options', options, 'an object with url or db')
  }
  const known = 'db' in options ? ['db', 'dialect', ...commonNames] : ['url', ...commonNames]
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw unknownOption('createSqlStore options', unknown, known)
  }
  assertName('tablePrefix', options.tablePrefix, /^[A-Za-z_][A-Za-z0-9_]{0,30}$/)
  assertName('schema', options.schema, /^[A-Za-z_][A-Za-z0-9_]{0,62}$/)
  return 'db' in options ? resolveDb(options) : resolveUrl(options)
}

function resolveUrl({ url, notifications = true }: SqlStoreUrlOptions): ResolvedSqlStore {
  const { dialect, private: isPrivate, target } = parseStoreUrl(url)
  if (typeof notifications !== 'boolean')
    throw new ConfigError('notifications', notifications, 'true or false')
  return {
    dialect,
    isPrivate,
    ownsConnections: true,
    open: () => openers[dialect](target),
    makeListener:
      dialect !== 'postgres' || !notifications
        ? undefined
        : async () => {
            const driver = await loadPostgres()
            return new driver.Client({
              connectionString: target,
              application_name: 'writekey changes',
              keepAlive: true,
              connectionTimeoutMillis: 3_000,
            })
          },
  }
}

const openers: Record<SqlDialect, (target: StoreUrl['target']) => Promise<Connections>> = {
  sqlite: openSqlite,
  postgres: openPostgres,
  mysql: openMysql,
}

function resolveDb({ db, dialect, notifications = false }: SqlStoreDbOptions): ResolvedSqlStore {
  if (typeof db?.getExecutor !== 'function') throw new ConfigError('db', db, 'a Kysely instance')
  if (dialect !== undefined && !sqlDialects.includes(dialect)) {
    throw new ConfigError('dialect', dialect, sqlDialects.map((name) => `'${name}'`).join(' or '))
  }
  if (notifications !== false && typeof notifications !== 'function') {
    throw new ConfigError('notifications', notifications, 'a function that makes a client of pg, or false')
  }
  // Plugins rename columns and turn text into objects; these statements are written for none.
  const plain = db.withoutPlugins()
  const found = dialect ?? detectDialect(db)
  return {
    dialect: found,
    isPrivate: false,
    ownsConnections: false,
    open: async () => ({ reader: plain, writer: plain, close: async () => {} }),
    makeListener: notifications !== false && found === 'postgres' ? notifications : undefined,
  }
}

function assertName(option: string, value: unknown, pattern: RegExp): void {
  if (value === undefined || (typeof value === 'string' && pattern.test(value))) return
  throw new ConfigError(option, value, 'a letter or _, followed by letters, digits and _')
}
