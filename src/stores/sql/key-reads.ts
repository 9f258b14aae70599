import { type RawBuilder, sql } from 'kysely'
import type { KeyRecord } from '../../keys/key-record.ts'
import type { ParsedListQuery } from '../../keys/list-query.ts'
import type { KeyRecordPage } from '../key-store.ts'
import { type Database, query } from './database.ts'
import { contains } from './dialect.ts'
import { UnstorableText } from './driver-errors.ts'
import { type KeyRow, keyRowColumns, toHash, toRecords } from './key-rows.ts'

/** The statement behind a cache miss: the unique index on the hash, then the key and its secrets by their indexes. */
export function findByHashStatement({ tables }: Database, keyHash: string): RawBuilder<unknown> {
  return sql`select ${keyRowColumns} from ${tables.secrets} h
    join ${tables.keys} k on k.id = h.key_id
    join ${tables.secrets} s on s.key_id = k.id
    where h.key_hash = ${toHash(keyHash)} order by s.position`
}

export async function findByHash(database: Database, keyHash: string): Promise<KeyRecord | undefined> {
  // Node would read a hash out of more than a hash: other letters, and whatever stands behind it.
  if (!hashPattern.test(keyHash)) return undefined
  return toRecords(await query<KeyRow>(database.reader, findByHashStatement(database, keyHash)))[0]
}

export async function getKey(database: Database, id: string): Promise<KeyRecord | undefined> {
  const { tables } = database
  const rows = await query<KeyRow>(
    database.writer,
    sql`select ${keyRowColumns} from ${tables.keys} k left join ${tables.secrets} s on s.key_id = k.id
      where k.id = ${id} order by s.position`,
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
  const { tables } = database
  const conditions = listConditions(database, filter)
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`
  const rows = await query<KeyRow>(
    database.writer,
    sql`select ${keyRowColumns} from (
        select * from ${tables.keys} ${where} order by created_at desc, id desc limit ${sql.lit(filter.limit + 1)}
      ) k left join ${tables.secrets} s on s.key_id = k.id
      order by k.created_at desc, k.id desc, s.position`,
  )
  const records = toRecords(rows)
  return { data: records.slice(0, filter.limit), more: records.length > filter.limit }
}

function listConditions({ dialect }: Database, filter: ParsedListQuery): RawBuilder<unknown>[] {
  const { status, sourceType, environment, q, after } = filter
  const conditions: RawBuilder<unknown>[] = []
  if (status !== undefined) conditions.push(sql`status = ${status}`)
  if (sourceType !== undefined) conditions.push(sql`source_type = ${sourceType}`)
  if (environment !== undefined) {
    // No environment has other characters, and MySQL refuses to compare them with an ASCII column.
    conditions.push(isAscii(environment) ? sql`environment = ${environment}` : sql`1 = 0`)
  }
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

const hashPattern = /^[0-9a-f]{64}$/

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}
