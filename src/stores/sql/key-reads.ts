import { type RawBuilder, sql } from 'kysely'
import { type Concern, concernTimes } from '../../keys/concern.ts'
import type { EffectiveStatus } from '../../keys/effective-status.ts'
import type { KeyRecord } from '../../keys/key-record.ts'
import type { ParsedListQuery, StoredSort } from '../../keys/list-query.ts'
import type { KeyRecordPage } from '../key-store.ts'
import type { NumberCell } from './cells.ts'
import { type Database, read } from './database.ts'
import { contains, type SqlDialect } from './dialect.ts'
import { UnstorableText } from './driver-errors.ts'
import { type KeyRow, keyRowColumns, toRecords } from './key-rows.ts'

export async function getKey(database: Database, id: string): Promise<KeyRecord | undefined> {
  const { dialect, tables } = database
  const rows = await read<KeyRow>(
    database,
    sql`select ${keyRowColumns(dialect)} from ${tables.keys} k left join ${tables.secrets} s on s.key_id = k.id
      where k.id = ${id}`,
  )
  return toRecords(rows)[0]
}

export async function getKeys(database: Database, ids: readonly string[]): Promise<KeyRecord[]> {
  if (ids.length === 0) return []
  const { dialect, tables } = database
  const rows = await read<KeyRow>(
    database,
    sql`select ${keyRowColumns(dialect)} from ${tables.keys} k left join ${tables.secrets} s on s.key_id = k.id
      where k.id in (${sql.join(ids)}) order by k.id`,
  )
  return toRecords(rows)
}

export async function listKeys(database: Database, filter: ParsedListQuery): Promise<KeyRecordPage> {
  try {
    return await selectKeys(database, filter)
  } catch (error) {
    // A text that the database cannot store is in no name.
    if (error instanceof UnstorableText) return { data: [], more: false }
    throw error
  }
}

/** Ids behind `after`, in ascending order. */
export async function listKeyIds(
  database: Database,
  filter: KeyFilter,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const conditions = filterConditions(database, filter)
  if (after !== null) conditions.push(sql`k.id > ${after}`)
  try {
    const rows = await read<{ id: string }>(
      database,
      sql`select k.id from ${database.tables.keys} k ${where(conditions)} order by k.id limit ${sql.lit(limit)}`,
    )
    return rows.map(({ id }) => id)
  } catch (error) {
    if (error instanceof UnstorableText) return []
    throw error
  }
}

/** How many keys fit, whatever page is asked for. */
export async function countKeys(database: Database, filter: ParsedListQuery): Promise<number> {
  try {
    const [row] = await read<{ found: NumberCell }>(
      database,
      sql`select count(*) as found from ${database.tables.keys} k ${where(filterConditions(database, filter))}`,
    )
    return Number(row?.found)
  } catch (error) {
    if (error instanceof UnstorableText) return 0
    throw error
  }
}

async function selectKeys(database: Database, filter: ParsedListQuery): Promise<KeyRecordPage> {
  const { dialect, tables } = database
  const { by, descending } = filter.sort
  const order = sql.raw(descending ? 'desc' : 'asc')
  const value = sortColumn(dialect, by)
  const lastEvents = by === 'last_event_at' ? sql`left join ${tables.activity} a on a.key_id = k.id` : sql``
  const rows = await read<KeyRow>(
    database,
    sql`select ${keyRowColumns(dialect)} from (
        select k.*, ${value} as sort_value from ${tables.keys} k ${lastEvents} ${where([...filterConditions(database, filter), ...pageConditions(database, filter)])}
        order by ${value} ${order}, k.id ${order} limit ${sql.lit(filter.limit + 1)}
      ) k left join ${tables.secrets} s on s.key_id = k.id
      order by k.sort_value ${order}, k.id ${order}`,
  )
  const records = toRecords(rows)
  return { data: records.slice(0, filter.limit), more: records.length > filter.limit }
}

type KeyFilter = Omit<ParsedListQuery, 'limit' | 'after' | 'sort'>

