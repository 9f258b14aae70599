import { type RawBuilder, sql } from 'kysely'
import type { KeyRecord } from '../../keys/key-record.ts'
import type { ParsedListQuery } from '../../keys/list-query.ts'
import type { KeyRecordPage } from '../key-store.ts'
import { type Database, read } from './database.ts'
import { contains } from './dialect.ts'
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

export async function listKeys(database: Database, filter: ParsedListQuery): Promise<KeyRecordPage> {
  try {
    return await selectKeys(database, filter)
  } catch (error) {
    // What the database cannot hold is in no name.
    if (error instanceof UnstorableText) return { data: [], more: false }
    throw error
  }
}

async function selectKeys(database: Database, filter: ParsedListQuery): Promise<KeyRecordPage> {
  const { dialect, tables } = database
  const conditions = listConditions(database, filter)
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`
  const rows = await read<KeyRow>(
    database,
    sql`select ${keyRowColumns(dialect)} from (
        select * from ${tables.keys} ${where} order by created_at desc, id desc limit ${sql.lit(filter.limit + 1)}
      ) k left join ${tables.secrets} s on s.key_id = k.id
      order by k.created_at desc, k.id desc`,
  )
  const records = toRecords(rows)
  return { data: records.slice(0, filter.limit), more: records.length > filter.limit }
}

function listConditions({ dialect }: Database, filter: ParsedListQuery): RawBuilder<unknown>[] {
  const { status, sourceType, environment, workspace, plan, q, after } = filter
  const conditions: RawBuilder<unknown>[] = []
  if (status !== undefined) conditions.push(sql`status = ${status}`)
  if (sourceType !== undefined) conditions.push(sql`source_type = ${sourceType}`)
  if (environment !== undefined) {
    // No environment has other characters, and MySQL refuses to compare them with an ASCII column.
    conditions.push(isAscii(environment) ? sql`environment = ${environment}` : sql`1 = 0`)
  }
  if (workspace === null) conditions.push(sql`workspace is null`)
  else if (workspace !== undefined) conditions.push(sql`workspace = ${workspace}`)
  if (plan !== undefined) conditions.push(isAscii(plan) ? sql`plan = ${plan}` : sql`1 = 0`)
  if (q !== undefined) {
    const inName = contains(dialect, sql`name_folded`, q.toLowerCase())
    const inId = isAscii(q) ? sql`substr(id, 1, ${sql.lit(q.length)}) = ${q}` : sql`1 = 0`
    conditions.push(sql`(${inName} or ${inId})`)
  }
  if (after !== undefined) {
    conditions.push(
      sql`(created_at < ${after.createdAt} or (created_at = ${after.createdAt} and id < ${after.id}))`,
    )
  }
  return conditions
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}
