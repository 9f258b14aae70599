import { sql } from 'kysely'
import { randomBase62 } from '../../runtime/base62.ts'
import type { CommittedChange } from '../key-store.ts'
import type { Database, Transaction } from './database.ts'
import { assertPrimary } from './primary.ts'
import type { Row } from './schema-tables.ts'
import { insertRow } from './tables.ts'

/** Changes that a process can catch up on; one that has missed more drops everything it has cached. */
export const keptChanges = 10_000
const pruneEvery = 256
const markLength = 16

/** The channel on which PostgreSQL tells of changes. */
export function channelName({ naming }: Pick<Database, 'naming'>): string {
  return `${naming.schema === undefined ? '' : `${naming.schema}.`}${naming.prefix}changes`.slice(0, 63)
}

/** What a statement gives back that has the lock of the revision's row. */
interface RaisedRow extends Row<'meta', 'revision' | 'longest_lease_ms'> {
  is_primary: unknown
}

/**
 * Raises the revision, gives it a new mark and notes which key it stands for. The row's lock is held until the commit, so that
 * revisions become visible in their order; a sequence would hand out a number whose transaction commits after a later one.
 * The lease is read behind that lock: whoever makes it longer takes the lock as well.
 */
export async function raiseRevision(
  database: Database,
  transaction: Transaction,
  keyId: string,
): Promise<CommittedChange> {
  const { tables } = database
  const mark = randomBase62(markLength)
  const raised = await raise(database, transaction, keyId, mark)
  assertPrimary(raised)
  const revision = Number(raised?.revision)
  if (revision % pruneEvery === 0 && revision > keptChanges) {
    const pruned = revision - keptChanges
    await transaction.write(sql`delete from ${tables.changes} where revision <= ${pruned}`)
    await transaction.write(sql`update ${tables.meta} set pruned_revision = ${pruned} where id = 1`)
  }
  return { position: { revision, mark }, leaseMs: Number(raised?.longest_lease_ms) }
}

async function raise(
  database: Database,
  { rows, write }: Transaction,
  keyId: string,
  mark: string,
): Promise<RaisedRow | undefined> {
  const { dialect, tables, isPrimary } = database
  // One round trip instead of four, as everybody else waits for the lock meanwhile.
  if (dialect === 'postgres') {
    const [raised] = await rows<RaisedRow>(
      sql`with raised as (
          update ${tables.meta} set revision = revision + 1, mark = ${mark} where id = 1
          returning revision, longest_lease_ms, ${isPrimary} as is_primary
        ), noted as (
          insert into ${tables.changes} (revision, mark, key_id)
          select revision, ${mark}, ${keyId} from raised returning revision
        )
        select raised.*, pg_notify(${channelName(database)}, ${keyId}) from raised join noted using (revision)`,
    )
    return raised
  }
  await write(sql`update ${tables.meta} set revision = revision + 1, mark = ${mark} where id = 1`)
  // In MySQL a plain read would be of the transaction's snapshot.
  const locking = dialect === 'mysql' ? sql`for update` : sql``
  const [raised] = await rows<RaisedRow>(
    sql`select revision, longest_lease_ms, ${isPrimary} as is_primary from ${tables.meta} where id = 1 ${locking}`,
  )
  if (raised === undefined) return undefined
  await write(insertRow(tables, 'changes', { revision: Number(raised.revision), mark, key_id: keyId }))
  return raised
}
