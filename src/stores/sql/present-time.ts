import { sql } from 'kysely'
import { usageBucketMs } from '../usage-store.ts'
import type { NumberCell } from './cells.ts'
import { type Database, read } from './database.ts'
import { readNow } from './usage-reads.ts'

/** What time it is, for what is deleted by its age: a process whose clock is ahead must not take everything for old. */
export interface PresentTime {
  /** Before something is written that holds the time of this process. */
  beforeWriting(database: Database): Promise<void>
  /** The earliest of the process's time, the database's and, in SQLite, what others have written down. */
  read(database: Database, processNow: number): Promise<number>
}

/**
 * A process with a wrong clock writes down its own time; so what was written is asked for before, and for
 * this long.
 */
const trustedAfterMs = 3_600_000

/** SQLite has no clock but that of each process. */
export function createPresentTime(): PresentTime {
  let known: { at: number | undefined; readAt: number } | undefined

  async function latestKnown(database: Database): Promise<number | undefined> {
    if (database.dialect !== 'sqlite') return undefined
    if (known === undefined || performance.now() - known.readAt > trustedAfterMs) {
      known = { at: await readLatestMoment(database), readAt: performance.now() }
    }
    return known.at
  }

  return {
    async beforeWriting(database) {
      await latestKnown(database)
    },
    async read(database, processNow) {
      const latest = (await latestKnown(database)) ?? Number.POSITIVE_INFINITY
      return Math.min(processNow, await readNow(database), latest)
    },
  }
}

/** The latest moment that was written down in this database; undefined when nothing was. */
async function readLatestMoment(database: Database): Promise<number | undefined> {
  const { tables } = database
  const [row] = await read<{ at: NumberCell | null }>(
    database,
    sql`select max(at) as at from (
      select max(bucket_at) as at from ${tables.usage} union all select max(at) as at from ${tables.audit}
      union all select max(last_at) as at from ${tables.sightings}
    ) moments`,
  )
  return row === undefined || row.at === null ? undefined : Number(row.at) + usageBucketMs
}
