import { sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import type { MigratedDatabase } from './database.ts'

/** Modes of MariaDB in which the statements mean something else, or an empty text is none. */
const foreignModes = ['ORACLE', 'EMPTY_STRING_IS_NULL']

/** An application's sessions may have any other mode. @throws StoreError that names the mode. */
export async function assertSqlMode({ dialect, ownsConnections, writer }: MigratedDatabase): Promise<void> {
  if (dialect !== 'mysql' || ownsConnections) return
  const { rows } = await sql<{ mode: unknown }>`select @@sql_mode as mode`.execute(writer)
  const modes = String(rows[0]?.mode).split(',')
  const foreign = foreignModes.find((mode) => modes.includes(mode))
  if (foreign === undefined) return
  throw new StoreError(
    'store_unavailable',
    `The sessions of the database have sql_mode ${foreign}, which the store cannot work with: give it a pool without that mode.`,
  )
}
