import { type RawBuilder, sql } from 'kysely'
import { type Database, read, transact } from './database.ts'
import { StillBusy } from './driver-errors.ts'
import type { Row } from './table-columns.ts'

/**
 * Rows that one call deletes. SQLite works in this process, and must hold it up for some milliseconds only.
 */
const rowsPerPart = 250
/**
 * How long the last batch number of a writer is remembered, in milliseconds: longer than any writer retries.
 */
const writerKeptMs = 30 * 86_400_000

/**
 * Deletes some of the oldest counts, key by key along the primary key: no more rows are locked than are
 * deleted, and in the order in which the removal of a key locks them.
 * @param present what time it is, see `present-time.ts`.
 * @returns whether there may be more, also when others left no room.
 */
export async function pruneUsage(database: Database, keptMs: number, present: number): Promise<boolean> {
  try {
    return await prunePart(database, keptMs, present)
  } catch (error) {
    // Two writers that leave no pause keep a SQLite file from everybody else. Old counts can wait.
    if (error instanceof StillBusy) return true
    throw error
  }
}

async function prunePart(database: Database, keptMs: number, present: number): Promise<boolean> {
  const { tables } = database
  const before = Math.floor(present - keptMs)
  const old = await read<Row<'usage', 'key_id'>>(
    database,
    sql`select distinct key_id from (
      select key_id from ${tables.usage} where bucket_at < ${before} order by bucket_at limit ${sql.lit(rowsPerPart)}
    ) oldest`,
  )
  if (old.length === 0) {
    // A session of MySQL with `sql_safe_updates` wants a key or a limit.
    const some = database.dialect === 'mysql' ? sql`limit ${sql.lit(rowsPerPart)}` : sql``
    await transact(database, ({ write }) =>
      write(
        sql`delete from ${tables.usage_writers} where last_at < ${Math.floor(present - writerKeptMs)} ${some}`,
      ),
    )
    return false
  }
  const keyIds = old.map(({ key_id }) => key_id).sort()
  await transact(database, ({ write }) => write(deleteOldest(database, keyIds, before)))
  return true
}

/** One statement in a transaction of its own: a frozen process has either deleted or not begun. */
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
