import { type Kysely, type RawBuilder, sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import type { SqlDialect } from './dialect.ts'
import { nameTable, type TableNaming } from './table-names.ts'

/**
 * SQL that tells whether the server that runs the statement is the primary. A replica may lag and not know a
 * revocation yet. A proxy may send one statement to it and the next to the primary.
 */
export async function findPrimaryExpression(
  dialect: SqlDialect,
  connection: Kysely<unknown>,
  naming: TableNaming,
): Promise<RawBuilder<unknown>> {
  if (dialect === 'sqlite') return sql`1`
  if (dialect === 'postgres') return postgresPrimary(connection, naming)
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(connection)
  if (/mariadb/i.test(String(rows[0]?.version))) return mariadbPrimary
  return (await mayReadReplication(connection)) ? mysqlPrimary : writable
}

/** @throws StoreError `store_not_primary` */
export function assertPrimary(row: { is_primary: unknown } | undefined): void {
  if (row === undefined)
    throw new StoreError('schema_missing', 'The row of the revision is not there: call migrate().')
  if (row.is_primary === true || Number(row.is_primary) === 1) return
  throw new StoreError(
    'store_not_primary',
    'The database that answered is a replica, or subscribes to the tables, and may know nothing of a revocation. The store has to reach the primary with every statement.',
  )
}

/**
 * A subscriber of logical replication takes writes, but what it shows of the tables is another server's, as far
 * as it has arrived. One whose subscription was disabled goes its own way.
 */
async function postgresPrimary(
  connection: Kysely<unknown>,
  naming: TableNaming,
): Promise<RawBuilder<unknown>> {
  const meta = [naming.schema, nameTable(naming, 'meta')].filter((name) => name !== undefined)
  const quoted = meta.map((name) => `"${name}"`).join('.')
  const isSubscribed = sql`exists (select 1 from pg_subscription_rel r join pg_subscription s on s.oid = r.srsubid
    where r.srrelid = to_regclass(${sql.lit(quoted)}) and s.subenabled)`
  try {
    await sql`select ${isSubscribed}`.execute(connection)
    return sql`(not pg_is_in_recovery() and not ${isSubscribed})`
  } catch {
    // Before PostgreSQL 14 only a superuser may look; servers that are only like it know of no subscriptions.
    return sql`not pg_is_in_recovery()`
  }
}

/** Newer versions answer with words. The second variable is set on Aurora's readers. */
const writable = sql.raw(
  "(cast(@@global.read_only as char) in ('0', 'OFF') and cast(@@global.innodb_read_only as char) in ('0', 'OFF'))",
)

/**
 * A primary may be read-only, for maintenance or lack of space. A replica runs the threads of replication, or
 * stands at an event that another server wrote: each position is domain-server-sequence.
 */
const mariadbPrimary = sql.raw(`case when cast(@@global.read_only as char) in ('0', 'OFF') then 1
  when (select sum(variable_value not in ('0', 'OFF')) from information_schema.global_status
    where variable_name in ('SLAVE_RUNNING', 'SLAVES_RUNNING')) > 0 then 0
  when replace(concat(',', @@global.gtid_current_pos), ' ', '') regexp concat(',[0-9]+-(?!', @@global.server_id, '-)') then 0
  else 1 end`)

/** Where replication is configured, a read-only server is a replica. So is a read-only member of a group. */
const mysqlPrimary = sql.raw(`case when cast(@@global.read_only as char) in ('0', 'OFF')
    and cast(@@global.innodb_read_only as char) in ('0', 'OFF') then 1
  when cast(@@global.innodb_read_only as char) not in ('0', 'OFF') then 0
  when exists (select 1 from performance_schema.replication_connection_configuration) then 0
  when exists (select 1 from performance_schema.replication_group_members where member_state <> 'OFFLINE') then 0
  else 1 end`)

/** Without the privilege, a read-only MySQL server counts as a replica. */
async function mayReadReplication(connection: Kysely<unknown>): Promise<boolean> {
  try {
    await sql`select 1 from performance_schema.replication_connection_configuration limit 1`.execute(
      connection,
    )
    await sql`select 1 from performance_schema.replication_group_members limit 1`.execute(connection)
    return true
  } catch {
    return false
  }
}
