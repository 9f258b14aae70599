import { type RawBuilder, sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import type { PollAnswer, PollQuestion, Position } from '../key-store.ts'
import { toHash } from './cells.ts'
import { type Database, read } from './database.ts'
import { databaseNow } from './dialect.ts'
import { type KeyRow, keyRowColumns, toRecords } from './key-rows.ts'
import { schemaVersion } from './migrations/index.ts'
import { assertOwnTransaction, snapshotAge } from './open-transaction.ts'
import { toPeppers } from './peppers.ts'
import { assertPrimary } from './primary.ts'
import type { Row, SchemaTables } from './table-columns.ts'

/**
 * A row of the answer. Each has the first columns, and may have a change and a secret of the key beside them.
 */
interface PollRow
  extends Partial<KeyRow>,
    Row<'meta', 'revision' | 'mark' | 'pruned_revision' | 'lease_ms' | 'compatible_version' | 'peppers'> {
  is_primary: unknown
  snapshot_age_ms: unknown
  is_watched: unknown
  /** `since.revision`, when it is part of this history. */
  since_revision?: SchemaTables['changes']['revision'] | null
  changed_revision?: SchemaTables['changes']['revision'] | null
  changed_id?: SchemaTables['changes']['key_id'] | null
}

/** Node would decode more than a hash: other letters, and what follows it. */
const hashPattern = /^[0-9a-f]{64}$/

/**
 * One statement, so that the whole answer is of one moment, with an index for each part. The record of a
 * lookup stands beside the newest listed change only, or beside no change: there is one such row.
 */
export function pollStatement(database: Database, { since, keyHash }: PollQuestion): RawBuilder<unknown> {
  const { dialect, tables, isPrimary } = database
  const columns = [
    sql`m.revision, m.mark, m.pruned_revision, m.lease_ms, m.compatible_version, m.peppers, ${isPrimary} as is_primary,
      ${snapshotAge(dialect)} as snapshot_age_ms`,
    sql`case when m.watched_until > ${databaseNow(dialect)} then 1 else 0 end as is_watched`,
  ]
  const joins = [sql`${tables.meta} m`]
  // What look-ups read must be there for every poll: a missing table or right is told before the first request.
  if (since === null || keyHash === undefined)
    columns.push(
      sql`(select count(*) from ${tables.changes}, ${tables.secrets}, ${tables.keys} where 1 = 0) as unread_count`,
    )
  if (since !== null) {
    columns.push(sql`p.revision as since_revision, c.revision as changed_revision, c.key_id as changed_id`)
    joins.push(
      sql`left join ${tables.changes} p on p.revision = ${since.revision} and p.mark = ${since.mark}
        left join ${tables.changes} c on c.revision > p.revision`,
    )
  }
  if (keyHash !== undefined) {
    const newest = sql`(select max(revision) from ${tables.changes})`
    const once = since === null ? sql`` : sql`and (c.revision is null or c.revision = ${newest})`
    columns.push(keyRowColumns(dialect))
    joins.push(
      sql`left join ${tables.secrets} h on h.key_hash = ${toHash(keyHash)} ${once}
        left join ${tables.keys} k on k.id = h.key_id
        left join ${tables.secrets} s on s.key_id = k.id`,
    )
  }
  return sql`select ${sql.join(columns)} from ${sql.join(joins, sql` `)} where m.id = 1`
}

/**
 * SQLite is asked the same: `pragma data_version` does not change for writes over this connection, which an
 * application may share.
 */
export async function poll(database: Database, question: PollQuestion): Promise<PollAnswer> {
  const { since, keyHash } = question
  const asked = keyHash !== undefined && hashPattern.test(keyHash) ? { since, keyHash } : { since }
  const startedAt = performance.now()
  const rows = await read<PollRow>(database, pollStatement(database, asked), database.reader, 'tells its age')
  const [first] = rows
  assertPrimary(first)
  assertOwnTransaction(first?.snapshot_age_ms, performance.now() - startedAt)
  return toAnswer(since, first as PollRow, rows)
}

function toAnswer(since: Position | null, first: PollRow, rows: readonly PollRow[]): PollAnswer {
  assertCompatible(Number(first.compatible_version))
  const [record] = toRecords(rows.filter(isKeyRow))
  const answer = {
    position: { revision: Number(first.revision), mark: first.mark },
    leaseMs: Number(first.lease_ms),
    isWatched: Number(first.is_watched) === 1,
    peppers: toPeppers(first.peppers),
    ...(record !== undefined && { record }),
  }
  if (since === null) return { ...answer, history: 'kept', changed: 'all' }
  // Also when somebody has emptied the list of changes.
  if (isSame(since, answer.position)) return { ...answer, history: 'kept', changed: [] }
  if (first.since_revision === null || first.since_revision === undefined) {
    const pruned = since.revision <= Number(first.pruned_revision)
    return { ...answer, history: pruned ? 'pruned' : 'lost', changed: 'all' }
  }
  return { ...answer, history: 'kept', changed: changedSince(since, answer.position, rows) }
}

function changedSince(
  since: Position,
  { revision }: Position,
  rows: readonly PollRow[],
): PollAnswer['changed'] {
  const revisions = new Set(rows.map(({ changed_revision }) => Number(changed_revision)))
  // Every revision has its row. Where somebody has deleted some of them, any key may have changed.
  if (revisions.size !== revision - since.revision) return 'all'
  // The first revision is no change of a key.
  return [...new Set(rows.flatMap((row) => (row.changed_id ? [row.changed_id] : [])))]
}

function isSame(one: Position, other: Position): boolean {
  return one.revision === other.revision && one.mark === other.mark
}

function isKeyRow(row: PollRow): row is PollRow & KeyRow {
  return typeof row.id === 'string'
}

/** A process started before the tables were upgraded must notice. */
function assertCompatible(compatibleVersion: number): void {
  if (compatibleVersion <= schemaVersion) return
  throw new StoreError(
    'schema_too_new',
    `The tables ask for code that knows version ${compatibleVersion}, this code knows up to ${schemaVersion}: install a newer writekey.`,
  )
}
