import { sql } from 'kysely'
import type { UsageBatch, UsageCount, UsageQuery } from '../usage-store.ts'
import { type Database, query, type Transaction, transact } from './database.ts'
import { insertInto, onConflict, wholeNumber } from './dialect.ts'
import type { NumberCell } from './key-rows.ts'
import { addUsageStatement } from './postgres-usage.ts'

/** Rows per statement: SQLite takes 32 766 parameters, and nothing is gained beyond a few hundred rows. */
const rowsPerStatement = 200

export async function addUsage(database: Database, batch: UsageBatch): Promise<void> {
  const ids = [
    ...batch.counts.map(({ keyId }) => keyId),
    ...batch.lastEventAt.keys(),
    ...[...batch.lastUsedAt.values()].map(({ keyId }) => keyId),
  ]
  if (ids.length === 0) return
  const keyIds = [...new Set(ids)]
  if (database.dialect === 'postgres') {
    await query(database.writer, addUsageStatement(database, keyIds, mergeCounts(batch.counts), batch))
    return
  }
  await transact(database, async (transaction) => {
    const living = await readLiving(database, transaction, keyIds)
    await addCounts(database, transaction, mergeCounts(batch.counts.filter(({ keyId }) => living.has(keyId))))
    await moveLastEvents(
      database,
      transaction,
      [...batch.lastEventAt].filter(([keyId]) => living.has(keyId)),
    )
    await moveLastUses(
      database,
      transaction,
      [...batch.lastUsedAt].filter(([, { keyId }]) => living.has(keyId)).map(([id, { at }]) => [id, at]),
    )
  })
}

export async function readUsage(
  { tables, writer }: Database,
  { keyIds, from, to, bucketMs }: UsageQuery,
): Promise<UsageCount[]> {
  const counts: UsageCount[] = []
  const start = sql`bucket_at - (bucket_at - ${sql.lit(from)}) % ${sql.lit(bucketMs)}`
  for (const some of chunk(keyIds)) {
    const rows = await query<{
      key_id: string
      start_at: NumberCell
      kind: UsageCount['kind']
      name: string
      summed: NumberCell
    }>(
      writer,
      sql`select key_id, ${start} as start_at, kind, name, sum(total) as summed from ${tables.usage}
        where key_id in (${sql.join(some)}) and bucket_at >= ${from} and bucket_at < ${to}
        group by key_id, start_at, kind, name order by key_id, start_at, kind, name`,
    )
    for (const { key_id, start_at, kind, name, summed } of rows) {
      counts.push({ keyId: key_id, bucketAt: Number(start_at), kind, name, count: Number(summed) })
    }
  }
  return counts
}

export async function readLastEvents(
  { tables, writer }: Database,
  keyIds: readonly string[],
): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const some of chunk(keyIds)) {
    const rows = await query<{ key_id: string; last_event_at: NumberCell }>(
      writer,
      sql`select key_id, last_event_at from ${tables.activity} where key_id in (${sql.join(some)})`,
    )
    for (const { key_id, last_event_at } of rows) found.set(key_id, Number(last_event_at))
  }
  return found
}

export async function pruneUsage(database: Database, before: number): Promise<void> {
  const { usage } = database.tables
  await transact(database, ({ write }) => write(sql`delete from ${usage} where bucket_at < ${before}`))
}

async function readLiving(
  { tables }: Database,
  transaction: Transaction,
  keyIds: readonly string[],
): Promise<Set<string>> {
  const living = new Set<string>()
  for (const some of chunk(keyIds)) {
    const rows = await transaction.rows<{ id: string }>(
      sql`select id from ${tables.keys} where id in (${sql.join(some)})`,
    )
    for (const { id } of rows) living.add(id)
  }
  return living
}

/** One row per primary key, as no statement may meet the same one twice, in one order for all processes: no deadlocks. */
function mergeCounts(counts: readonly UsageCount[]): UsageCount[] {
  const merged = new Map<string, UsageCount>()
  for (const one of counts) {
    const place = JSON.stringify([one.keyId, one.bucketAt, one.kind, one.name])
    merged.set(place, { ...one, count: one.count + (merged.get(place)?.count ?? 0) })
  }
  return [...merged].sort(byFirst).map(([, count]) => count)
}

async function addCounts(
  { dialect, tables }: Database,
  transaction: Transaction,
  counts: readonly UsageCount[],
): Promise<void> {
  for (const some of chunk(counts)) {
    const rows = some.map(
      (one) => sql`(${one.keyId}, ${one.bucketAt}, ${one.kind}, ${one.name}, ${one.count})`,
    )
    await transaction.write(
      sql`${insertInto(dialect, tables.usage)} (key_id, bucket_at, kind, name, total) values ${sql.join(rows)}
        ${onConflict(dialect, ['key_id', 'bucket_at', 'kind', 'name'], { total: 'add' })}`,
    )
  }
}

async function moveLastEvents(
  { dialect, tables }: Database,
  transaction: Transaction,
  times: readonly (readonly [string, number])[],
): Promise<void> {
  for (const some of chunk([...times].sort(byFirst))) {
    const rows = some.map(([keyId, at]) => sql`(${keyId}, ${at})`)
    await transaction.write(
      sql`${insertInto(dialect, tables.activity)} (key_id, last_event_at) values ${sql.join(rows)}
        ${onConflict(dialect, ['key_id'], { last_event_at: 'greatest' })}`,
    )
  }
}

async function moveLastUses(
  { dialect, tables }: Database,
  transaction: Transaction,
  times: readonly (readonly [string, number])[],
): Promise<void> {
  for (const some of chunk([...times].sort(byFirst))) {
    const cases = some.map(([id, at]) => sql`when ${id} then ${wholeNumber(dialect, at)}`)
    const at = sql`case id ${sql.join(cases, sql` `)} end`
    await transaction.write(
      sql`update ${tables.secrets} set last_used_at = ${at}
        where id in (${sql.join(some.map(([id]) => id))}) and (last_used_at is null or last_used_at < ${at})`,
    )
  }
}

function byFirst(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

function* chunk<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += rowsPerStatement) {
    yield items.slice(start, start + rowsPerStatement)
  }
}
