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
/**
 * Of more keys PostgreSQL and SQLite, which keep rows in the order of time, read what lies between two
 * moments, in half the time or less. MySQL keeps them in the order of keys, so there it must be little.
 */
const fewKeys = 1_000
const shortMs = 2 * 3_600_000
/** Few statements: each returns every key. */
const byBuckets = { first: 3_600_000 / usageBucketMs, most: Number.POSITIVE_INFINITY, wantedMs: 500 }
/** Of SQLite: some five milliseconds. */
const rowsPerTurn = 4_000

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
  const { dialect } = database
  const isManyKeys = keyIds.length > fewKeys
  if (isManyKeys && (dialect === 'postgres' || (dialect === 'mysql' && to - from <= shortMs))) {
    await inParts((to - from) / usageBucketMs, byBuckets, (start, end) => {
      const [first, last] = [from + start * usageBucketMs, from + end * usageBucketMs]
      return add(sql`bucket_at >= ${first} and bucket_at < ${last}`)
    })
  } else if (isManyKeys && dialect === 'sqlite') {
    for await (const cells of readInTurns(database, kind, from, to)) {
      for (let index = 0; index < cells.length; index += 2) {
        const id = cells[index] as string
        sums.set(id, (sums.get(id) ?? 0) + Number(cells[index + 1]))
      }
    }
  } else {
    // Along the primary key, which begins with the key.
    await inParts(keyIds.length, byKeys[dialect], (start, end) =>
      add(
        sql`key_id in (${listed(database, keyIds.slice(start, end))}) and bucket_at >= ${from} and bucket_at < ${to}`,
      ),
    )
  }
  return sums
}

/**
 * Counts in SQLite between two moments, bucket by bucket along the index on `bucket_at`, whose entries end
 * with the rowid. Each part is one text, ids and totals in turn: to make an object of each row takes most of
 * the time.
 */
async function* readInTurns(
  database: Database,
  kind: string,
  from: number,
  to: number,
): AsyncGenerator<readonly string[]> {
  const { usage } = database.tables
  const one = async <Row>(statement: RawBuilder<unknown>) => (await read<Row>(database, statement))[0]
  const bucketFrom = (at: number) =>
    one<{ at: NumberCell | null }>(
      sql`select min(bucket_at) as at from ${usage} where bucket_at >= ${at} and bucket_at < ${to}`,
    )
  let at = (await bucketFrom(from))?.at ?? null
  let rowid = -1
  while (at !== null) {
    const rest = sql`bucket_at = ${at} and rowid > ${rowid}`
    const end = await one<{ rowid: NumberCell }>(
      sql`select rowid as rowid from ${usage} where ${rest} order by rowid limit 1 offset ${sql.lit(rowsPerTurn - 1)}`,
    )
    const part = end === undefined ? rest : sql`${rest} and rowid <= ${end.rowid}`
    const found = await one<{ counts: string | null }>(
      sql`select group_concat(key_id || ' ' || total, ' ') as counts from ${usage} where ${part} and kind = ${kind}`,
    )
    yield found?.counts?.split(' ') ?? []
    if (end === undefined) at = (await bucketFrom(Number(at) + 1))?.at ?? null
    rowid = end === undefined ? -1 : Number(end.rowid)
    await new Promise((resolve) => setImmediate(resolve))
  }
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
    if (took < wantedMs / 2) size = Math.min(most, size * Math.min(8, Math.floor(wantedMs / took)))
    else if (took > wantedMs) size = Math.max(1, size >> 1)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
