import { type RawBuilder, sql } from 'kysely'
import type { ExistingSecret } from '../key-store.ts'
import { fromHash, toHash } from './cells.ts'
import { type Database, read } from './database.ts'
import { assertPrimary } from './primary.ts'
import type { Row, SchemaTables } from './table-columns.ts'

/** The secrets in the order of their hashes, after `after`. */
export function pageSecrets(
  database: Database,
  after: string | null,
  limit: number,
): Promise<ExistingSecret[]> {
  const { secrets } = database.tables
  const where = after === null ? sql`` : sql`where key_hash > ${toHash(after)}`
  return readSecrets(
    database,
    sql`left join (
        select key_id, key_hash from ${secrets} ${where} order by key_hash limit ${sql.lit(limit)}
      ) s on 1 = 1 where m.id = 1 order by s.key_hash`,
  )
}

/** Keys per statement. */
const keysPerStatement = 200

export async function secretsOf(database: Database, keyIds: readonly string[]): Promise<ExistingSecret[]> {
  const found: ExistingSecret[] = []
  for (let start = 0; start < keyIds.length; start += keysPerStatement) {
    const some = sql.join(keyIds.slice(start, start + keysPerStatement))
    const joined = sql`left join ${database.tables.secrets} s on s.key_id in (${some}) where m.id = 1`
    for (const secret of await readSecrets(database, joined)) found.push(secret)
  }
  return found
}

/** The columns beside the row of the server: empty, or a secret. */
interface FoundRow extends Row<'secrets', 'key_hash'> {
  is_primary: unknown
  key_id: SchemaTables['secrets']['key_id'] | null
}

/**
 * Joined to the one row that says whether this is the primary: a lagging replica would leave out a key that
 * was just made.
 */
async function readSecrets(database: Database, joined: RawBuilder<unknown>): Promise<ExistingSecret[]> {
  const { tables, isPrimary, reader } = database
  const rows = await read<FoundRow>(
    database,
    sql`select ${isPrimary} as is_primary, s.key_id, s.key_hash from ${tables.meta} m ${joined}`,
    reader,
  )
  assertPrimary(rows[0])
  return rows.flatMap(({ key_id, key_hash }) =>
    key_id === null ? [] : [{ keyId: key_id, keyHash: fromHash(key_hash) }],
  )
}
