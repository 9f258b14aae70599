import { type Kysely, type RawBuilder, sql } from 'kysely'
import { StoreError } from '../../keys/errors.ts'
import { type Database, query, transact } from './database.ts'
import { retryTransient, toStoreError } from './driver-errors.ts'
import { schemaStatements, schemaVersion } from './schema.ts'
import { nameTable } from './tables.ts'

/** The version of the tables that are there; undefined when there are none, or not all of them yet. Writes nothing. */
export async function readSchemaVersion(database: Database): Promise<number | undefined> {
  const found = await query<{ present: unknown }>(database.writer, metaExists(database))
  if (found.length === 0) return undefined
  const rows = await query<{ schema_version: unknown }>(
    database.writer,
    sql`select schema_version from ${database.tables.meta} where id = 1`,
  )
  const version = rows[0]?.schema_version
  return version === undefined ? undefined : Number(version)
}

/** @throws StoreError `schema_too_new`. */
export function assertNotNewer(version: number | undefined): void {
  if (version === undefined || version <= schemaVersion) return
  throw new StoreError(
    'schema_too_new',
    `The tables are of version ${version}, this code knows up to ${schemaVersion}: install a newer writekey. Nothing was written.`,
  )
}

/**
 * Makes the tables, or brings them up to date. Safe to run by many processes at once and again after a crash.
 * @throws StoreError `schema_too_new` when the tables were made by a later version; nothing is written then.
 */
export async function migrate(database: Database): Promise<void> {
  const version = await readSchemaVersion(database)
  assertNotNewer(version)
  if (version === schemaVersion) return
  if (database.dialect === 'mysql') return migrateUnderLock(database)
  // In SQLite `begin immediate` is the lock; in PostgreSQL "if not exists" alone fails when two processes meet.
  await transact(database, async ({ rows, write }) => {
    if (database.dialect === 'postgres') {
      await rows(sql`select pg_advisory_xact_lock(hashtext(${lockName(database)}))`)
    }
    for (const statement of schemaStatements(database)) await write(statement)
    await write(
      sql`insert into ${database.tables.meta} (id, schema_version, revision, pruned_revision)
        values (1, ${schemaVersion}, 1, 1) on conflict (id) do nothing`,
    )
  })
}

/** MySQL ends a transaction at every change of the schema: here a named lock keeps others out. */
async function migrateUnderLock(database: Database): Promise<void> {
  const name = lockName(database)
  try {
    await database.writer.connection().execute(async (connection: Kysely<unknown>) => {
      const run = (statement: RawBuilder<unknown>) => retryTransient(() => statement.execute(connection))
      const { rows } = await run(sql`select get_lock(${name}, 9) as locked`)
      if (Number((rows[0] as { locked: unknown }).locked) !== 1) {
        throw new StoreError('store_timeout', 'Another process has been migrating for too long; try again.')
      }
      try {
        for (const statement of schemaStatements(database)) await run(statement)
        await run(
          sql`insert ignore into ${database.tables.meta} (id, schema_version, revision, pruned_revision)
            values (1, ${schemaVersion}, 1, 1)`,
        )
      } finally {
        await run(sql`select release_lock(${name})`).catch(() => {})
      }
    })
  } catch (error) {
    throw toStoreError(error)
  }
}

function lockName({ naming }: Database): string {
  return `${naming.schema ?? ''}.${nameTable(naming, 'meta')}`.slice(0, 64)
}

function metaExists({ dialect, naming }: Database): RawBuilder<unknown> {
  const table = nameTable(naming, 'meta')
  const { schema } = naming
  if (dialect === 'postgres') {
    const name = schema === undefined ? `"${table}"` : `"${schema}"."${table}"`
    return sql`select 1 as present where to_regclass(${name}) is not null`
  }
  if (dialect === 'mysql') {
    return sql`select 1 as present from information_schema.tables
      where table_name = ${table} and table_schema = ${schema ?? sql`database()`}`
  }
  const catalog = schema === undefined ? sql.id('sqlite_master') : sql.id(schema, 'sqlite_master')
  return sql`select 1 as present from ${catalog} where type = 'table' and name = ${table}`
}
