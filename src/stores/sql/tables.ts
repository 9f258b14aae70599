import { type RawBuilder, sql } from 'kysely'

const tableNames = [
  'keys',
  'secrets',
  'usage',
  'usage_writers',
  'activity',
  'audit',
  'changes',
  'leases',
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

export function nameTable(naming: TableNaming, name: TableName): string {
  return naming.prefix + name
}

export function nameTables(naming: TableNaming): Tables {
  const { schema } = naming
  return Object.fromEntries(
    tableNames.map((name) => {
      const table = nameTable(naming, name)
      return [name, schema === undefined ? sql.id(table) : sql.id(schema, table)]
    }),
  ) as Record<TableName, RawBuilder<unknown>>
}
