import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../database.ts'
import type { SqlDialect } from '../dialect.ts'
import { nameTable, qualifyTable, type TableNaming } from '../table-names.ts'
import { type ColumnTypes, columnTypes } from './column-types.ts'

interface Index {
  /** Follows the table's name and `_`. */
  name: string
  columns: string
  unique?: boolean
}

/**
 * What a migration works with. Each method does nothing when its work is done already. MySQL commits every
 * change of the schema by itself, so a migration that was killed halfway is run again from its beginning.
 */
export interface SchemaChange extends Transaction {
  readonly dialect: SqlDialect
  readonly types: ColumnTypes
  /** A table as it is written in a statement. Its name is given without the prefix. */
  table(name: string): RawBuilder<unknown>
  createTable(name: string, columns: readonly string[], indexes?: readonly Index[]): Promise<void>
  createIndex(table: string, index: Index): Promise<void>
  addColumn(table: string, column: string, definition: string): Promise<void>
  dropTable(name: string): Promise<void>
  renameTable(from: string, to: string): Promise<void>
  hasTable(name: string): Promise<boolean>
  hasColumn(table: string, column: string): Promise<boolean>
}

export function createSchemaChange(
  dialect: SqlDialect,
  naming: TableNaming,
  transaction: Transaction,
): SchemaChange {
  const { rows, write } = transaction
  const table = (name: string) => qualifyTable(naming, name)

  async function exists(statement: RawBuilder<unknown>): Promise<boolean> {
    return (await rows(statement)).length > 0
  }

  async function createIndex(on: string, index: Index): Promise<void> {
    const name = `${nameTable(naming, on)}_${index.name}`
    const kind = sql.raw(index.unique ? 'unique index' : 'index')
    const columns = sql.raw(index.columns)
    if (dialect === 'mysql') {
      if (await exists(mysqlIndex(naming, on, name))) return
      await write(sql`create ${kind} ${sql.id(name)} on ${table(on)} (${columns})`)
      return
    }
    // PostgreSQL puts an index into the schema of its table; SQLite wants the schema before the index's name.
    const inSchema = dialect === 'sqlite' && naming.schema !== undefined
    const indexName = inSchema ? sql.id(naming.schema as string, name) : sql.id(name)
    const tableName = inSchema ? sql.id(nameTable(naming, on)) : table(on)
    await write(sql`create ${kind} if not exists ${indexName} on ${tableName} (${columns})`)
  }

  const hasTable = (name: string) => exists(findTable(dialect, naming, name))
  const hasColumn = (name: string, column: string) => exists(findColumn(dialect, naming, name, column))

  return {
    ...transaction,
    dialect,
    types: columnTypes[dialect],
    table,
    hasTable,
    hasColumn,
    createIndex,
    async createTable(name, columns, indexes = []) {
      const isMysql = dialect === 'mysql'
      // MySQL makes indexes with the table: one change of the schema instead of several, each of which is
      // slow.
      const inline = (isMysql ? indexes : []).map(
        (index) =>
          `${index.unique ? 'unique ' : ''}index ${nameTable(naming, name)}_${index.name} (${index.columns})`,
      )
      const engine = sql.raw(isMysql ? ' engine = InnoDB' : '')
      await write(
        sql`create table if not exists ${table(name)} (${sql.raw([...columns, ...inline].join(', '))})${engine}`,
      )
      if (isMysql) return
      for (const index of indexes) await createIndex(name, index)
    },
    async addColumn(name, column, definition) {
      if (await hasColumn(name, column)) return
      await write(sql`alter table ${table(name)} add column ${sql.ref(column)} ${sql.raw(definition)}`)
    },
    async dropTable(name) {
      await write(sql`drop table if exists ${table(name)}`)
    },
    async renameTable(from, to) {
      await write(sql`alter table ${table(from)} rename to ${sql.id(nameTable(naming, to))}`)
    },
  }
}

/** A statement that returns a row when the table exists. */
export function findTable(dialect: SqlDialect, naming: TableNaming, name: string): RawBuilder<unknown> {
  const table = nameTable(naming, name)
  const { schema } = naming
  if (dialect === 'postgres') {
    return sql`select 1 as present where to_regclass(${quote(naming, table)}) is not null`
  }
  if (dialect === 'mysql') {
    return sql`select 1 as present from information_schema.tables
      where table_name = ${table} and table_schema = ${schema ?? sql`database()`}`
  }
  const catalog = schema === undefined ? sql.id('sqlite_master') : sql.id(schema, 'sqlite_master')
  return sql`select 1 as present from ${catalog} where type = 'table' and name = ${table}`
}

function findColumn(
  dialect: SqlDialect,
  naming: TableNaming,
  name: string,
  column: string,
): RawBuilder<unknown> {
  const table = nameTable(naming, name)
  if (dialect === 'postgres') {
    return sql`select 1 as present from pg_attribute
      where attrelid = to_regclass(${quote(naming, table)}) and attname = ${column} and not attisdropped`
  }
  if (dialect === 'mysql') {
    return sql`select 1 as present from information_schema.columns where table_name = ${table}
      and table_schema = ${naming.schema ?? sql`database()`} and column_name = ${column}`
  }
  return sql`select 1 as present from pragma_table_info(${table}, ${naming.schema ?? 'main'}) where name = ${column}`
}

function mysqlIndex(naming: TableNaming, on: string, index: string): RawBuilder<unknown> {
  return sql`select 1 as present from information_schema.statistics where table_name = ${nameTable(naming, on)}
    and table_schema = ${naming.schema ?? sql`database()`} and index_name = ${index}`
}

function quote({ schema }: TableNaming, table: string): string {
  return schema === undefined ? `"${table}"` : `"${schema}"."${table}"`
}
