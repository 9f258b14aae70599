import { sql } from 'kysely'
import { randomBase62 } from '../../../runtime/base62.ts'
import type { Migration } from './migration.ts'
import type { SchemaChange } from './schema-change.ts'

/** Milliseconds. SQLite answers from the same machine in microseconds, so polls cost almost nothing. */
const firstLeaseMs = { sqlite: 100, postgres: 2_000, mysql: 2_000 }

/**
 * Adds marks, so that a process can tell its history from another; one lease for all, in place of
 * registrations; and the last batch of counts of each process, so that none counts twice.
 *
 * Code of version 1 cannot run beside this. The column without a default makes its changes fail, whose
 * revisions would have no mark. Its caches end when they next register, within ten minutes; until then the
 * lease covers what they had registered.
 */
export const version2: Migration = {
  version: 2,
  compatibleFrom: 2,
  async up(change) {
    const { types, addColumn, createTable, dropTable } = change
    const { word, whole } = types
    await addMarkToChanges(change)
    await addColumn('meta', 'mark', `${word(16)} not null default ''`)
    await addColumn('meta', 'compatible_version', `${whole} not null default 1`)
    await addColumn('meta', 'lease_ms', `${whole} not null default 0`)
    await addColumn('meta', 'longest_lease_ms', `${whole} not null default 0`)
    await addColumn('meta', 'lease_mark', `${word(16)} not null default ''`)
    await markRevision(change)
    await dropTable('leases')
    await createTable('usage_writers', [
      `writer ${word(80)} not null primary key`,
      `batch ${whole} not null`,
      `last_at ${whole} not null`,
    ])
  },
}

async function addMarkToChanges(change: SchemaChange): Promise<void> {
  const { dialect, table, addColumn, hasColumn, createTable, dropTable, renameTable, write } = change
  const { word, whole } = change.types
  const changes = table('changes')
  if (dialect !== 'sqlite') {
    await addColumn('changes', 'mark', `${word(16)} not null default ''`)
    await write(sql`alter table ${changes} alter column mark drop default`)
    return
  }
  // SQLite cannot add such a column without a default, nor remove one.
  if (await hasColumn('changes', 'mark')) return
  await createTable('changes_2', [
    `revision ${whole} not null primary key`,
    `key_id ${word(80)} not null`,
    `mark ${word(16)} not null`,
  ])
  await write(
    sql`insert into ${table('changes_2')} (revision, key_id, mark) select revision, key_id, '' from ${changes}`,
  )
  await dropTable('changes')
  await renameTable('changes_2', 'changes')
}

/**
 * The current revision gets its mark, even the first, which is no change of a key. Nothing is read first, so
 * that the statements are the same on every database of this version. Marked revisions are left alone.
 */
async function markRevision({ dialect, table, hasTable, write }: SchemaChange): Promise<void> {
  const [meta, changes, leases] = [table('meta'), table('changes'), table('leases')]
  const mark = randomBase62(16)
  await write(
    sql`update ${changes} set mark = ${mark}
      where revision = (select revision from ${meta} where id = 1 and mark = '')`,
  )
  await write(
    sql`insert into ${changes} (revision, key_id, mark) select m.revision, '', ${mark} from ${meta} m
      where m.id = 1 and m.mark = '' and not exists (select 1 from ${changes} c where c.revision = m.revision)`,
  )
  const first = sql.lit(firstLeaseMs[dialect])
  const registered = (await hasTable('leases'))
    ? sql`(select coalesce(max(case when lease_ms > ${first} then lease_ms end), ${first}) from ${leases})`
    : first
  // From here on the list of changes begins with the first revision itself.
  await write(
    sql`update ${meta} set pruned_revision = case when revision = 1 then 0 else pruned_revision end,
      lease_ms = ${registered}, longest_lease_ms = ${registered}, mark = ${mark} where id = 1 and mark = ''`,
  )
}
