import { type Kysely, type RawBuilder, sql } from 'kysely'
import { ConfigError } from '../../runtime/config-error.ts'

/** The databases that a store can live in. MariaDB is `'mysql'`. */
export type SqlDialect = 'sqlite' | 'postgres' | 'mysql'

export const sqlDialects: readonly SqlDialect[] = ['sqlite', 'postgres', 'mysql']

// biome-ignore lint/suspicious/noExplicitAny: an application's own tables are none of our business
export type AnyKysely = Kysely<any>

/**
 * Recognises the database by the instance's adapter. Compared by name, along the prototypes: an application
 * may have a second copy of Kysely, and third-party dialects extend the built-in adapters.
 * @throws ConfigError when the adapter is none of them.
 */
export function detectDialect(db: AnyKysely): SqlDialect {
  let adapter: object | null = db.getExecutor().adapter
  for (; adapter !== null; adapter = Object.getPrototypeOf(adapter)) {
    const name = adapter.constructor?.name
    if (name === 'SqliteAdapter') return 'sqlite'
    if (name === 'PostgresAdapter') return 'postgres'
    if (name === 'MysqlAdapter') return 'mysql'
  }
  throw new ConfigError(
    'dialect',
    "dialect is missing, and the Kysely instance does not tell: set it to 'sqlite', 'postgres' or 'mysql'.",
  )
}

/** Milliseconds since the epoch by the database's own clock, so that processes with wrong clocks agree. */
export function databaseNow(dialect: SqlDialect): RawBuilder<number> {
  if (dialect === 'postgres') return sql`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`
  if (dialect === 'mysql') return sql`cast(unix_timestamp(now(3)) * 1000 as signed)`
  // SQLite knows the time in whole milliseconds. As days with fractions half of them come out a little too small.
  return sql`cast(round((julianday('now') - 2440587.5) * 86400000) as integer)`
}

/** A whole number, where the database cannot infer the type of a bare parameter. */
export function wholeNumber(dialect: SqlDialect, value: number): RawBuilder<number> {
  return dialect === 'mysql' ? sql`${value}` : sql`cast(${value} as bigint)`
}

/**
 * A column with text of people. MySQL would convert it to the character set of the connection, which may lack
 * most characters. As bytes it arrives unchanged.
 */
export function textColumn(dialect: SqlDialect, column: string, table?: string): RawBuilder<unknown> {
  const name = sql.ref(table === undefined ? column : `${table}.${column}`)
  return dialect === 'mysql' ? sql`cast(${name} as binary) as ${sql.ref(column)}` : name
}

/**
 * A column of `double precision`. As text PostgreSQL rounds it to the `extra_float_digits` of the session. As bytes it
 * arrives unchanged.
 */
export function fractionColumn(dialect: SqlDialect, column: string, table: string): RawBuilder<unknown> {
  const name = sql.ref(`${table}.${column}`)
  return dialect === 'postgres' ? sql`float8send(${name}) as ${sql.ref(column)}` : name
}

/** True when `text` contains `part`, compared character by character. */
export function contains(dialect: SqlDialect, text: RawBuilder<string>, part: string): RawBuilder<boolean> {
  if (dialect === 'postgres') return sql`strpos(${text}, ${part}) > 0`
  return sql`instr(${text}, ${part}) > 0`
}

/** Computes the value of a column from the existing and the new one. */
export type Merge = (existing: RawBuilder<unknown>, incoming: RawBuilder<unknown>) => RawBuilder<unknown>

/**
 * The end of an `insert into … as existing`: what happens to an existing row.
 * @param keyColumns the primary key.
 * @param merge how each other column gets its value from the existing and the new one.
 */
export function onConflict(
  dialect: SqlDialect,
  keyColumns: readonly string[],
  merge: Readonly<Record<string, 'replace' | 'add' | Merge>>,
): RawBuilder<unknown> {
  const assignments = Object.entries(merge).map(([column, how]) => {
    const name = sql.ref(column)
    const existing = dialect === 'mysql' ? name : sql.ref(`existing.${column}`)
    const incoming = dialect === 'mysql' ? sql`values(${name})` : sql.ref(`excluded.${column}`)
    if (how === 'replace') return sql`${name} = ${incoming}`
    if (how === 'add') return sql`${name} = ${existing} + ${incoming}`
    return sql`${name} = ${how(existing, incoming)}`
  })
  if (dialect === 'mysql') return sql`on duplicate key update ${sql.join(assignments)}`
  return sql`on conflict (${sql.join(keyColumns.map((column) => sql.ref(column)))}) do update set ${sql.join(assignments)}`
}

/** `insert into <table>`, with the alias that `onConflict` uses for the existing row. */
export function insertInto(dialect: SqlDialect, table: RawBuilder<unknown>): RawBuilder<unknown> {
  return dialect === 'mysql' ? sql`insert into ${table}` : sql`insert into ${table} as existing`
}

/** Ends a transaction and does no more, whatever the `completion_type` of a session of MySQL. */
export const commit = {
  sqlite: sql`commit`,
  postgres: sql`commit`,
  mysql: sql`commit and no chain no release`,
}
export const rollback = {
  sqlite: sql`rollback`,
  postgres: sql`rollback`,
  mysql: sql`rollback and no chain no release`,
}
