import { type Kysely, sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import type { Connections } from './connections.ts'
import type { SqlDialect } from './dialect.ts'
import { identifyFile } from './sqlite-file.ts'

/** An application's own instance: used, and left open. */
export async function adoptConnections(db: Kysely<unknown>, dialect: SqlDialect): Promise<Connections> {
  const connections = { reader: db, writer: db, close: async () => {} }
  if (dialect !== 'sqlite') return connections
  await waitForLocks(db)
  const path = await readPath(db)
  if (path === undefined) return connections
  const opened = identifyFile(path)
  return {
    ...connections,
    // We must not reopen the application's connection: better no answer than a file that nobody else sees.
    async followFile() {
      if (identifyFile(path) === opened) return false
      throw new StoreError(
        'store_unavailable',
        'Another SQLite file has been put in the place of the one that is open: open it again.',
      )
    },
  }
}

async function readPath(db: Kysely<unknown>): Promise<string | undefined> {
  const { rows } = await sql<{
    file: string | null
  }>`select file from pragma_database_list where name = 'main'`.execute(db)
  const file = rows[0]?.file
  return file === null || file === '' ? undefined : file
}

const leastBusyTimeoutMs = 5_000

/**
 * An application's SQLite connection must wait for locks itself: for what libsql does after a refused lock
 * see `sqlite-drivers.ts`.
 */
async function waitForLocks(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<object>`pragma busy_timeout`.execute(db)
  const timeoutMs = Number(Object.values(rows[0] ?? {})[0] ?? 0)
  if (timeoutMs < leastBusyTimeoutMs) {
    await sql.raw(`pragma busy_timeout = ${leastBusyTimeoutMs}`).execute(db)
  }
}
