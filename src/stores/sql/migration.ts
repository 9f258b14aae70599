import { type CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely'
import { StoreError } from '../../runtime/errors.ts'
import { type MigratedDatabase, overConnection, read, type Transaction, transact } from './database.ts'
import { commit } from './dialect.ts'
import { retryTransient, toStoreError } from './driver-errors.ts'
import { migrations, schemaVersion } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'
import { createSchemaChange, findTable, type SchemaChange } from './migrations/schema-change.ts'
import { makeSchema, missingSchema } from './migrations/schema-name.ts'
import {
  asDatabase,
  assertNotTooNew,
  readSchemaState,
  toSchemaState,
  type VersionRow,
} from './schema-version.ts'
import { nameTable } from './table-names.ts'

/** Options of `migrate`. */
export interface MigrateOptions {
  /**
   * Whether to shut out processes of older versions, once none is needed any more. They answer 503 from their
   * next question to the store on. New tables shut them out from the start. Until then, calls that older
   * versions would get wrong, such as `pause`, are refused with `schema_mixed`. Default false.
   */
  finish?: boolean | undefined
}

/**
 * Makes the tables, or upgrades them version by version. Safe to call from many processes at once, and again
 * after a crash. @throws StoreError `schema_too_new` when a later version made the tables and this code
 * cannot run on them; nothing is written then.
 */
export async function migrate(
  database: MigratedDatabase,
  { finish = false }: MigrateOptions = {},
): Promise<void> {
  const state = await readSchemaState(database)
  if (state !== undefined) assertNotTooNew(state)
  if ((state?.version ?? 0) < schemaVersion) await runMigrations(database)
  if (finish || state === undefined) await shutOutOlder(database)
}

/**
 * The statements that `migrate` would run now, in order; none when there is nothing to do. Reads the catalog
 * and runs none of them. @throws StoreError as `migrate`.
 */
export async function planMigration(
  database: MigratedDatabase,
  { finish = false }: MigrateOptions = {},
): Promise<string[]> {
  const { dialect, naming, writer } = database
  const statements: string[] = []
  const plan = async (statement: RawBuilder<unknown>) => {
    statements.push(toText(statement.compile(writer)))
    return 0
  }
  const rows = <Row>(statement: RawBuilder<unknown>) => read<Row>(asDatabase(database), statement)
  const state = await readSchemaState(database)
  if (state !== undefined) assertNotTooNew(state)
  const schema = await missingSchema(database)
  if (schema !== undefined) await plan(schema)
  for (const migration of migrations) {
    if (migration.version <= (state?.version ?? 0)) continue
    await step(database, createSchemaChange(dialect, naming, { rows, write: plan }), migration)
  }
  const shutsOut = finish && (state?.compatibleVersion ?? 0) < schemaVersion
  if (shutsOut || state === undefined) await plan(shuttingOutOlder(database))
  return statements
}

/** A statement with its values inlined. */
function toText({ sql: text, parameters }: CompiledQuery): string {
  let next = 0
  const withValues = text.replace(/\$(\d+)|\?/g, (_, position?: string) => {
    const value = parameters[position === undefined ? next++ : Number(position) - 1]
    return typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`
  })
  return withValues.replace(/\s+/g, ' ')
}

function shuttingOutOlder({ tables: { meta } }: MigratedDatabase): RawBuilder<unknown> {
  return sql`update ${meta} set compatible_version = ${schemaVersion}
    where id = 1 and compatible_version < ${schemaVersion}`
}

async function shutOutOlder(database: MigratedDatabase): Promise<void> {
  await transact(asDatabase(database), ({ write }) => write(shuttingOutOlder(database)))
}

async function runMigrations(database: MigratedDatabase): Promise<void> {
  await makeSchema(database)
  if (database.dialect === 'mysql') return migrateUnderLock(database)
  for (const migration of migrations) {
    // In SQLite `begin immediate` is the lock. In PostgreSQL "if not exists" fails when two processes meet.
    await transact(asDatabase(database), async (transaction) => {
      if (database.dialect === 'postgres') {
        await transaction.rows(sql`select pg_advisory_xact_lock(hashtext(${lockName(database)}))`)
      }
      await runMigration(database, transaction, migration)
    })
  }
}

/** MySQL ends a transaction at every change of the schema, so a named lock keeps others out. */
async function migrateUnderLock(database: MigratedDatabase): Promise<void> {
  const { schema } = database.naming
  // One server has one set of these names.
  const name = sql`concat('writekey ', left(sha2(concat(coalesce(${schema ?? null}, database(), ''), '.', ${nameTable(database.naming, 'meta')}), 256), 50))`
  try {
    await database.writer.connection().execute(async (connection: Kysely<unknown>) => {
      const plain = overConnection(connection)
      const [lock] = await plain.rows<{ locked: unknown }>(sql`select get_lock(${name}, 9) as locked`)
      if (Number(lock?.locked) !== 1) {
        throw new StoreError('store_timeout', 'Another process has been migrating for too long; try again.')
      }
      // This connection may have read from a snapshot from before the lock.
      await plain.write(commit.mysql)
      const patient: Transaction = {
        rows: (statement) => retryTransient(() => plain.rows(statement)),
        write: (statement) => retryTransient(() => plain.write(statement)),
      }
      try {
        for (const migration of migrations) {
          await runMigration(database, patient, migration)
          await plain.write(commit.mysql)
        }
      } finally {
        await plain.rows(sql`select release_lock(${name})`).catch(() => {})
      }
    })
  } catch (error) {
    throw toStoreError(error)
  }
}

/** Another process may have done it meanwhile. */
async function runMigration(
  database: MigratedDatabase,
  transaction: Transaction,
  migration: Migration,
): Promise<void> {
  const { dialect, naming, tables } = database
  const exists = (await transaction.rows(findTable(dialect, naming, 'meta'))).length > 0
  const [row] = exists
    ? await transaction.rows<VersionRow>(sql`select * from ${tables.meta} where id = 1`)
    : []
  if (row !== undefined && toSchemaState(row).version >= migration.version) return
  await step(database, createSchemaChange(dialect, naming, transaction), migration)
}

/** Runs one migration, and notes that it is done. */
async function step(
  { tables: { meta } }: MigratedDatabase,
  change: SchemaChange,
  { version, compatibleFrom, up }: Migration,
): Promise<void> {
  await up(change)
  if (version === 1) return
  // Versions that were shut out stay so.
  const compatible = sql`case when compatible_version > ${compatibleFrom} then compatible_version else ${compatibleFrom} end`
  await change.write(
    sql`update ${meta} set schema_version = ${version}, compatible_version = ${compatible} where id = 1`,
  )
}

function lockName({ naming }: MigratedDatabase): string {
  return `${naming.schema ?? ''}.${nameTable(naming, 'meta')}`
}
