import { sql } from 'kysely'
import { randomBase62 } from '../../runtime/base62.ts'
import type { CommittedChange } from '../key-store.ts'
import type { Database, Transaction } from './database.ts'
import { assertPrimary } from './primary.ts'
import type { NewRow, Row } from './table-columns.ts'
import { insertRows } from './table-names.ts'

/** Changes that a process can catch up on. One that has missed more drops its whole cache. */
const keptChanges = 10_000
const pruneEvery = 256
const markLength = 16

/** The channel on which PostgreSQL announces changes. */
export function channelName({ naming }: Pick<Database, 'naming'>): string {
  return `${naming.schema === undefined ? '' : `${naming.schema}.`}${naming.prefix}changes`.slice(0, 63)
}

/** The result of the statement that locks the revision's row. */
interface RaisedRow extends Row<'meta', 'revision' | 'longest_lease_ms'> {
  is_primary: unknown
}

/**
 * Raises the revision, gives it a new mark and notes which key it stands for. The row's lock is held until
 * the commit, so that revisions become visible in order; a sequence would give a number to a transaction that
 * commits after a later one. The lease is read under that lock: a longer lease is set under the same lock.
 */
export async function raiseRevision(
  database: Database,
  transaction: Transaction,
  keyId: string,
): Promise<CommittedChange> {
  const [committed] = await raiseRevisions(database, transaction, [keyId])
  return committed as CommittedChange
}

/** The same for several keys that change together: one revision and mark for each, in order. */
export async function raiseRevisions(
  database: Database,
  transaction: Transaction,
  keyIds: readonly string[],
): Promise<CommittedChange[]> {
  const { tables } = database
  const marked = keyIds.map((keyId) => ({ keyId, mark: randomBase62(markLength) }))
  const raised = await raise(database, transaction, marked)
  assertPrimary(raised)
  const newest = Number(raised?.revision)
  const before = newest - keyIds.length
  if (Math.floor(newest / pruneEvery) > Math.floor(before / pruneEvery) && newest > keptChanges) {
    const pruned = newest - keptChanges
    await transaction.write(sql`delete from ${tables.changes} where revision <= ${pruned}`)
    await transaction.write(sql`update ${tables.meta} set pruned_revision = ${pruned} where id = 1`)
  }
  const leaseMs = Number(raised?.longest_lease_ms)
  return marked.map(({ mark }, index) => ({ position: { revision: before + 1 + index, mark }, leaseMs }))
}

/** A key with the mark of the revision that will stand for its change. */
interface MarkedKey {
  keyId: string
  mark: string
}

async function raise(
  database: Database,
  { rows, write }: Transaction,
  marked: readonly MarkedKey[],
): Promise<RaisedRow | undefined> {
  const { dialect, tables, isPrimary } = database
  const { mark, keyId } = marked.at(-1) as MarkedKey
  const count = sql.lit(marked.length)
  // One round trip instead of four, because all other changes wait for the lock meanwhile.
  if (dialect === 'postgres') {
    const changes = marked.map((one, index) => sql`(${sql.lit(index + 1)}, ${one.mark}, ${one.keyId})`)
    // For many changes, a listener is only told that there are some: it asks which.
    const told = marked.length === 1 ? keyId : ''
    const [raised] = await rows<RaisedRow>(
      sql`with raised as (
          update ${tables.meta} set revision = revision + ${count}, mark = ${mark} where id = 1
          returning revision, longest_lease_ms, ${isPrimary} as is_primary
        ), noted as (
          insert into ${tables.changes} (revision, mark, key_id)
          select raised.revision - ${count} + one.place, one.mark, one.key_id
          from raised, (values ${sql.join(changes)}) as one (place, mark, key_id) returning revision
        )
        select raised.*, pg_notify(${channelName(database)}, ${told}) from raised join noted using (revision)`,
    )
    return raised
  }
  await write(sql`update ${tables.meta} set revision = revision + ${count}, mark = ${mark} where id = 1`)
  // In MySQL a plain read would use the transaction's snapshot.
  const locking = dialect === 'mysql' ? sql`for update` : sql``
  const [raised] = await rows<RaisedRow>(
    sql`select revision, longest_lease_ms, ${isPrimary} as is_primary from ${tables.meta} where id = 1 ${locking}`,
  )
  if (raised === undefined) return undefined
  const before = Number(raised.revision) - marked.length
  const changes = marked.map((one, index) => ({
    revision: before + 1 + index,
    mark: one.mark,
    key_id: one.keyId,
  }))
  await write(insertRows(tables, 'changes', changes as [NewRow<'changes'>]))
  return raised
}
