import { type Kysely, type RawBuilder, sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import type { SqlDialect } from './dialect.ts'

/**
 * Milliseconds since the transaction of the statement began, by the server's clock. One older than the
 * question is not ours: an application has handed over a connection inside its own transaction. Numeric, as no
 * `extra_float_digits` of the session rounds that up.
 */
const transactionAge = sql<unknown>`cast(extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000 as numeric)`

/** The same for PostgreSQL as it is after `begin`. */
export const transactionAgeColumn = sql`${transactionAge} as transaction_age_ms`

/**
 * How old the snapshot of a statement may be. In PostgreSQL each statement has its own, unless the isolation
 * level keeps the first of the transaction. SQLite and MySQL are asked in a transaction of the store's own.
 */
export function snapshotAge(dialect: SqlDialect): RawBuilder<unknown> {
  if (dialect !== 'postgres') return sql`0`
  return sql`case when current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then 0
    else ${transactionAge} end`
}

/**
 * A snapshot that stands still does not show a revocation.
 * @param elapsedMs since before the question was sent
 * @throws StoreError `store_in_transaction`
 */
export function assertOwnTransaction(ageMs: unknown, elapsedMs: number): void {
  const age = Number(ageMs)
  // Negative: the server's clock was set back in between.
  if (!(age >= 0 && age <= elapsedMs)) throw inTransactionError()
}

/**
 * PostgreSQL, over an application's connection: the next statement sees what is committed by now.
 * @throws StoreError `store_in_transaction`
 */
export async function assertFreshSnapshot(connection: Kysely<unknown>): Promise<void> {
  const startedAt = performance.now()
  const { rows } = await askSnapshotAge.execute(connection)
  assertOwnTransaction(rows[0]?.age_ms, performance.now() - startedAt)
}

const askSnapshotAge = sql<{ age_ms: unknown }>`select ${snapshotAge('postgres')} as age_ms`

export function inTransactionError(): StoreError {
  return new StoreError(
    'store_in_transaction',
    'The connection that the store was given is inside a transaction that somebody else has opened, and may show an old state: give the store a Kysely instance whose connections are outside of transactions.',
  )
}

/** An empty in-memory database beside the application's, used for nothing else. */
const beside = 'writekey_beside'
const attach = sql`attach ':memory:' as ${sql.id(beside)}`
const makeTable = sql`create table if not exists ${sql.id(beside, 'nothing')} (at integer)`
/** SQLite drops no table anywhere while a statement of the connection still has rows to return. */
const dropTable = sql`drop table ${sql.id(beside, 'nothing')}`

/**
 * SQLite: an unfinished statement of the application's, such as the loop of an `iterate()`, freezes what
 * every read over its connection sees. No SQL reveals that, so a table that nobody needs is dropped as a
 * probe. A read-only connection cannot be probed.
 * @throws StoreError `store_in_transaction`
 */
export async function assertNothingUnfinished(connection: Kysely<unknown>): Promise<void> {
  try {
    await makeTable.execute(connection).catch(async (error: unknown) => {
      if (!messageOf(error).includes('unknown database')) throw error
      await attach.execute(connection)
      await makeTable.execute(connection)
    })
    await dropTable.execute(connection)
  } catch (error) {
    const message = messageOf(error)
    if (/readonly database/.test(message)) return
    if (/table is locked/.test(message) || isBusyWithRows(message)) throw unfinishedError()
    throw error
  }
}

/** better-sqlite3's error for any statement but a read while another statement is being iterated. */
export function isBusyWithRows(message: string): boolean {
  return message.includes('busy executing a query')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : ''
}

export function unfinishedError(): StoreError {
  return new StoreError(
    'store_in_transaction',
    'A statement of the application is in the middle of its rows on the connection that the store was given, which may show an old state until it is done: finish iterate() at once, or give the store a connection of its own.',
  )
}
