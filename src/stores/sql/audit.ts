import { sql } from 'kysely'
import type { AuditAction, AuditEntry } from '../../keys/audit-entry.ts'
import type { AuditQuery } from '../usage-store.ts'
import { fromJson, toJson, toText } from './cells.ts'
import { type Database, read, type Transaction, transact } from './database.ts'
import { textColumn } from './dialect.ts'
import type { NewRow, SchemaTables } from './table-columns.ts'
import { insertRow } from './table-names.ts'

type AuditRow = SchemaTables['audit']

export async function insertAudit(
  { tables }: Database,
  transaction: Transaction,
  entry: AuditEntry,
): Promise<void> {
  await transaction.write(insertRow(tables, 'audit', toAuditRow(entry)))
}

export function toAuditRow(entry: AuditEntry): NewRow<'audit'> {
  return {
    id: entry.id,
    at: entry.at,
    action: entry.action,
    actor: entry.actor,
    address: entry.address,
    key_id: entry.keyId,
    workspace: entry.workspace ?? null,
    fields_before: toJson(entry.before),
    fields_after: toJson(entry.after),
  }
}

export async function appendAudit(database: Database, entry: AuditEntry): Promise<void> {
  await transact(database, (transaction) => insertAudit(database, transaction, entry))
}

export async function listAudit(
  database: Database,
  { keyId, workspace, limit, after }: AuditQuery,
): Promise<{ data: AuditEntry[]; more: boolean }> {
  const { dialect, tables } = database
  const conditions = [sql`1 = 1`]
  if (keyId !== undefined) conditions.push(sql`key_id = ${keyId}`)
  if (workspace === null) conditions.push(sql`workspace is null`)
  else if (workspace !== undefined) conditions.push(sql`workspace = ${workspace}`)
  if (after !== undefined) {
    conditions.push(sql`(at < ${after.at} or (at = ${after.at} and id < ${after.id}))`)
  }
  const texts = ['actor', 'address', 'fields_before', 'fields_after'].map((name) => textColumn(dialect, name))
  const rows = await read<AuditRow>(
    database,
    sql`select id, at, action, key_id, workspace, ${sql.join(texts)} from ${tables.audit}
      where ${sql.join(conditions, sql` and `)} order by at desc, id desc limit ${sql.lit(limit + 1)}`,
  )
  return { data: rows.slice(0, limit).map(toEntry), more: rows.length > limit }
}

function toEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    at: Number(row.at),
    action: row.action as AuditAction,
    actor: row.actor === null ? null : toText(row.actor),
    address: row.address === null ? null : toText(row.address),
    keyId: row.key_id,
    ...(row.workspace !== null && { workspace: row.workspace }),
    before: fromJson(row.fields_before),
    after: fromJson(row.fields_after),
  }
}
