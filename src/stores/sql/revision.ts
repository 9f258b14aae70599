import { sql } from 'kysely'
import type { StoreChanges } from '../key-store.ts'
import { type Database, query, type Transaction } from './database.ts'
import type { NumberCell } from './key-rows.ts'

/** Changes that a process can catch up on; one that has missed more drops everything it has cached. */
export const keptChanges = 10_000
const pruneEvery = 256

/** The channel on which PostgreSQL tells of changes. */
export function channelName({ naming }: Pick<Database, 'naming'>): string {
  return `${naming.schema === undefined ? '' : `${naming.schema}.`}${naming.prefix}changes`.slice(0, 63)
}

/**
 * Raises the revision and notes which key it stands for. The row's lock is held until the commit, so that revisions
 * become visible in their order; a sequence would hand out a number whose transaction commits after a later one.
 */
export async function raiseRevision(
  database: Database,
  transaction: Transaction,
  keyId: string,
): Promise<void> {
  const { tables } = database
  const revision = await raise(database, transaction, keyId)
  if (revision % pruneEvery !== 0 || revision <= keptChanges) return
  const pruned = revision - keptChanges
  await transaction.write(sql`delete from ${tables.changes} where revision <= ${pruned}`)
  await transaction.write(sql`update ${tables.meta} set pruned_revision = ${pruned} where id = 1`)
}

async function raise(database: Database, { rows, write }: Transaction, keyId: string): Promise<number> {
  const { dialect, tables } = database
  // One round trip instead of four, as everybody else waits for the lock meanwhile.
  if (dialect === 'postgres') {
    const [raised] = await rows<{ revision: NumberCell }>(
      sql`with raised as (update ${tables.meta} set revision = revision + 1 where id = 1 returning revision),
        noted as (insert into ${tables.changes} (revision, key_id) select revision, ${keyId} from raised returning revision)
        select revision, pg_notify(${channelName(database)}, ${keyId}) from noted`,
    )
    return Number(raised?.revision)
  }
  await write(sql`update ${tables.meta} set revision = revision + 1 where id = 1`)
  const [meta] = await rows<{ revision: NumberCell }>(sql`select revision from ${tables.meta} where id = 1`)
  const revision = Number(meta?.revision)
  await write(sql`insert into ${tables.changes} (revision, key_id) values (${revision}, ${keyId})`)
  return revision
}

/**
 * One statement, so that the revision and the changes are of the same moment. SQLite is asked the same: `pragma data_version`
 * costs two thirds of it through a driver, and does not move for writes over this connection, which an application may share.
 */
export async function readChanges(database: Database, since: number | null): Promise<StoreChanges> {
  const { tables } = database
  const rows = await query<{ revision: NumberCell; pruned_revision: NumberCell; key_id: string | null }>(
    database.reader,
    since === null
      ? sql`select revision, pruned_revision, null as key_id from ${tables.meta} where id = 1`
      : sql`select m.revision, m.pruned_revision, c.key_id from ${tables.meta} m
          left join ${tables.changes} c on c.revision > ${since} where m.id = 1`,
  )
  const revision = Number(rows[0]?.revision)
  if (since === null || since < Number(rows[0]?.pruned_revision)) return { revision, changed: 'all' }
  return { revision, changed: [...new Set(rows.flatMap((row) => row.key_id ?? []))] }
}
