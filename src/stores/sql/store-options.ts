import { resolve } from 'node:path'
import { badOption, ConfigError } from '../../runtime/config-error.ts'
import { anything, flag, oneOf, optional, readOptions, text } from '../../runtime/options.ts'
import { adoptConnections } from './app-connections.ts'
import { type AdoptedPool, type ApplicationPool, adoptPool } from './app-pool.ts'
import type { Connections } from './connections.ts'
import { type AnyKysely, detectDialect, type SqlDialect, sqlDialects } from './dialect.ts'
import { assertSupportedVersion } from './driver-version.ts'
import { type DriverModule, parseDriver } from './given-driver.ts'
import { openMysql } from './mysql-connection.ts'
import { mysqlText } from './mysql-text.ts'
import { assertOneConnection } from './one-connection.ts'
import { makeListeningClient } from './postgres-client.ts'
import { openPostgres } from './postgres-connection.ts'
import type { ListeningClient } from './postgres-listener.ts'
import { openSqlite } from './sqlite-connection.ts'
import { parseStoreUrl, type StoreUrl } from './store-url.ts'

interface CommonOptions {
  /** What table names begin with: a letter or `_`, then at most 30 letters, digits and `_`. Default `'writekey_'`. */
  tablePrefix?: string | undefined
  /** The schema of the tables (a database in MySQL); `migrate()` makes it. Default: the connection's. */
  schema?: string | undefined
}

/** A store that makes its own connections. Its tables are made on first use. */
export interface SqlStoreUrlOptions extends CommonOptions {
  /**
   * `sqlite:PATH`, `sqlite::memory:`, `postgres://…`, `mysql://…` or `mariadb://…`. A relative PATH starts at
   * the present working directory. The driver (libsql, better-sqlite3, node:sqlite, pg, mysql2) loads on first use.
   */
  url: string
  /**
   * PostgreSQL: hear of changes within milliseconds, over a connection of its own (LISTEN). If `url` leads to a
   * pooler in transaction mode, give a URL that does not. Default `true`.
   */
  notifications?: boolean | string | undefined
  /** Whether the first use makes or upgrades the tables. `false`: call `migrate()`. Default `true`. */
  autoMigrate?: boolean | undefined
  /**
   * The driver's module, for bundles, which leave out what is loaded by name: `pg`, `mysql2`, `mysql2/promise`,
   * `libsql`, `better-sqlite3` or `node:sqlite`. Default: the installed one.
   */
  driver?: unknown
}

/** A store over an application's own pool of connections. Call `migrate()` once. */
export interface SqlStorePoolOptions extends CommonOptions {
  /**
   * A `Pool` of `pg`, or what `createPool()` of `mysql2` or `mysql2/promise` returns. The store does not close it.
   * Verification waits 1 s for an answer, management 15 s, both including the wait for a free connection.
   */
  pool: ApplicationPool
  /**
   * PostgreSQL: hear of changes within milliseconds (LISTEN). `true`: over a connection like the pool's, which
   * must not lead to a pooler in transaction mode. Default `false`.
   */
  notifications?: boolean | (() => ListeningClient) | undefined
}

/** A store in an application's own database and Kysely instance. Call `migrate()` once. */
export interface SqlStoreDbOptions extends CommonOptions {
  /** The application's Kysely instance. Its plugins are not used. The store does not close it. */
  db: AnyKysely
  /** Default: what the instance's adapter says. */
  dialect?: SqlDialect | undefined
  /**
   * PostgreSQL: hear of changes within milliseconds (LISTEN). Makes a client of `pg` that is not connected yet;
   * called again when the connection was lost. Default: none.
   */
  notifications?: false | (() => ListeningClient) | undefined
}

export type SqlStoreOptions = SqlStoreUrlOptions | SqlStorePoolOptions | SqlStoreDbOptions

/** What the options say. */
export interface ResolvedSqlStore {
  naming: { schema: string | undefined; prefix: string }
  dialect: SqlDialect
  isPrivate: boolean
  ownsConnections: boolean
  /** Whether the first use makes the tables. */
  autoMigrate: boolean
  open(): Promise<Connections>
  makeListener: (() => ListeningClient | Promise<ListeningClient>) | undefined
}

const readers = {
  url: optional((value, option) => parseStoreUrl(value, option)),
  db: optional(kyselyInstance),
  pool: optional((value, option) => adoptPool(value, option)),
  driver: anything<unknown>(),
  dialect: optional(oneOf(sqlDialects)),
  tablePrefix: sqlName(30, 'writekey_'),
  schema: optional(sqlName(62)),
  notifications: anything<unknown>(),
  autoMigrate: optional(flag(true)),
}

