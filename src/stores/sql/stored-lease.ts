import { sql } from 'kysely'
import { randomBase62 } from '../../runtime/base62.ts'
import { type Database, read, transact } from './database.ts'
import type { Row } from './table-columns.ts'

/**
 * The stored lease. `leaseMs` is what polls return: no process trusts its cache for longer. `longestMs` is
 * what changes wait for: some process may still use a longer lease that an earlier poll returned.
 */
interface StoredLease {
  leaseMs: number
  longestMs: number
}

/** Clocks of two processes may run at slightly different speeds. */
const speedMargin = 1.01
const marginMs = 5

/**
 * Sets the lease for all processes. A longer one counts at once: a change that commits from now on waits for
 * it. A shorter one is first returned by polls. After the longest lease that an earlier poll may have
 * returned, changes wait for the shorter one only. A process that dies in between leaves changes slow, never
 * wrong.
 * @param pause waits so many milliseconds; false when the store is closed meanwhile.
 */
export async function setLease(
  database: Database,
  leaseMs: number,
  pause: (ms: number) => Promise<boolean>,
): Promise<void> {
  const wanted = Math.ceil(leaseMs)
  const stored = await readLease(database)
  if (stored?.leaseMs === wanted && stored.longestMs === wanted) return
  const mark = randomBase62(16)
  const longestMs = await tellPolls(database, wanted, mark)
  if (longestMs <= wanted) return
  if (await pause(longestMs * speedMargin + marginMs)) await tellChanges(database, wanted, mark)
}

async function readLease(database: Database): Promise<StoredLease | undefined> {
  const [row] = await read<Row<'meta', 'lease_ms' | 'longest_lease_ms'>>(
    database,
    sql`select lease_ms, longest_lease_ms from ${database.tables.meta} where id = 1`,
  )
  return row && { leaseMs: Number(row.lease_ms), longestMs: Number(row.longest_lease_ms) }
}

/** @returns for how long changes wait from now on. */
async function tellPolls(database: Database, leaseMs: number, mark: string): Promise<number> {
  const { tables } = database
  return transact(database, async ({ rows, write }) => {
    await write(
      sql`update ${tables.meta} set lease_ms = ${leaseMs}, lease_mark = ${mark},
        longest_lease_ms = case when longest_lease_ms < ${leaseMs} then ${leaseMs} else longest_lease_ms end
        where id = 1`,
    )
    const locking = database.dialect === 'sqlite' ? sql`` : sql`for update`
    const [row] = await rows<Row<'meta', 'longest_lease_ms'>>(
      sql`select longest_lease_ms from ${tables.meta} where id = 1 ${locking}`,
    )
    return Number(row?.longest_lease_ms)
  })
}

/** Unless somebody has set another lease in between: then the mark is theirs. */
async function tellChanges(database: Database, leaseMs: number, mark: string): Promise<void> {
  const { meta } = database.tables
  await transact(database, ({ write }) =>
    write(sql`update ${meta} set longest_lease_ms = ${leaseMs} where id = 1 and lease_mark = ${mark}`),
  )
}
