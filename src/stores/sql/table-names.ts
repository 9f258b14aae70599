import { type RawBuilder, sql } from 'kysely'
import type { NewRow, SchemaTables } from './table-columns.ts'

export type TableName = keyof SchemaTables

const tableNames: Readonly<Record<TableName, true>> = {
  keys: true,
  secrets: true,
  usage: true,
  usage_writers: true,
  activity: true,
  audit: true,
  changes: true,
  meta: true,
  sightings: true,
  decision_pages: true,
  notices: true,
  ended_secrets: true,
}

/** Every table as it is written in a statement. */
export type Tables = Readonly<Record<TableName, RawBuilder<unknown>>>

/** The names of the tables: the application chooses `schema` (a database in MySQL) and `prefix`. */
export interface TableNaming {
  schema: string | undefined
  prefix: string
}

export function nameTable(naming: TableNaming, name: string): string {
  return naming.prefix + name
}

/** A table as it is written in a statement. */
export function qualifyTable(naming: TableNaming, name: string): RawBuilder<unknown> {
  const table = nameTable(naming, name)
  return naming.schema === undefined ? sql.id(table) : sql.id(naming.schema, table)
}

export function nameTables(naming: TableNaming): Tables {
  return Object.fromEntries(
    Object.keys(tableNames).map((name) => [name, qualifyTable(naming, name)]),
  ) as Record<TableName, RawBuilder<unknown>>
}

/** Inserts a row. A row that lacks a column of the table does not compile. */
export function insertRow<Table extends TableName>(
  tables: Tables,
  table: Table,
  row: NewRow<Table>,
): RawBuilder<unknown> {
  return insertRows(tables, table, [row])
}

/** Inserts several rows by one statement. */
export function insertRows<Table extends TableName>(
  tables: Tables,
  table: Table,
  rows: readonly [NewRow<Table>, ...NewRow<Table>[]],
): RawBuilder<unknown> {
  const columns = Object.keys(rows[0]) as (keyof NewRow<Table>)[]
  const names = columns.map((column) => sql.ref(column as string))
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => sql`${row[column]}`))})`)
  return sql`insert into ${tables[table]} (${sql.join(names)}) values ${sql.join(values)}`
}
