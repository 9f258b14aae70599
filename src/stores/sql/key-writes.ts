import { sql } from 'kysely'
import type { AuditEntry } from '../../keys/audit-entry.ts'
import type { KeyRecord, SecretRecord } from '../../keys/key-record.ts'
import { StoreError } from '../../runtime/errors.ts'
import type { CommittedChange } from '../key-store.ts'
import { insertAudit } from './audit.ts'
import { toHash, toNumber } from './cells.ts'
import { type Database, type Transaction, transact, undo } from './database.ts'
import { isDuplicate, UnstorableText } from './driver-errors.ts'
import { assertNoneEnded, noteEnded } from './ended-secrets.ts'
import { toKeyColumns } from './key-rows.ts'
import { pauseVersion } from './migrations/version-4.ts'
import { raiseRevision } from './revision.ts'
import type { NewRow, Row } from './table-columns.ts'
import { insertRow } from './table-names.ts'
import { nameUnstorable } from './unstorable-text.ts'

export async function insertKey(
  database: Database,
  record: KeyRecord,
  audit: AuditEntry,
): Promise<CommittedChange | undefined> {
  const { tables } = database
  return naming(database, record, audit, async (transaction) => {
    await transaction.write(insertRow(tables, 'keys', toKeyColumns(record)))
    for (const [position, secret] of record.secrets.entries()) {
      await insertSecret(database, transaction, record.id, secret, position)
    }
    await assertNoneEnded(database, transaction, record.secrets)
  })
}

export async function replaceKey(
  database: Database,
  record: KeyRecord,
  audit: AuditEntry,
): Promise<CommittedChange | undefined> {
  const { tables } = database
  return naming(database, record, audit, async (transaction) => {
    if (record.status === 'paused') await assertAllKnowPauses(database, transaction)
    const { id: _, ...changed } = toKeyColumns(record)
    const assignments = Object.entries(changed).map(([column, value]) => sql`${sql.ref(column)} = ${value}`)
    // Revoked is final, even for a caller that got its versions right.
    const alive = record.status === 'revoked' ? sql`` : sql`and status <> 'revoked'`
    const written = await transaction.write(
      sql`update ${tables.keys} set ${sql.join(assignments)}
        where id = ${record.id} and version = ${record.version - 1} ${alive}`,
    )
    if (written === 0) undo(undefined)
    await replaceSecrets(database, transaction, record, audit.at)
  })
}

export async function removeKey(
  database: Database,
  id: string,
  version: number,
  audit: AuditEntry,
): Promise<CommittedChange | undefined> {
  const { tables } = database
  return naming(database, { id }, audit, async (transaction) => {
    const written = await transaction.write(
      sql`delete from ${tables.keys} where id = ${id} and version = ${version}`,
    )
    if (written === 0) undo(undefined)
    await noteEnded(database, transaction, sql`s.key_id = ${id}`, audit.at)
    for (const table of [tables.secrets, tables.usage, tables.activity, tables.sightings]) {
      await transaction.write(sql`delete from ${table} where key_id = ${id}`)
    }
  })
}

/** {@link change}, but a character that the database cannot store is reported as a fault of the field. */
async function naming(
  database: Database,
  record: KeyRecord | Pick<KeyRecord, 'id'>,
  audit: AuditEntry,
  write: (transaction: Transaction) => Promise<void>,
): Promise<CommittedChange | undefined> {
  try {
    return await change(database, record.id, audit, write)
  } catch (error) {
    if (!(error instanceof UnstorableText)) throw error
    throw (await nameUnstorable(database, 'name' in record ? record : undefined, audit)) ?? error
  }
}

/** One change of one key: its writes, its audit entry and the revision, together or not at all. */
async function change(
  database: Database,
  keyId: string,
  audit: AuditEntry,
  write: (transaction: Transaction) => Promise<void>,
): Promise<CommittedChange | undefined> {
  return transact(database, async (transaction) => {
    try {
      await write(transaction)
      await insertAudit(database, transaction, audit)
    } catch (error) {
      if (isDuplicate(error)) undo(undefined)
      throw error
    }
    // Last, because all changes wait for this row: its lock is held as briefly as possible.
    return raiseRevision(database, transaction, keyId)
  })
}

/** In the transaction of the pause: from then on, the tables shut out older code that asks them. */
async function assertAllKnowPauses({ tables }: Database, transaction: Transaction): Promise<void> {
  const [row] = await transaction.rows<Row<'meta', 'compatible_version'>>(
    sql`select compatible_version from ${tables.meta} where id = 1`,
  )
  if (Number(row?.compatible_version) >= pauseVersion) return
  throw new StoreError(
    'schema_mixed',
    'Processes of an older version may run on this store, and would accept a paused key. When all are updated, finish the migration: writekey migrate --finish, or store.migrate({ finish: true }).',
  )
}

async function replaceSecrets(
  database: Database,
  transaction: Transaction,
  record: KeyRecord,
  now: number,
): Promise<void> {
  const { tables } = database
  const stored = await transaction.rows<Row<'secrets', 'id' | 'expires_at' | 'position'>>(
    sql`select id, expires_at, position from ${tables.secrets} where key_id = ${record.id} order by id`,
  )
  const storedById = new Map(stored.map((secret) => [secret.id, secret]))
  const kept = new Set(record.secrets.map((secret) => secret.id))
  for (const { id } of stored) {
    if (kept.has(id)) continue
    await noteEnded(database, transaction, sql`s.id = ${id}`, now)
    await transaction.write(sql`delete from ${tables.secrets} where id = ${id}`)
  }
  // By id, as the flush of usage does, so that the two never deadlock.
  const inOrder = [...record.secrets.entries()].sort(([, a], [, b]) => (a.id < b.id ? -1 : 1))
  for (const [position, secret] of inOrder) {
    const before = storedById.get(secret.id)
    if (before === undefined) {
      await insertSecret(database, transaction, record.id, secret, position)
    } else if (toNumber(before.expires_at) !== secret.expiresAt || Number(before.position) !== position) {
      // The last use is left alone: the flush of usage writes it, and this record may be older.
      await transaction.write(
        sql`update ${tables.secrets} set expires_at = ${secret.expiresAt}, position = ${position} where id = ${secret.id}`,
      )
    }
  }
  const added = record.secrets.filter(({ id }) => !storedById.has(id))
  await assertNoneEnded(database, transaction, added)
}

async function insertSecret(
  { tables }: Database,
  transaction: Transaction,
  keyId: string,
  secret: SecretRecord,
  position: number,
): Promise<void> {
  await transaction.write(insertRow(tables, 'secrets', toSecretRow(keyId, secret, position)))
}

export function toSecretRow(keyId: string, secret: SecretRecord, position: number): NewRow<'secrets'> {
  return {
    id: secret.id,
    key_id: keyId,
    key_hash: toHash(secret.keyHash),
    start_chars: secret.start,
    position,
    created_at: secret.createdAt,
    expires_at: secret.expiresAt,
    last_used_at: secret.lastUsedAt,
    imported: secret.imported ? 1 : 0,
  }
}
