import { type RawBuilder, sql } from 'kysely'
import { type UsagePruning, usageBucketMs } from '../usage-store.ts'
import type { NumberCell } from './cells.ts'
import { type Database, read, transact } from './database.ts'
import type { Row } from './table-columns.ts'
import { readNow } from './usage-reads.ts'

/**
 * Rows that one call deletes. SQLite works in this process, and is to hold it up for some milliseconds only.
 */
const rowsPerPart = 250
/**
 * How long the last batch number of a writer is remembered, in milliseconds: longer than any of them tries
 * again.
 */
const writerKeptMs = 30 * 86_400_000

/**
 * Deletes some of the oldest counts, key by key along the primary key: no more rows are locked than are
 * deleted, and in the order in which the removal of a key locks them.
 * @param latestKnown the latest time that the database is known to have reached.
 */
export async function pruneUsage(
  database: Database,
  { keptMs, now }: UsagePruning,
  latestKnown = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const { tables } = database
  const present = Math.min(now, await readNow(database), latestKnown)
  const before = Math.floor(present - keptMs)
  const old = await read<Row<'usage', 'key_id'>>(
    database,
    sql`select distinct key_id from (
      select key_id from ${tables.usage} where bucket_at < ${before} order by bucket_at limit ${sql.lit(rowsPerPart)}
    ) oldest`,
  )
  if (old.length === 0) {
    await transact(database, ({ write }) =>
      write(sql`delete from ${tables.usage_writers} where last_at < ${Math.floor(present - writerKeptMs)}`),
    )
    return false
  }
  const keyIds = old.map(({ key_id }) => key_id).sort()
  await transact(database, ({ write }) => write(deleteOldest(database, keyIds, before)))
  return true
}

/** One statement in a transaction of its own: a process that is frozen has either deleted or not begun. */
function deleteOldest(
  { dialect, tables }: Database,
  keyIds: readonly string[],
  before: number,
): RawBuilder<unknown> {
  const isOld = sql`key_id in (${sql.join(keyIds)}) and bucket_at < ${before}`
  const limit = sql.lit(rowsPerPart)
  if (dialect === 'mysql') {
    return sql`delete from ${tables.usage} where ${isOld} order by key_id, bucket_at, kind, name limit ${limit}`
  }
  if (dialect === 'sqlite') {
    return sql`delete from ${tables.usage} where rowid in (select rowid from ${tables.usage} where ${isOld} limit ${limit})`
  }
  return sql`delete from ${tables.usage} where ctid = any(array(
    select ctid from ${tables.usage} where ${isOld} limit ${limit} for update skip locked))`
}

/**
 * The latest moment that was written down in this database: SQLite has no clock but that of each process, and
 * one that is far ahead must not take everybody's history for old. Undefined when nothing was.
 */
export async function readLatestMoment(database: Database): Promise<number | undefined> {
  const { tables } = database
  const [row] = await read<{ at: NumberCell | null }>(
    database,
    sql`select max(at) as at from (
      select max(bucket_at) as at from ${tables.usage} union all select max(at) as at from ${tables.audit}
    ) moments`,
  )
  return row === undefined || row.at === null ? undefined : Number(row.at) + usageBucketMs
}
