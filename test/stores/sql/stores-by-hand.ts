import { join } from 'node:path'
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import { createPool } from 'mysql2'
import pg from 'pg'
import { describe, onTestFinished } from 'vitest'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore, type SqlStore } from '../../../src/stores/sql/index.ts'
import { openSqlite } from '../../../src/stores/sql/sqlite-connection.ts'
import type { SqlStoreUrlOptions } from '../../../src/stores/sql/store-options.ts'
import { describeWithService } from '../../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

/** A store, and its tables as somebody sees them who writes by hand. */
export interface StoreByHand {
  store: SqlStore
  db: Kysely<unknown>
}

/** Defines the same tests for each kind of database. */
export function describeStoresByHand(
  subject: string,
  define: (open: (tablePrefix: string) => Promise<StoreByHand>) => void,
  options: Omit<SqlStoreUrlOptions, 'url'> = {},
): void {
  describe(`${subject} on SQLite`, () => {
    const folder = useFolder()
    define(async (tablePrefix) => {
      const file = join(folder, `${randomBase62(8)}.db`)
      const store = createSqlStore({ ...options, url: `sqlite:${file}`, tablePrefix })
      await store.migrate()
      const { writer, close } = await openSqlite(file)
      onTestFinished(close)
      return { store, db: writer }
    })
  })

  describeWithService('postgres', `${subject} on PostgreSQL`, (address) => {
    const database = usePostgresDatabase(address)
    define(async (tablePrefix) => {
      const pool = new pg.Pool({ connectionString: database.url, max: 1 })
      const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
      onTestFinished(() => db.destroy())
      return { store: createSqlStore({ ...options, url: database.url, tablePrefix }), db }
    })
  })

  describeWithService('mysql', `${subject} on MariaDB`, (address) => {
    const database = useMysqlDatabase(address)
    define(async (tablePrefix) => {
      const db = new Kysely<unknown>({
        dialect: new MysqlDialect({ pool: createPool({ uri: database.url, connectionLimit: 1 }) }),
      })
      onTestFinished(() => db.destroy())
      return { store: createSqlStore({ ...options, url: database.url, tablePrefix }), db }
    })
  })
}
