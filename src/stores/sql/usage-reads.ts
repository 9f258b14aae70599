import { sql } from 'kysely'
import { type UsageCount, type UsageQuery, usageBucketMs } from '../usage-store.ts'
import type { NumberCell } from './cells.ts'
import { type Database, read } from './database.ts'
import { databaseNow } from './dialect.ts'
import type { Row } from './schema-tables.ts'

/**
 * Pairs of a key and a bucket that one statement reads: 8 keys over a day, or one over 8 days. SQLite works in this
 * process: that takes it some milliseconds, and between two statements others have their turn.
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

/** The same question in parts, none of which divides a bucket of the answer. */
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

/** Buckets that one statement adds up: of SQLite it takes some milliseconds, and between two others have their turn. */
const mostTotalBuckets = { sqlite: 1, postgres: 12, mysql: 12 }

/** What all keys had between two moments. */
export async function readTotals(
  database: Database,
  { from, to }: { from: number; to: number },
): Promise<UsageCount[]> {
  const { dialect, tables } = database
  const partMs = mostTotalBuckets[dialect] * usageBucketMs
  const totals = new Map<string, UsageCount>()
  for (let start = from; start < to; start += partMs) {
    if (start > from) await new Promise((resolve) => setImmediate(resolve))
    const rows = await read<Row<'usage', 'key_id' | 'kind' | 'name'> & { summed: NumberCell }>(
      database,
      sql`select key_id, kind, name, sum(total) as summed from ${tables.usage}
        where bucket_at >= ${start} and bucket_at < ${Math.min(to, start + partMs)} group by key_id, kind, name`,
    )
    for (const { key_id: keyId, kind, name, summed } of rows) {
      const place = `${keyId} ${kind} ${name}`
      const count = Number(summed) + (totals.get(place)?.count ?? 0)
      totals.set(place, { keyId, bucketAt: from, kind, name, count })
    }
  }
  return [...totals.values()]
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
