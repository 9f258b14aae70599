import { sql } from 'kysely'
import { type Database, query, transact } from './database.ts'
import { databaseNow, insertInto, onConflict } from './dialect.ts'
import type { NumberCell } from './key-rows.ts'

/** A registration counts for this long, in milliseconds: several times the longest lease and the time until it is renewed. */
const registeredForMs = 3_600_000

export async function registerLease(database: Database, holder: string, leaseMs: number): Promise<void> {
  const { dialect, tables, reader } = database
  const now = databaseNow(dialect)
  // Over the reader's connections, as verification waits for it.
  await transact({ ...database, writer: reader }, async ({ write }) => {
    await write(
      sql`${insertInto(dialect, tables.leases)} (holder, lease_ms, refreshed_at)
        values (${holder}, ${Math.ceil(leaseMs)}, ${now})
        ${onConflict(dialect, ['holder'], { lease_ms: 'replace', refreshed_at: 'replace' })}`,
    )
    await write(sql`delete from ${tables.leases} where refreshed_at < ${now} - ${sql.lit(registeredForMs)}`)
  })
}

export async function releaseLease(database: Database, holder: string): Promise<void> {
  const { leases } = database.tables
  await transact(database, ({ write }) => write(sql`delete from ${leases} where holder = ${holder}`))
}

export async function longestLeaseMs(database: Database, except: string): Promise<number> {
  const { dialect, tables, reader } = database
  const rows = await query<{ longest: NumberCell | null }>(
    reader,
    sql`select max(lease_ms) as longest from ${tables.leases}
      where holder <> ${except} and refreshed_at >= ${databaseNow(dialect)} - ${sql.lit(registeredForMs)}`,
  )
  return Number(rows[0]?.longest ?? 0)
}
