import { type RawBuilder, sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import type { SqlDialect } from './dialect.ts'

/**
 * Milliseconds since the transaction began that contains the statement, by the server's clock. One that is older than the
 * question is not ours: an application has handed over a connection in the middle of its own.
 */
const transactionAge = sql<number>`cast(extract(epoch from clock_timestamp() - transaction_timestamp()) * 1000 as double precision)`

/** The same for PostgreSQL as it is after `begin`. */
export const transactionAgeColumn = sql`${transactionAge} as transaction_age_ms`

/**
 * How long ago the snapshot may have been taken that a statement sees. In PostgreSQL each statement has its own, unless the
 * isolation level keeps the first one of the transaction. SQLite and MySQL are asked in a transaction of the store's own.
 */
export function snapshotAge(dialect: SqlDialect): RawBuilder<unknown> {
  if (dialect !== 'postgres') return sql`0`
  return sql`case when current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then 0
    else ${transactionAge} end`
}

/**
 * A snapshot that stands still knows nothing of a revocation.
 * @param elapsedMs since before the question was sent
 * @throws StoreError `store_in_transaction`
 */
export function assertOwnTransaction(ageMs: unknown, elapsedMs: number): void {
  const age = Number(ageMs)
  // Negative: the server's clock was set back in the middle of it.
  if (!(age >= 0 && age <= elapsedMs)) throw inTransactionError()
}

export function inTransactionError(): StoreError {
  return new StoreError(
    'store_in_transaction',
    'The connection that the store was given is inside a transaction that somebody else has opened, and may show an old state: give the store a Kysely instance whose connections are outside of transactions.',
  )
}
