import { sql } from 'kysely'
import { toBucketStart, type UsageBatch, type UsageCount, type UsageStore } from '../usage-store.ts'
import type { NumberCell } from './cells.ts'
import { type Database, type Transaction, transact, writeAtOnce } from './database.ts'
import { databaseNow, insertInto, type Merge, onConflict, type SqlDialect, wholeNumber } from './dialect.ts'
import { isDuplicate } from './driver-errors.ts'
import { addUsageStatement } from './postgres-usage.ts'
import type { PresentTime } from './present-time.ts'
import type { Row } from './table-columns.ts'
import { insertRow } from './table-names.ts'
import { pruneUsage } from './usage-pruning.ts'
import { readLastEvents, readNow, readTotals, readUsage } from './usage-reads.ts'
import { sumUsage } from './usage-sums.ts'

/**
 * Rows per statement: SQLite takes 32 766 parameters, and beyond a few hundred rows there is nothing to gain.
 */
const rowsPerStatement = 200
/** Usage in an SQL database. `onDatabase` runs work on it once it is ready. */
export function createSqlUsage(
  onDatabase: <T>(work: (database: Database) => Promise<T>) => Promise<T>,
  presentTime: PresentTime,
  dialect: SqlDialect,
): UsageStore {
  return {
    add: (batch) =>
      onDatabase(async (database) => {
        await presentTime.beforeWriting(database)
        await addUsage(database, batch)
      }),
    read: (asked) => onDatabase((database) => readUsage(database, asked)),
    totals: (window) => onDatabase((database) => readTotals(database, window)),
    sums: (asked) => onDatabase((database) => sumUsage(database, asked)),
    lastEvents: (keyIds) => onDatabase((database) => readLastEvents(database, keyIds)),
    prune: ({ keptMs, now }) =>
      onDatabase(async (database) => pruneUsage(database, keptMs, await presentTime.read(database, now))),
    // SQLite has the clock of this process.
    ...(dialect !== 'sqlite' && { now: () => onDatabase(readNow) }),
  }
}

async function addUsage(database: Database, batch: UsageBatch): Promise<void> {
  const { dialect } = database
  if (dialect === 'postgres') {
    await writeAtOnce(database, addUsageStatement(database, batch))
    return
  }
  const parts = [addCounts, moveLastEvents, moveLastUses]
  if (dialect === 'sqlite') {
    await transact(database, async (transaction) => {
      for (const add of parts) await add(database, transaction, batch)
    })
    return
  }
  // Times only move forward, so a repeated batch may move them again. Not in one transaction with the counts:
  // a process that is frozen in the middle would keep more rows locked.
  for (const add of parts) await transact(database, (transaction) => add(database, transaction, batch))
}

type Add = (database: Database, transaction: Transaction, batch: UsageBatch) => Promise<void>

const addCounts: Add = async (database, transaction, batch) => {
  if (batch.counts.length === 0 || !(await isNew(database, transaction, batch))) return
  const { dialect, tables } = database
  const { living, now } = await readLiving(
    database,
    transaction,
    batch.counts.map(({ keyId }) => keyId),
  )
  const latest = toBucketStart(now)
  const counts = mergeCounts(
    batch.counts.filter(({ keyId }) => living.has(keyId)),
    latest,
  )
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

/** Notes the batch. False when it, or a later one of its writer, was counted before. */
async function isNew(
  { dialect, tables }: Database,
  { write }: Transaction,
  { writer, number }: UsageBatch,
): Promise<boolean> {
  const now = databaseNow(dialect)
  const raised = await write(
    sql`update ${tables.usage_writers} set batch = ${number}, last_at = ${now} where writer = ${writer} and batch < ${number}`,
  )
  if (raised > 0) return true
  try {
    await write(insertRow(tables, 'usage_writers', { writer, batch: number, last_at: now }))
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

const moveLastEvents: Add = async (database, transaction, { lastEventAt }) => {
  if (lastEventAt.size === 0) return
  const { dialect, tables } = database
  const { living, now } = await readLiving(database, transaction, [...lastEventAt.keys()])
  const times = [...lastEventAt].filter(([keyId]) => living.has(keyId)).sort(byFirst)
  for (const some of chunk(times)) {
    const rows = some.map(([keyId, at]) => sql`(${keyId}, ${Math.min(at, now)})`)
    await transaction.write(
      sql`${insertInto(dialect, tables.activity)} (key_id, last_event_at) values ${sql.join(rows)}
        ${onConflict(dialect, ['key_id'], { last_event_at: latestUpTo(now) })}`,
    )
  }
}

/** The later one, unless the stored one is in the future: a wrong clock wrote that. */
function latestUpTo(now: number): Merge {
  return (existing, incoming) =>
    sql`case when ${existing} between ${incoming} and ${sql.lit(now)} then ${existing} else ${incoming} end`
}

const moveLastUses: Add = async (database, transaction, { lastUsedAt }) => {
  if (lastUsedAt.size === 0) return
  const { dialect, tables } = database
  const keyIds = [...lastUsedAt.values()].map(({ keyId }) => keyId)
  const { living, now } = await readLiving(database, transaction, keyIds)
  const times = [...lastUsedAt].filter(([, { keyId }]) => living.has(keyId)).sort(byFirst)
  for (const some of chunk(times)) {
    const cases = some.map(([id, { at }]) => sql`when ${id} then ${wholeNumber(dialect, Math.min(at, now))}`)
    const at = sql`case id ${sql.join(cases, sql` `)} end`
    await transaction.write(
      sql`update ${tables.secrets} set last_used_at = ${at} where id in (${sql.join(some.map(([id]) => id))})
        and (last_used_at is null or last_used_at < ${at} or last_used_at > ${sql.lit(now)})`,
    )
  }
}

/** Which of these keys exist, and the time by the database's clock. */
async function readLiving(
  { dialect, tables }: Database,
  transaction: Transaction,
  keyIds: readonly string[],
): Promise<{ living: Set<string>; now: number }> {
  const living = new Set<string>()
  let now = Number.POSITIVE_INFINITY
  for (const some of chunk([...new Set(keyIds)])) {
    const rows = await transaction.rows<Row<'keys', 'id'> & { at: NumberCell }>(
      sql`select id, ${databaseNow(dialect)} as at from ${tables.keys} where id in (${sql.join(some)})`,
    )
    for (const { id, at } of rows) {
      living.add(id)
      now = Number(at)
    }
  }
  return { living, now }
}

/**
 * One row per primary key, none later than `latest`, in one order for all processes, so that there are no
 * deadlocks.
 */
function mergeCounts(counts: readonly UsageCount[], latest: number): UsageCount[] {
  const merged = new Map<string, UsageCount>()
  for (const one of counts) {
    const bucketAt = Math.min(one.bucketAt, latest)
    const place = JSON.stringify([one.keyId, bucketAt, one.kind, one.name])
    merged.set(place, { ...one, bucketAt, count: one.count + (merged.get(place)?.count ?? 0) })
  }
  return [...merged].sort(byFirst).map(([, count]) => count)
}

function byFirst(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

function* chunk<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += rowsPerStatement) {
    yield items.slice(start, start + rowsPerStatement)
  }
}
