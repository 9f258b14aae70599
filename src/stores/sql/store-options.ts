import { ConfigError, unknownOption } from '../../runtime/errors.ts'
import { adoptConnections } from './app-connections.ts'
import type { Connections } from './connections.ts'
import { type AnyKysely, detectDialect, type SqlDialect, sqlDialects } from './dialect.ts'
import { openMysql } from './mysql-connection.ts'
import { mysqlText } from './mysql-text.ts'
import { loadPostgres, openPostgres } from './postgres-connection.ts'
import type { ListeningClient } from './postgres-listener.ts'
import { openSqlite } from './sqlite-connection.ts'
import { parseStoreUrl, type StoreUrl } from './store-url.ts'

interface CommonOptions {
  /** What the names of the tables begin with: a letter or `_`, then up to 30 letters, digits and `_`. Default `'writekey_'`. */
  tablePrefix?: string
  /** The schema of the tables (a database in MySQL); `migrate()` makes it. Default: the connection's. */
  schema?: string
}

/** A store that makes its own connections. Its tables are made on first use. */
export interface SqlStoreUrlOptions extends CommonOptions {
  /**
   * `sqlite:PATH`, `sqlite::memory:`, `postgres://…`, `mysql://…` or `mariadb://…`. The driver (libsql, better-sqlite3 or
   * node:sqlite; pg; mysql2) is loaded on first use.
   */
  url: string
  /**
   * PostgreSQL: hear of changes over a further connection (LISTEN), in milliseconds instead of by the next poll. A URL where
   * `url` leads to a pooler that shares connections between transactions: LISTEN needs one of its own. Default `true`.
   */
  notifications?: boolean | string
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

/** What the options say. */
export interface ResolvedSqlStore {
  dialect: SqlDialect
  isPrivate: boolean
  ownsConnections: boolean
  open(): Promise<Connections>
  makeListener: (() => ListeningClient | Promise<ListeningClient>) | undefined
}

const commonNames = ['tablePrefix', 'schema', 'notifications']

/** @throws ConfigError */
export function resolveOptions(options: SqlStoreOptions): ResolvedSqlStore {
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
  const listenAt = typeof notifications === 'string' ? notifications : target
  const isUrl = typeof notifications === 'string' && parseStoreUrl(notifications).dialect === 'postgres'
  if (typeof notifications !== 'boolean' && !isUrl) {
    throw new ConfigError('notifications', typeof notifications, 'true, false, or a URL postgres://…')
  }
  return {
    dialect,
    isPrivate,
    ownsConnections: true,
    open: () => openers[dialect](target),
    makeListener:
      dialect !== 'postgres' || notifications === false
        ? undefined
        : async () => {
            const driver = await loadPostgres()
            return new driver.Client({
              connectionString: listenAt,
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
  if (db.isTransaction) {
    throw new ConfigError('db', 'a transaction', 'a Kysely instance with connections of its own')
  }
  // Plugins rename columns and turn text into objects; these statements are written for none.
  const found = dialect ?? detectDialect(db)
  const plain = found === 'mysql' ? db.withoutPlugins().withPlugin(mysqlText) : db.withoutPlugins()
  return {
    dialect: found,
    isPrivate: false,
    ownsConnections: false,
    open: () => adoptConnections(plain, found),
    makeListener: notifications !== false && found === 'postgres' ? notifications : undefined,
  }
}

function assertName(option: string, value: unknown, pattern: RegExp): void {
  if (value === undefined || (typeof value === 'string' && pattern.test(value))) return
  throw new ConfigError(option, value, 'a letter or _, followed by letters, digits and _')
}