/** @throws ConfigError */
export function resolveOptions(options: SqlStoreOptions): ResolvedSqlStore {
  const read = readOptions('createSqlStore', options, readers)
  const { url, db, pool, tablePrefix: prefix, schema, notifications, autoMigrate } = read
  const naming = { schema, prefix }
  assertOneConnection(options, read)
  if (pool !== undefined || db !== undefined) assertForUrl(read)
  if (pool !== undefined) assertForDb(read, 'a pool')
  if (url !== undefined) assertForDb(read, 'a url')
  const reached =
    url !== undefined
      ? resolveUrl(url, notifications, read.driver)
      : pool !== undefined
        ? resolvePool(pool, notifications)
        : resolveDb(db as AnyKysely, read.dialect, notifications)
  return { naming, autoMigrate: url !== undefined && (autoMigrate ?? true), ...withKyselyChecked(reached) }
}

type OptionsRead = ReturnType<typeof readOptions<typeof readers>>

/** Options of `url` alone: without it they would have no effect. */
function assertForUrl({ autoMigrate, driver }: OptionsRead): void {
  if (autoMigrate === true) {
    throw new ConfigError(
      'autoMigrate',
      'autoMigrate belongs to url; tables beside yours are made by migrate().',
    )
  }
  if (driver !== undefined) {
    throw new ConfigError(
      'driver',
      'driver belongs to url; a pool and a Kysely instance bring their own. Leave it out.',
    )
  }
}

/** The option of `db` alone. @param given the value */
function assertForDb({ dialect }: OptionsRead, given: string): void {
  if (dialect === undefined) return
  throw new ConfigError('dialect', `dialect belongs to db; ${given} says by itself which database it is.`)
}

type Reached = Omit<ResolvedSqlStore, 'naming' | 'autoMigrate'>

function withKyselyChecked(reached: Reached): Reached {
  return {
    ...reached,
    async open() {
      assertSupportedVersion('kysely')
      return reached.open()
    },
  }
}

function resolveUrl(
  { dialect, private: isPrivate, target }: StoreUrl,
  notifications: unknown,
  given: unknown,
): Reached {
  const driver = given === undefined ? undefined : parseDriver(given, dialect)
  const listenAt = listeningTarget(target, notifications)
  // Resolved now: a process that changes its working directory later means the same file.
  const place = dialect === 'sqlite' && !isPrivate ? resolve(target) : target
  return {
    dialect,
    isPrivate,
    ownsConnections: true,
    open: () => openers[dialect](place, driver),
    makeListener:
      dialect !== 'postgres' || listenAt === undefined
        ? undefined
        : () => makeListeningClient(listenAt, driver),
  }
}

/** Where to listen for changes; `undefined`: nowhere. */
function listeningTarget(target: string, notifications: unknown = true): string | undefined {
  if (typeof notifications === 'boolean') return notifications ? target : undefined
  if (typeof notifications === 'string') {
    const { dialect, target: direct } = parseStoreUrl(notifications, 'notifications')
    if (dialect === 'postgres') return direct
  }
  throw badOption('notifications', notifications, 'true, false, or a URL postgres://…')
}

type Opener = (target: StoreUrl['target'], driver: DriverModule | undefined) => Promise<Connections>

const openers: Record<SqlDialect, Opener> = {
  sqlite: openSqlite,
  postgres: openPostgres,
  mysql: openMysql,
}

function resolvePool({ dialect, open, makeClient }: AdoptedPool, notifications: unknown = false): Reached {
  if (typeof notifications !== 'boolean' && typeof notifications !== 'function') {
    throw badOption('notifications', notifications, 'true, false, or a function that makes a client of pg')
  }
  const makeListener =
    typeof notifications === 'function' ? (notifications as () => ListeningClient) : makeClient
  return {
    dialect,
    isPrivate: false,
    ownsConnections: false,
    open,
    makeListener: notifications !== false && dialect === 'postgres' ? makeListener : undefined,
  }
}

function resolveDb(db: AnyKysely, dialect: SqlDialect | undefined, notifications: unknown = false): Reached {
  if (notifications !== false && typeof notifications !== 'function') {
    throw badOption('notifications', notifications, 'a function that makes a client of pg, or false')
  }
  // Plugins rename columns and turn text into objects; these statements are not written for them.
  const found = dialect ?? detectDialect(db)
  const plain = found === 'mysql' ? db.withoutPlugins().withPlugin(mysqlText) : db.withoutPlugins()
  return {
    dialect: found,
    isPrivate: false,
    ownsConnections: false,
    open: () => adoptConnections(plain, found),
    makeListener:
      notifications !== false && found === 'postgres' ? (notifications as () => ListeningClient) : undefined,
  }
}

function kyselyInstance(value: unknown, option: string): AnyKysely {
  const db = value as AnyKysely | null
  if (typeof db?.getExecutor !== 'function') throw badOption(option, value, 'a Kysely instance')
  if (!db.isTransaction) return db
  throw new ConfigError(
    option,
    `${option} must be a Kysely instance with connections of its own; received a transaction.`,
  )
}

function sqlName(further: number, fallback?: string) {
  const expected = `a letter or _, followed by up to ${further} letters, digits and _`
  return text(new RegExp(`^[A-Za-z_][A-Za-z0-9_]{0,${further}}$`), expected, fallback)
}
