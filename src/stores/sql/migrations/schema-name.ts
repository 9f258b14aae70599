import { type RawBuilder, sql } from 'kysely'
import { StoreError } from '../../../runtime/errors.ts'
import type { MigratedDatabase } from '../database.ts'
import { toStoreError } from '../driver-errors.ts'

/**
 * Makes the schema for the tables (a database in MySQL) when it is missing. Checks first: a user without the
 * right to make one is refused even when it exists.
 */
export async function makeSchema(database: MigratedDatabase): Promise<void> {
  try {
    await (await missingSchema(database))?.execute(database.writer)
  } catch (error) {
    // Another process may have made it at the same moment.
    const isMade = async () => (await missingSchema(database)) === undefined
    if (!(await isMade().catch(() => false))) throw toStoreError(error)
  }
}

/**
 * The statement that makes the schema; undefined when it exists. @throws StoreError `schema_missing` in
 * SQLite.
 */
export async function missingSchema({
  dialect,
  naming,
  writer,
}: MigratedDatabase): Promise<RawBuilder<unknown> | undefined> {
  const { schema } = naming
  if (schema === undefined) return undefined
  const found = {
    postgres: sql`select 1 from pg_namespace where nspname = ${schema}`,
    mysql: sql`select 1 from information_schema.schemata where schema_name = ${schema}`,
    sqlite: sql`select 1 from pragma_database_list where name = ${schema}`,
  }[dialect]
  if ((await found.execute(writer)).rows.length > 0) return undefined
  if (dialect === 'sqlite') {
    throw new StoreError(
      'schema_missing',
      `No database is attached to this SQLite connection as "${schema}".`,
    )
  }
  return sql`create ${sql.raw(dialect === 'mysql' ? 'database' : 'schema')} ${sql.id(schema)}`
}
