import { type RawBuilder, sql } from 'kysely'
import type { SecretRecord } from '../../keys/key-record.ts'
import { fromHash, toHash } from './cells.ts'
import { type Database, read, type Transaction, undo } from './database.ts'
import { assertPrimary } from './primary.ts'
import type { Row } from './table-columns.ts'

/** Hashes of one statement. */
const hashesPerStatement = 200

/** Before rows of secrets are deleted: notes the hashes of those that fit. */
export async function noteEnded(
  { tables }: Database,
  transaction: Transaction,
  fits: RawBuilder<unknown>,
  now: number,
): Promise<void> {
  // A secret may have a row here and live all the same: code of version 8 imports what has ended.
  await transaction.write(
    sql`insert into ${tables.ended_secrets} (key_hash, ended_at)
      select s.key_hash, case when s.expires_at < ${now} then s.expires_at else ${now} end
      from ${tables.secrets} s where ${fits} and not exists (
        select 1 from ${tables.ended_secrets} e where e.key_hash = s.key_hash)`,
  )
}

/**
 * After secrets were inserted: undoes the transaction when one of them has ended. Not before, because the
 * unique index makes the insert wait for whoever is deleting the same secret, whose note is to be seen here.
 */
export async function assertNoneEnded(
  { tables, dialect }: Database,
  transaction: Transaction,
  secrets: readonly SecretRecord[],
): Promise<void> {
  // In MySQL a plain read would use the transaction's snapshot.
  const locking = dialect === 'mysql' ? sql`for update` : sql``
  for (const some of inParts(secrets.map(({ keyHash }) => keyHash))) {
    const found = await transaction.rows(
      sql`select 1 from ${tables.ended_secrets} where key_hash in (${some}) limit 1 ${locking}`,
    )
    if (found.length > 0) undo(undefined)
  }
}

interface EndedRow {
  is_primary: unknown
  key_hash: Row<'ended_secrets', 'key_hash'>['key_hash'] | null
  ended_at: Row<'ended_secrets', 'ended_at'>['ended_at'] | null
}

/** When those of these secrets ended that have ended, by hash. */
export async function findEnded(
  database: Database,
  keyHashes: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { tables, isPrimary, reader } = database
  const found = new Map<string, number>()
  for (const some of inParts(keyHashes)) {
    const rows = await read<EndedRow>(
      database,
      sql`select ${isPrimary} as is_primary, e.key_hash, e.ended_at from ${tables.meta} m
        left join ${tables.ended_secrets} e on e.key_hash in (${some})
          and not exists (select 1 from ${tables.secrets} s where s.key_hash = e.key_hash)
        where m.id = 1`,
      reader,
    )
    assertPrimary(rows[0])
    for (const { key_hash, ended_at } of rows) {
      if (key_hash !== null) found.set(fromHash(key_hash), Number(ended_at))
    }
  }
  return found
}

function* inParts(keyHashes: readonly string[]): Generator<RawBuilder<unknown>> {
  for (let start = 0; start < keyHashes.length; start += hashesPerStatement)
    yield sql.join(keyHashes.slice(start, start + hashesPerStatement).map(toHash))
}
