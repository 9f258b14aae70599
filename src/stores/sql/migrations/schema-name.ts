import { sql } from 'kysely'
import { StoreError } from '../../../runtime/errors.ts'
import type { MigratedDatabase } from '../database.ts'
import { toStoreError } from '../driver-errors.ts'

/**
 * Makes the schema that the tables go into (a database in MySQL), when it is not there. Asked for first: who may not make one is
 * refused even when it exists.
 */
export async function makeSchema({ dialect, naming, writer }: MigratedDatabase): Promise<void> {
  const { schema } = naming
  if (schema === undefined) return
  const found = {
    postgres: sql`select 1 from pg_namespace where nspname = ${schema}`,
    mysql: sql`select 1 from information_schema.schemata where schema_name = ${schema}`,
    sqlite: sql`select 1 from pragma_database_list where name = ${schema}`,
  }[dialect]
  const exists = async () => (await found.execute(writer)).rows.length > 0
  try {
    if (await exists()) return
    if (dialect === 'sqlite') {
      throw new StoreError(
        'schema_missing',
        `No database is attached to this SQLite connection as "${schema}".`,
      )
    }
    await sql`create ${sql.raw(dialect === 'mysql' ? 'database' : 'schema')} ${sql.id(schema)}`.execute(
      writer,
    )
  } catch (error) {
    // Another process may have made it at the same moment.
    if (dialect === 'sqlite' || !(await exists().catch(() => false))) throw toStoreError(error)
  }
}
