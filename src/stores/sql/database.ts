import { type Kysely, type RawBuilder, sql } from 'kysely'
import { idleInTransactionMs, poolSize } from './connections.ts'
import { commit, rollback, type SqlDialect } from './dialect.ts'
import { isConnectionLost, retryTransient, toStoreError } from './driver-errors.ts'
import {
  assertFreshSnapshot,
  assertNothingUnfinished,
  assertOwnTransaction,
  transactionAgeColumn,
} from './open-transaction.ts'
import { inRoom, type Room } from './room.ts'
import type { TableNaming, Tables } from './table-names.ts'

/** A database as the parts of the store see it. */
export interface Database extends Room {
  readonly dialect: SqlDialect
  readonly tables: Tables
  readonly naming: TableNaming
  /** Whether this package opened the connections. */
  readonly ownsConnections: boolean
  /** For verification. Where this package owns the connections, one that hangs is cut after a second. */
  readonly reader: Kysely<unknown>
  /** For management, which may wait for locks. */
  readonly writer: Kysely<unknown>
  /** SQL that is 1 or true when the server that runs the statement is the primary; see `primary.ts`. */
  readonly isPrimary: RawBuilder<unknown>
}

/** The parts that migrating needs: nothing is known of the server yet. */
export type MigratedDatabase = Pick<
  Database,
  'dialect' | 'naming' | 'tables' | 'ownsConnections' | 'writer' | 'makeRoom'
>

/**
 * Reads by one statement, in one snapshot that is no older than the call; in PostgreSQL a statement that
 * `tells its age` leaves it to the caller to look at that. Retried when the database asks for
 * it, and at once when the connection turns out to be dead: servers and networks end idle connections, and a
 * process that was frozen has not noticed.
 * @throws StoreError
 */
export async function read<Row>(
  database: Database,
  statement: RawBuilder<unknown>,
  connection: Kysely<unknown> = database.writer,
  snapshot: 'unknown' | 'tells its age' = 'unknown',
): Promise<Row[]> {
  const { dialect, ownsConnections } = database
  const run = async () => {
    if (!ownsConnections && dialect !== 'postgres') return readInTransaction(connection, statement, dialect)
    if (!ownsConnections && snapshot === 'unknown')
      return connection.connection().execute(async (one) => {
        await assertFreshSnapshot(one)
        return (await statement.execute(one)).rows
      })
    return (await statement.execute(connection)).rows
  }
  try {
    return (await retryTransient(() => inRoom(database, () => retryLost(run, isConnectionLost)))) as Row[]
  } catch (error) {
    throw toStoreError(error)
  }
}

/**
 * For an application's connections. MySQL: with `autocommit=0` a pooled connection keeps the snapshot of its
 * first read, even for its next user. SQLite: inside a transaction of the application's, every read would see
 * the moment of its first.
 */
async function readInTransaction(
  connection: Kysely<unknown>,
  statement: RawBuilder<unknown>,
  dialect: Exclude<SqlDialect, 'postgres'>,
): Promise<unknown[]> {
  return connection.connection().execute(async (one) => {
    if (dialect === 'sqlite') await assertNothingUnfinished(one)
    else await isolate(one, committedReads)
    // SQLite refuses it when a transaction is open. MySQL ends that one, and then sees what is committed.
    await beginReading[dialect].execute(one)
    try {
      const { rows } = await statement.execute(one)
      await commit[dialect].execute(one)
      return rows
    } catch (error) {
      await rollback[dialect].execute(one).catch(() => {})
      throw error
    }
  })
}

/**
 * Writes by one statement that is a transaction of its own. In SQLite inside an explicit one: a statement
 * that met a lock would otherwise leave its snapshot open. @throws StoreError
 */
