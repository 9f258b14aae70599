import { sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import { type Database, type MigratedDatabase, read } from './database.ts'
import { schemaVersion } from './migrations/index.ts'
import { findTable } from './migrations/schema-change.ts'
import type { Row } from './table-columns.ts'

/** The version of the tables, and the oldest version of code that works with them. */
export interface SchemaState {
  version: number
  compatibleVersion: number
}

/** The second column exists since version 2. */
export type VersionRow = Row<'meta', 'schema_version'> & Partial<Row<'meta', 'compatible_version'>>

/** Undefined when there are no tables, or not all of them yet. Writes nothing. */
export async function readSchemaState(database: MigratedDatabase): Promise<SchemaState | undefined> {
  const all = asDatabase(database)
  const found = await read(all, findTable(database.dialect, database.naming, 'meta'))
  if (found.length === 0) return undefined
  const [row] = await read<VersionRow>(all, sql`select * from ${database.tables.meta} where id = 1`)
  return row && toSchemaState(row)
}

/** @throws StoreError `schema_missing`, `schema_outdated` or `schema_too_new`, saying what to do. */
export function assertCurrent(state: SchemaState | undefined): void {
  if (state === undefined) {
    throw new StoreError('schema_missing', 'The tables are missing: call migrate() on the store once.')
  }
  assertNotTooNew(state)
  if (state.version >= schemaVersion) return
  throw new StoreError(
    'schema_outdated',
    `The tables are of version ${state.version}, this code needs version ${schemaVersion}: call migrate() on the store once.`,
  )
}

export function toSchemaState({ schema_version, compatible_version }: VersionRow): SchemaState {
  const version = Number(schema_version)
  return { version, compatibleVersion: Number(compatible_version ?? version) }
}

/** @throws StoreError `schema_too_new` */
export function assertNotTooNew({ version, compatibleVersion }: SchemaState): void {
  if (version <= schemaVersion || compatibleVersion <= schemaVersion) return
  throw new StoreError(
    'schema_too_new',
    `The tables are of version ${version} and need code that knows version ${compatibleVersion}, this code knows up to ${schemaVersion}: install a newer writekey. Nothing was written.`,
  )
}

/** Migrating needs no check for the primary: a replica refuses to write. */
export function asDatabase(database: MigratedDatabase): Database {
  return { ...database, reader: database.writer, isPrimary: sql`1` }
}
