import { sql } from 'kysely'
import { type UsageCount, type UsageQuery, usageBucketMs } from '../usage-store.ts'
import type { NumberCell } from './cells.ts'
import { type Database, read } from './database.ts'
import { databaseNow } from './dialect.ts'
import type { Row } from './table-columns.ts'

/**
 * Pairs of a key and a bucket that one statement reads: 8 keys over a day, or one over 8 days. SQLite works
 * in this process and takes some milliseconds for them; between two statements other work gets a turn.
 */
const mostPerStatement = 2_304

export async function readUsage(database: Database, asked: UsageQuery): Promise<UsageCount[]> {
  const counts: UsageCount[] = []
  for (const [index, part] of [...divide(asked)].entries()) {
    if (index > 0) await new Promise((resolve) => setImmediate(resolve))
    for (const count of await readPart(database, part)) counts.push(count)
  }
  return counts
}

/** The same question in parts. No part splits a bucket of the answer. */
function* divide({ keyIds, from, to, bucketMs }: UsageQuery): Generator<UsageQuery> {
  const keysPerPart = Math.max(1, Math.floor((mostPerStatement * usageBucketMs) / (to - from)))
  const spanMs = Math.max(1, Math.floor((mostPerStatement * usageBucketMs) / bucketMs)) * bucketMs
  for (let index = 0; index < keyIds.length; index += keysPerPart) {
    const some = keyIds.slice(index, index + keysPerPart)
    for (let start = from; start < to; start += spanMs) {
      yield { keyIds: some, from: start, to: Math.min(to, start + spanMs), bucketMs }
    }
  }
}

async function readPart(
  database: Database,
  { keyIds, from, to, bucketMs }: UsageQuery,
): Promise<UsageCount[]> {
  const { tables } = database
  const start = sql`bucket_at - (bucket_at - ${sql.lit(from)}) % ${sql.lit(bucketMs)}`
  const rows = await read<
    Row<'usage', 'key_id' | 'kind' | 'name'> & { start_at: NumberCell; summed: NumberCell }
  >(
    database,
    sql`select key_id, ${start} as start_at, kind, name, sum(total) as summed from ${tables.usage}
      where key_id in (${sql.join(keyIds)}) and bucket_at >= ${from} and bucket_at < ${to}
      group by key_id, start_at, kind, name order by key_id, start_at, kind, name`,
  )
  return rows.map(({ key_id, start_at, kind, name, summed }) => ({
    keyId: key_id,
    bucketAt: Number(start_at),
    kind,
    name,
    count: Number(summed),
  }))
}

type CountedRow = Row<'usage', 'key_id' | 'kind' | 'name'> & { summed: NumberCell }

/** Totals of all keys between two moments. */
export async function readTotals(
  database: Database,
  window: { from: number; to: number },
): Promise<UsageCount[]> {
  const parts = database.dialect === 'sqlite' ? readRows(database, window) : readSums(database, window)
  const totals = new Map<string, { -readonly [Name in keyof UsageCount]: UsageCount[Name] }>()
  for await (const rows of parts) {
    for (const { key_id: keyId, kind, name, summed } of rows) {
      const place = `${keyId} ${kind} ${name}`
      const total = totals.get(place)
      if (total === undefined) {
        totals.set(place, { keyId, bucketAt: window.from, kind, name, count: Number(summed) })
      } else total.count += Number(summed)
    }
  }
  return [...totals.values()]
}

/** Buckets that one statement adds up. */
const mostSummedBuckets = 12

async function* readSums(
  database: Database,
  { from, to }: { from: number; to: number },
): AsyncGenerator<CountedRow[]> {
  const partMs = mostSummedBuckets * usageBucketMs
  for (let start = from; start < to; start += partMs) {
    yield await read<CountedRow>(
      database,
      sql`select key_id, kind, name, sum(total) as summed from ${database.tables.usage}
        where bucket_at >= ${start} and bucket_at < ${Math.min(to, start + partMs)} group by key_id, kind, name`,
    )
  }
}

/**
 * Rows that SQLite, which works in this process, reads before other work gets a turn: one bucket may have 40
 * 000.
 */
const rowsPerTurn = 1_000

/** In the order of the index on `bucket_at`, whose entries end with the rowid. */
async function* readRows(
  database: Database,
  { from, to }: { from: number; to: number },
): AsyncGenerator<CountedRow[]> {
  let [bucketAt, rowid] = [from, -1]
  for (;;) {
    const rows = await read<CountedRow & { at: NumberCell; place: NumberCell }>(
      database,
      sql`select key_id, kind, name, total as summed, bucket_at as at, rowid as place from ${database.tables.usage}
        where bucket_at >= ${bucketAt} and bucket_at < ${to} and (bucket_at > ${bucketAt} or rowid > ${rowid})
        order by bucket_at, rowid limit ${sql.lit(rowsPerTurn)}`,
    )
    yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < rowsPerTurn) return
    bucketAt = Number(last.at)
    rowid = Number(last.place)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export async function readLastEvents(
  database: Database,
  keyIds: readonly string[],
): Promise<Map<string, number>> {
  if (keyIds.length === 0) return new Map()
  const rows = await read<Row<'activity', 'key_id' | 'last_event_at'>>(
    database,
    sql`select key_id, last_event_at from ${database.tables.activity} where key_id in (${sql.join(keyIds)})`,
  )
  return new Map(rows.map(({ key_id, last_event_at }) => [key_id, Number(last_event_at)]))
}

/** The time by the database's clock. */
export async function readNow(database: Database): Promise<number> {
  const [row] = await read<{ at: NumberCell }>(database, sql`select ${databaseNow(database.dialect)} as at`)
  return Number(row?.at)
}
