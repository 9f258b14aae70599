import { type RawBuilder, sql } from 'kysely'
import { type UsageSumQuery, usageBucketMs } from '../usage-store.ts'
import type { NumberCell } from './cells.ts'
import { type Database, read } from './database.ts'

/**
 * How many keys one statement reads, and how long it should take. SQLite works in this process, where others
 * wait for their turn.
 */
const byKeys = {
  sqlite: { first: 64, most: 2_048, wantedMs: 10 },
  postgres: { first: 500, most: 1_000, wantedMs: 200 },
  mysql: { first: 500, most: 2_000, wantedMs: 200 },
}
/** Of more keys PostgreSQL, which keeps rows in the order of time, reads hour by hour, in half the time. */
const fewKeys = 1_000
const byBuckets = { first: 3_600_000 / usageBucketMs, most: Number.POSITIVE_INFINITY, wantedMs: 200 }

/** Counts of one kind, added up by key. */
export async function sumUsage(
  database: Database,
  { kind, keyIds, from, to }: UsageSumQuery,
): Promise<Map<string, number>> {
  const sums = new Map<string, number>()
  const add = async (where: RawBuilder<unknown>) => {
    const rows = await read<{ key_id: string; summed: NumberCell }>(
      database,
      sql`select key_id, sum(total) as summed from ${database.tables.usage}
        where ${where} and kind = ${kind} group by key_id`,
    )
    for (const { key_id: id, summed } of rows) sums.set(id, (sums.get(id) ?? 0) + Number(summed))
  }
  if (database.dialect === 'postgres' && keyIds.length > fewKeys) {
    await inParts((to - from) / usageBucketMs, byBuckets, (start, end) => {
      const [first, last] = [from + start * usageBucketMs, from + end * usageBucketMs]
      return add(sql`bucket_at >= ${first} and bucket_at < ${last}`)
    })
  } else {
    // Along the primary key, which begins with the key: the index on `bucket_at` leads all over the table.
    await inParts(keyIds.length, byKeys[database.dialect], (start, end) =>
      add(
        sql`key_id in (${listed(database, keyIds.slice(start, end))}) and bucket_at >= ${from} and bucket_at < ${to}`,
      ),
    )
  }
  return sums
}

/** SQLite takes hundreds of parameters slower than it adds up what they ask for: there the ids are one. */
function listed({ dialect }: Database, ids: readonly string[]): RawBuilder<unknown> {
  return dialect === 'sqlite' ? sql`select value from json_each(${JSON.stringify(ids)})` : sql.join(ids)
}

/** Work in parts that grow while they are quick. Between them other work gets a turn. */
async function inParts(
  length: number,
  { first, most, wantedMs }: { first: number; most: number; wantedMs: number },
  work: (start: number, end: number) => Promise<void>,
): Promise<void> {
  let size = first
  for (let start = 0; start < length; ) {
    const end = Math.min(length, start + size)
    const began = performance.now()
    await work(start, end)
    const took = performance.now() - began
    start = end
    if (took < wantedMs / 2) size = Math.min(most, size * 2)
    else if (took > wantedMs) size = Math.max(1, size >> 1)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
