import { StoreError } from '../../runtime/errors.ts'
import { bundlerHint, loadDriver } from './driver-import.ts'
import type { DriverModule } from './given-driver.ts'
import { primarySqliteCode } from './sqlite-failure.ts'

/** What Kysely's dialect needs of a driver: better-sqlite3's shape. */
export interface SqliteDatabase {
  close(): void
  /** Where `close` does not: writes what is in the log into the file. */
  emptyLog?(): void
  prepare(sql: string): Statement
}

interface Statement {
  readonly reader: boolean
  all(parameters: readonly unknown[]): unknown[]
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>
}

export type OpenSqlite = (path: string) => SqliteDatabase

/** The given driver, else the first that loads and opens databases. @throws StoreError `missing_driver`. */
export async function loadSqlite(given?: DriverModule): Promise<OpenSqlite> {
  if (given !== undefined) return openerOf(nameOf(given), given)
  const problems: string[] = []
  for (const name of Object.keys(drivers) as DriverName[]) {
    try {
      return openerOf(name, await loadDriver(name))
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new StoreError(
    'missing_driver',
    `SQLite needs the package "libsql" (npm install libsql) or "better-sqlite3", or Node.js 22.13 with its node:sqlite. Tried: ${problems.join('; ')}. ${bundlerHint}`,
  )
}

/**
 * better-sqlite3 loads without its native part, which package managers leave out when they run no build scripts, and fails
 * when it opens a database.
 * @throws StoreError `missing_driver`.
 */
function openerOf(name: DriverName, module: DriverModule): OpenSqlite {
  const open = drivers[name](module)
  try {
    open(':memory:').close()
  } catch (error) {
    const [cause] = (error as Error).message.replaceAll(/\s+/g, ' ').split(/\.? Tried:/)
    throw new StoreError(
      'missing_driver',
      `${name} opens no database: ${cause}. Its native part is missing or was built for another version of Node.js (npm rebuild ${name}; with pnpm first pnpm approve-builds)`,
    )
  }
  return open
}

/** libsql has the shape of better-sqlite3, and also `sync`. */
function nameOf(module: DriverModule): DriverName {
  const { DatabaseSync, default: Database } = module as {
    DatabaseSync?: unknown
    default?: { prototype: object }
  }
  if (DatabaseSync !== undefined) return 'node:sqlite'
  return Database !== undefined && 'sync' in Database.prototype ? 'libsql' : 'better-sqlite3'
}

type DriverName = keyof typeof drivers

type DatabaseClass = new (path: string) => SqliteDatabase

const drivers = {
  libsql:
    ({ default: Database }: DriverModule): OpenSqlite =>
    (path) =>
      adaptLibsql(new (Database as LibsqlClass)(path)),
  'better-sqlite3':
    ({ default: Database }: DriverModule): OpenSqlite =>
    (path) =>
      new (Database as DatabaseClass)(path),
  'node:sqlite':
    ({ DatabaseSync }: DriverModule): OpenSqlite =>
    (path) =>
      adaptNodeSqlite(new (DatabaseSync as NodeSqliteClass)(path)),
}

interface Libsql extends SqliteDatabase {
  exec(sql: string): void
}
type LibsqlClass = new (path: string) => Libsql

/**
 * libsql does not reset a statement that met a lock. A refused `begin` would stay "in progress" until it is
 * garbage collected: no transaction could be committed, and every read would be from the moment of that
 * `begin`, without later revocations. `exec` leaves nothing behind, so all writes are in transactions that begin with it.
 * A refused read would stay in progress as well, and from the next read on the connection would keep its lock, and what it sees.
 * Running it again resets it, so that comes first, whatever is next.
 */
function adaptLibsql(database: Libsql): SqliteDatabase {
  let refusedRead: (() => unknown) | undefined

  function finishRefused(): void {
    try {
      refusedRead?.()
    } catch (error) {
      if (isLocked(error)) throw error
    }
    refusedRead = undefined
  }

  function read(statement: Statement, parameters: readonly unknown[]): unknown[] {
    finishRefused()
    try {
      return statement.all(parameters)
    } catch (error) {
      if (isLocked(error)) refusedRead = () => statement.all(parameters)
      throw error
    }
  }

  function execute(sql: string) {
    finishRefused()
    database.exec(sql)
    return { changes: 0, lastInsertRowid: 0 }
  }

  return {
    close: () => database.close(),
    emptyLog: () => database.exec('pragma wal_checkpoint(truncate)'),
    prepare(sql) {
      if (/^(begin|commit|rollback|pragma \w+ =)/i.test(sql)) {
        return { reader: false, all: () => [], run: () => execute(sql), iterate: () => [].values() }
      }
      const statement = database.prepare(sql)
      return {
        reader: statement.reader,
        all: (parameters) => read(statement, parameters),
        run: (parameters) => statement.run(parameters),
        iterate: (parameters) => read(statement, parameters).values(),
      }
    },
  }
}

function isLocked(error: unknown): boolean {
  return primarySqliteCode(error) === 5
}

interface NodeSqlite {
  close(): void
  prepare(sql: string): {
    columns?(): unknown[]
    all(...parameters: unknown[]): unknown[]
    run(...parameters: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
    iterate(...parameters: unknown[]): IterableIterator<unknown>
  }
}
type NodeSqliteClass = new (path: string) => NodeSqlite

/**
 * `node:sqlite` takes parameters one by one and does not say whether a statement returns rows; before 22.16
 * not even its columns.
 */
function adaptNodeSqlite(database: NodeSqlite): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql)
      return {
        reader:
          statement.columns?.().length !== 0 &&
          !/^\s*(insert|update|delete|create|begin|commit|rollback)\b/i.test(sql),
        all: (parameters) => statement.all(...parameters),
        run: (parameters) => statement.run(...parameters),
        iterate: (parameters) => statement.iterate(...parameters),
      }
    },
  }
}