export async function writeAtOnce(database: Database, statement: RawBuilder<unknown>): Promise<void> {
  if (database.dialect === 'sqlite') {
    await transact(database, ({ write }) => write(statement))
    return
  }
  try {
    await retryTransient(() => inRoom(database, () => statement.execute(database.writer)))
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

/** Thrown inside a transaction to roll it back and return a value. */
class Undo {
  constructor(readonly result: unknown) {}
}

/** Rolls the transaction back; it returns `result`. */
export function undo<T>(result: T): never {
  throw new Undo(result)
}

/** The transaction did not begin: nothing was executed. */
class NotBegun {
  constructor(readonly cause: unknown) {}
}

/**
 * Runs `work` in one transaction: all of it or nothing. Deadlocks, serialization failures and busy files are
 * retried from the start. So is a transaction that could not begin because its connection was dead. @throws
 * StoreError; then it is unknown whether the transaction was committed.
 */
export async function transact<T>(
  database: Database,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const run = () => database.writer.connection().execute((connection) => attempt(database, connection, work))
  const neverBegan = (error: unknown) => error instanceof NotBegun && isConnectionLost(error.cause)
  try {
    return await retryTransient(() => inRoom(database, () => retryLost(run, neverBegan).catch(throwCause)))
  } catch (error) {
    if (error instanceof Undo) return error.result as T
    throw toStoreError(error)
  }
}

function throwCause(error: unknown): never {
  throw error instanceof NotBegun ? error.cause : error
}

/** All connections of a pool may have died while it was idle; the next one is new. */
async function retryLost<T>(run: () => Promise<T>, isLost: (error: unknown) => boolean): Promise<T> {
  for (let retries = poolSize; ; retries--) {
    try {
      return await run()
    } catch (error) {
      if (retries === 0 || !isLost(error)) throw error
    }
  }
}

/** Runs statements of a transaction over this connection. */
export function overConnection(connection: Kysely<unknown>): Transaction {
  return {
    rows: async <Row>(statement: RawBuilder<unknown>) => (await statement.execute(connection)).rows as Row[],
    write: async (statement) => Number((await statement.execute(connection)).numAffectedRows ?? 0),
  }
}

/**
 * SQLite: takes the write lock at once, because a transaction that begins by reading cannot get it after
 * another has written. The others: it may write, and in PostgreSQL each statement sees what is committed,
 * whatever the application's default.
 */
const begin = {
  sqlite: sql`begin immediate`,
  postgres: sql`begin isolation level read committed read write`,
  mysql: sql`start transaction read write`,
}
const beginReading = { sqlite: sql`begin deferred`, mysql: sql`start transaction` }
/** An acknowledged change must survive a crash, whatever the session's default. */
const durable = sql`case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end`
const durableInOwn = sql`select ${durable}, ${transactionAgeColumn}`
/**
 * Also limits its length. Not over an application's pool, whose clients may have no listener for a server
 * that hangs up.
 */
const durableAndBrief = sql`select set_config('idle_in_transaction_session_timeout', ${sql.lit(String(idleInTransactionMs))}, true), ${durable}`
/**
 * Of the next transaction alone, whatever an application's sessions have. READ UNCOMMITTED would show changes
 * that are undone later, and no snapshot. SERIALIZABLE would make polls wait for changes under way.
 */
const committedReads = sql`set transaction isolation level read committed`
/** For writes: a server that logs statements refuses them at any lower level. */
const repeatableReads = sql`set transaction isolation level repeatable read`

async function attempt<T>(
  { dialect, ownsConnections }: Database,
  connection: Kysely<unknown>,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  try {
    await beginOwn(dialect, ownsConnections, connection)
  } catch (error) {
    throw new NotBegun(error)
  }
  try {
    if (dialect === 'postgres' && ownsConnections) await durableAndBrief.execute(connection)
    const result = await work(overConnection(connection))
    await commit[dialect].execute(connection)
    return result
  } catch (error) {
    // A connection that is gone has rolled back already. The first error says what was wrong.
    await rollback[dialect].execute(connection).catch(() => {})
    throw error
  }
}

/** Not possible inside a transaction, such as one that `autocommit=0` has begun; `begin` would end that, too. */
async function isolate(connection: Kysely<unknown>, level: RawBuilder<unknown>): Promise<void> {
  try {
    await level.execute(connection)
  } catch (error) {
    if ((error as { errno?: unknown } | null)?.errno !== transactionInProgress) throw error
    await commit.mysql.execute(connection)
    await level.execute(connection)
  }
}

const transactionInProgress = 1568

/** Never joins or ends an application's transaction. In MySQL, which cannot tell, `begin` commits it. */
async function beginOwn(
  dialect: SqlDialect,
  ownsConnections: boolean,
  connection: Kysely<unknown>,
): Promise<void> {
  const startedAt = performance.now()
  if (dialect === 'sqlite' && !ownsConnections) await assertNothingUnfinished(connection)
  if (dialect === 'mysql' && !ownsConnections) await isolate(connection, repeatableReads)
  await begin[dialect].execute(connection)
  if (dialect !== 'postgres' || ownsConnections) return
  const { rows } = await durableInOwn.execute(connection)
  const [row] = rows as { transaction_age_ms: unknown }[]
  assertOwnTransaction(row?.transaction_age_ms, performance.now() - startedAt)
}
