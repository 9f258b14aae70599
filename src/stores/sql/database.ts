import { type Kysely, type RawBuilder, sql } from 'kysely'
import { idleInTransactionMs } from './connections.ts'
import type { SqlDialect } from './dialect.ts'
import { retryTransient, toStoreError } from './driver-errors.ts'
import type { TableNaming, Tables } from './tables.ts'

/** A database as the parts of the store see it. */
export interface Database {
  readonly dialect: SqlDialect
  readonly tables: Tables
  readonly naming: TableNaming
  /** Whether this package opened the connections. */
  readonly ownsConnections: boolean
  /** For what verification waits for: where this package owns the connections, one that hangs is cut after a second. */
  readonly reader: Kysely<unknown>
  /** For management, which may wait for locks. */
  readonly writer: Kysely<unknown>
}

/**
 * Runs one statement by itself and gives its rows. Repeated when the database asks for it. In SQLite writes go through
 * `transact`, see `adaptLibsql`.
 * @throws StoreError
 */
export async function query<Row>(
  connection: Kysely<unknown>,
  statement: RawBuilder<unknown>,
): Promise<Row[]> {
  try {
    return await retryTransient(async () => (await statement.execute(connection)).rows as Row[])
  } catch (error) {
    throw toStoreError(error)
  }
}

/** One statement of a transaction. */
export interface Transaction {
  rows<Row>(statement: RawBuilder<unknown>): Promise<Row[]>
  /** @returns how many rows were written. */
  write(statement: RawBuilder<unknown>): Promise<number>
}

/** Thrown inside a transaction to undo it and answer with a value. */
class Undo {
  constructor(readonly result: unknown) {}
}

/** Ends the transaction without a trace; it answers `result`. */
export function undo<T>(result: T): never {
  throw new Undo(result)
}

/**
 * Runs `work` in one transaction: all of it or nothing. Deadlocks, serialization failures and busy files are retried
 * from the start. @throws StoreError; after one, whether the transaction was committed is not known.
 */
export async function transact<T>(
  database: Database,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await retryTransient(() =>
      database.writer.connection().execute((connection) => attempt(database, connection, work)),
    )
  } catch (error) {
    if (error instanceof Undo) return error.result as T
    throw toStoreError(error)
  }
}

/**
 * SQLite: the write lock at once, as a transaction that begins by reading cannot get it once another has written.
 * PostgreSQL: each statement sees what is committed, whatever the application's default; the guard is the version.
 */
const begin = {
  sqlite: sql`begin immediate`,
  postgres: sql`begin isolation level read committed`,
  mysql: sql`start transaction`,
}
/** An acknowledged change must survive a crash, whatever the session's default. */
const durable = sql`select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'`
/** And brief. Not over an application's pool, whose clients may have nobody to listen when the server hangs up. */
const durableAndBrief = sql`select set_config('idle_in_transaction_session_timeout', ${sql.lit(String(idleInTransactionMs))}, true),
  case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end`
const commit = sql`commit`
const rollback = sql`rollback`

async function attempt<T>(
  { dialect, ownsConnections }: Database,
  connection: Kysely<unknown>,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const run = (statement: RawBuilder<unknown>) => statement.execute(connection)
  await run(begin[dialect])
  try {
    if (dialect === 'postgres') await run(ownsConnections ? durableAndBrief : durable)
    const result = await work({
      rows: async <Row>(statement: RawBuilder<unknown>) => (await run(statement)).rows as Row[],
      write: async (statement) => Number((await run(statement)).numAffectedRows ?? 0),
    })
    await run(commit)
    return result
  } catch (error) {
    // A connection that is gone has rolled back already; the first error says what was wrong.
    await run(rollback).catch(() => {})
    throw error
  }
}
