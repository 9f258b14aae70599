import { type RawBuilder, sql } from 'kysely'
import type { Database } from './database.ts'
import type { SqlDialect } from './dialect.ts'
import { nameTable } from './tables.ts'

/** The version of the tables that this code reads and writes. */
export const schemaVersion = 1

interface ColumnTypes {
  /** Ids and words: ASCII, compared exactly. */
  word(length: number): string
  /** Text of people: any character, compared exactly. */
  text: string
  name: string
  hash: string
  whole: string
  fraction: string
}

// MySQL would compare with the table's collation, in which case and trailing spaces do not count. PostgreSQL would
// sort by the locale of whoever made the database.
const types: Record<SqlDialect, ColumnTypes> = {
  sqlite: {
    word: () => 'text',
    text: 'text',
    name: 'text',
    hash: 'blob',
    whole: 'integer',
    fraction: 'real',
  },
  postgres: {
    word: () => 'text collate "C"',
    text: 'text',
    name: 'text',
    hash: 'bytea',
    whole: 'bigint',
    fraction: 'double precision',
  },
  mysql: {
    word: (length) => `varchar(${length}) character set ascii collate ascii_bin`,
    text: 'mediumtext character set utf8mb4 collate utf8mb4_bin',
    name: 'varchar(400) character set utf8mb4 collate utf8mb4_bin',
    hash: 'binary(32)',
    whole: 'bigint',
    fraction: 'double',
  },
}

interface Index {
  name: string
  columns: string
  unique?: boolean
}

/**
 * The statements that make the tables, each of which does nothing when it was run before: a migration that was killed
 * halfway is simply run again.
 */
export function schemaStatements({ dialect, naming, tables }: Database): RawBuilder<unknown>[] {
  const { word, text, name, hash, whole, fraction } = types[dialect]
  const statements: RawBuilder<unknown>[] = []

  function table(table: keyof typeof tables, columns: string[], indexes: Index[] = []): void {
    const named = indexes.map((index) => ({
      ...index,
      name: `${nameTable(naming, table)}_${index.name}`,
    }))
    // MySQL has no "create index if not exists": its indexes are made with the table.
    const inline =
      dialect !== 'mysql'
        ? []
        : named.map((index) => `${index.unique ? 'unique ' : ''}index ${index.name} (${index.columns})`)
    const engine = dialect === 'mysql' ? ' engine = InnoDB' : ''
    statements.push(
      sql`create table if not exists ${tables[table]} (${sql.raw([...columns, ...inline].join(', '))})${sql.raw(engine)}`,
    )
    if (dialect === 'mysql') return
    for (const index of named) {
      const kind = sql.raw(index.unique ? 'unique index' : 'index')
      // PostgreSQL puts an index into the schema of its table; SQLite wants the schema before the index's name.
      const inSchema = dialect === 'sqlite' && naming.schema !== undefined
      const indexName = inSchema ? sql.id(naming.schema as string, index.name) : sql.id(index.name)
      const on = inSchema ? sql.id(nameTable(naming, table)) : tables[table]
      statements.push(sql`create ${kind} if not exists ${indexName} on ${on} (${sql.raw(index.columns)})`)
    }
  }

  table(
    'keys',
    [
      `id ${word(80)} not null primary key`,
      `name ${name} not null`,
      `name_folded ${name} not null`,
      `source_type ${word(20)} not null`,
      `environment ${word(80)} not null`,
      `status ${word(20)} not null`,
      `rate_limit_eps ${fraction}`,
      `allowed_event_types ${text}`,
      `allowed_event_names ${text}`,
      `denied_event_names ${text}`,
      `allowed_origins ${text}`,
      `allowed_ips ${text}`,
      `denied_ips ${text}`,
      `expires_at ${whole}`,
      `metadata ${text}`,
      `created_at ${whole} not null`,
      `updated_at ${whole} not null`,
      `revoked_at ${whole}`,
      `version ${whole} not null`,
    ],
    [{ name: 'created', columns: 'created_at, id' }],
  )
  table(
    'secrets',
    [
      `id ${word(80)} not null primary key`,
      `key_id ${word(80)} not null`,
      `key_hash ${hash} not null`,
      `start_chars ${word(80)} not null`,
      `position ${whole} not null`,
      `created_at ${whole} not null`,
      `expires_at ${whole}`,
      `last_used_at ${whole}`,
    ],
    [
      { name: 'hash', columns: 'key_hash', unique: true },
      { name: 'key', columns: 'key_id' },
    ],
  )
  table(
    'usage',
    [
      `key_id ${word(80)} not null`,
      `bucket_at ${whole} not null`,
      `kind ${word(20)} not null`,
      `name ${word(100)} not null`,
      `total ${whole} not null`,
      'primary key (key_id, bucket_at, kind, name)',
    ],
    [{ name: 'bucket', columns: 'bucket_at' }],
  )
  table('usage_writers', [
    `writer ${word(80)} not null primary key`,
    `batch ${whole} not null`,
    `last_at ${whole} not null`,
  ])
  table('activity', [`key_id ${word(80)} not null primary key`, `last_event_at ${whole} not null`])
  table(
    'audit',
    [
      `id ${word(80)} not null primary key`,
      `at ${whole} not null`,
      `action ${word(40)} not null`,
      `actor ${text}`,
      `address ${text}`,
      `key_id ${word(80)}`,
      `fields_before ${text}`,
      `fields_after ${text}`,
    ],
    [
      { name: 'at', columns: 'at, id' },
      { name: 'key', columns: 'key_id, at, id' },
    ],
  )
  table('changes', [`revision ${whole} not null primary key`, `key_id ${word(80)} not null`])
  table('leases', [
    `holder ${word(80)} not null primary key`,
    `lease_ms ${whole} not null`,
    `refreshed_at ${whole} not null`,
  ])
  table('meta', [
    `id ${whole} not null primary key`,
    `schema_version ${whole} not null`,
    `revision ${whole} not null`,
    `pruned_revision ${whole} not null`,
  ])
  return statements
}
