import type { SqlDialect } from '../dialect.ts'

export interface ColumnTypes {
  /** Ids and words: ASCII, compared exactly. */
  word(length: number): string
  /** Text of people: any character, compared exactly. */
  text: string
  name: string
  hash: string
  whole: string
  fraction: string
}

// MySQL would compare with the table's collation, which ignores case and trailing spaces. PostgreSQL would
// sort by the locale of the database.
export const columnTypes: Record<SqlDialect, ColumnTypes> = {
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
