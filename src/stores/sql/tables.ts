import { type RawBuilder, sql } from 'kysely'

const tableNames = [
  'keys',
  'secrets',
  'usage',
  'usage_writers',
  'activity',
  'audit',
  'changes',
  'meta',
] as const

export type TableName = (typeof tableNames)[number]

/** Every table as it is written in a statement. */
export type Tables = Readonly<Record<TableName, RawBuilder<unknown>>>

/** The names of the tables: `schema` (a database in MySQL) and `prefix` are an application's to choose. */
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
  return Object.fromEntries(tableNames.map((name) => [name, qualifyTable(naming, name)])) as Record<
    TableName,
    RawBuilder<unknown>
  >
}