function where(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`
}

/** Compared character by character, the same in every database. */
function sortColumn(dialect: SqlDialect, by: StoredSort): RawBuilder<unknown> {
  if (by === 'last_event_at') return sql`coalesce(a.last_event_at, 0)`
  if (by !== 'name') return sql.ref(`k.${by}`)
  return dialect === 'postgres' ? sql`k.name_folded collate "C"` : sql`k.name_folded`
}

/** The keys of which `effectiveStatusOf` says the same. */
function hasEffectiveStatus(
  { tables }: Database,
  { is, at }: { is: EffectiveStatus; at: number },
): RawBuilder<unknown> {
  const goesOn = sql`(expires_at is null or expires_at > ${at})`
  const inGrace = sql`select key_id from ${tables.secrets} where expires_at > ${at}`
  switch (is) {
    case 'revoked':
      return sql`status = 'revoked'`
    case 'expired':
      return sql`status <> 'revoked' and expires_at <= ${at}`
    case 'paused':
      return sql`status = 'paused' and ${goesOn}`
    case 'rotating':
      return sql`status = 'active' and ${goesOn} and id in (${inGrace})`
    case 'active':
      return sql`status = 'active' and ${goesOn} and id not in (${inGrace})`
  }
}

/** The keys of which `hasConcern` says so. */
function isOfConcern({ tables }: Database, { is, at }: { is: Concern; at: number }): RawBuilder<unknown> {
  const { graceEndsBefore, oldBefore, unusedSince } = concernTimes(at)
  const goesOn = sql`status = 'active' and (expires_at is null or expires_at > ${at})`
  const used = sql`select key_id from ${tables.activity} where last_event_at > ${unusedSince}`
  switch (is) {
    case 'grace_ending':
      return sql`${goesOn} and id in
        (select key_id from ${tables.secrets} where expires_at > ${at} and expires_at < ${graceEndsBefore})`
    case 'old_secret':
      return sql`${goesOn} and id in (${used}) and id in
        (select key_id from ${tables.secrets} where expires_at is null and created_at < ${oldBefore})`
    case 'unused':
      return sql`${goesOn} and created_at < ${unusedSince} and id not in (${used})`
  }
}

function filterConditions(database: Database, filter: KeyFilter): RawBuilder<unknown>[] {
  const { dialect, tables } = database
  const { status, effectiveStatus, concern, sourceType, environment, workspace, plan, q } = filter
  const conditions: RawBuilder<unknown>[] = []
  if (status !== undefined) conditions.push(sql`status = ${status}`)
  if (effectiveStatus !== undefined) conditions.push(hasEffectiveStatus(database, effectiveStatus))
  if (concern !== undefined) conditions.push(isOfConcern(database, concern))
  if (sourceType !== undefined) conditions.push(sql`source_type = ${sourceType}`)
  if (environment !== undefined) {
    // No environment has other characters, and MySQL refuses to compare them with an ASCII column.
    conditions.push(isAscii(environment) ? sql`environment = ${environment}` : sql`1 = 0`)
  }
  if (workspace === null) conditions.push(sql`workspace is null`)
  else if (workspace !== undefined) conditions.push(sql`workspace = ${workspace}`)
  if (plan !== undefined) conditions.push(isAscii(plan) ? sql`plan = ${plan}` : sql`1 = 0`)
  if (q !== undefined) {
    const ways = [contains(dialect, sql`name_folded`, q.toLowerCase())]
    if (isAscii(q)) {
      const start = (column: string) =>
        sql<boolean>`substr(${sql.ref(column)}, 1, ${sql.lit(q.length)}) = ${q}`
      const withStart = sql`select key_id from ${tables.secrets} where ${start('start_chars')}`
      ways.push(contains(dialect, sql`lower(environment)`, q.toLowerCase()), start('id'))
      // A subquery that finds the ids once, not once for each key.
      if (q.length <= maxStartLength) ways.push(sql<boolean>`id in (${withStart})`)
    }
    conditions.push(sql`(${sql.join(ways, sql` or `)})`)
  }
  return conditions
}

function pageConditions({ dialect }: Database, { after, sort }: ParsedListQuery): RawBuilder<unknown>[] {
  if (after === undefined) return []
  const beyond = sql.raw(sort.descending ? '<' : '>')
  const column = sortColumn(dialect, sort.by)
  // The first half is implied by the second, but only it can use an index.
  return [
    sql`${column} ${beyond}= ${after.value} and (${column} ${beyond} ${after.value} or k.id ${beyond} ${after.id})`,
  ]
}

/** Longest stored start of a secret. */
const maxStartLength = 32

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}
