import { type RawBuilder, sql } from 'kysely'
import { type FieldKind, type FieldValues, fieldEntries } from '../../keys/fields.ts'
import type { KeyRecord, SecretRecord } from '../../keys/key-record.ts'
import { toSnakeCase } from '../../runtime/letter-case.ts'
import { fromFraction, fromHash, type NumberCell, type TextCell, toNumber, toText } from './cells.ts'
import { fractionColumn, type SqlDialect, textColumn } from './dialect.ts'
import type { KeyColumns, NewRow, Row, SchemaTables } from './table-columns.ts'

/** A key joined with one of its secrets. For a key without secrets, the secret's columns are null. */
export interface KeyRow
  extends KeyColumns,
    Row<'keys', 'paused_by_version'>,
    Pick<Secrets, 'key_hash' | 'start_chars' | 'last_used_at' | 'position' | 'imported'> {
  secret_id: Secrets['id'] | null
  secret_created_at: Secrets['created_at']
  secret_expires_at: Secrets['expires_at']
}

type Secrets = SchemaTables['secrets']

interface Codec {
  /** How the column is selected, where a database would change what it holds on its way. */
  readonly select?: (dialect: SqlDialect, column: string, table: string) => RawBuilder<unknown>
  /** From what a driver returns, which is not null. */
  read(cell: never): unknown
  /** To what a driver takes, from a value that is not null. */
  write(value: unknown): unknown
}

const asIs = (value: unknown) => value
const jsonCodec: Codec = {
  select: textColumn,
  read: (cell: TextCell) => JSON.parse(toText(cell)),
  write: JSON.stringify,
}
const wholeCodec: Codec = { read: (cell: NumberCell) => Number(cell), write: asIs }
const codecs: Readonly<Record<FieldKind, Codec>> = {
  text: { select: textColumn, read: (cell: TextCell) => toText(cell), write: asIs },
  word: { read: (cell: string) => cell, write: asIs },
  number: { select: fractionColumn, read: fromFraction, write: asIs },
  whole: wholeCodec,
  moment: wholeCodec,
  list: jsonCodec,
  json: jsonCodec,
  rules: jsonCodec,
}

/** The fields of a key with their columns. */
const columns = fieldEntries.map(([field, { kind }]) => ({
  field,
  column: toSnakeCase(field),
  kind,
  ...codecs[kind],
}))

const plainColumns = sql.raw(
  [
    ...columns.filter(({ select }) => select === undefined).map(({ column }) => `k.${column}`),
    'k.paused_by_version, s.id as secret_id, s.key_hash, s.start_chars, s.created_at as secret_created_at',
    's.expires_at as secret_expires_at, s.last_used_at, s.position, s.imported',
  ].join(', '),
)

/** The columns of a `KeyRow`, from a key named `k` and a secret named `s`. */
export function keyRowColumns(dialect: SqlDialect): RawBuilder<unknown> {
  const selected = columns.flatMap(({ select, column }) => select?.(dialect, column, 'k') ?? [])
  return sql.join([plainColumns, ...selected])
}

/** The records of rows that are ordered by key. */
export function toRecords(rows: readonly KeyRow[]): KeyRecord[] {
  const records: KeyRecord[] = []
  for (let start = 0; start < rows.length; ) {
    const first = rows[start] as KeyRow
    let end = start
    while (end < rows.length && rows[end]?.id === first.id) end++
    records.push(toRecord(first, rows.slice(start, end)))
    start = end
  }
  return records
}

/** @param rows of this key: one for each secret. */
function toRecord(row: KeyRow, rows: readonly KeyRow[]): KeyRecord {
  const values: Record<string, unknown> = {}
  for (const { field, column, read } of columns) {
    const cell = row[column]
    values[field] = cell === null ? null : read(cell as never)
  }
  const isKnownPause = toNumber(row.paused_by_version) === Number(row.version)
  return {
    ...(values as FieldValues),
    // Earlier code has revoked a key that was paused: whoever paused it last, deleting it is the operator's.
    ...(!isKnownPause && {
      pausedBy: row.status === 'revoked' && row.paused_by !== null ? 'operator' : null,
    }),
    secrets: rows.toSorted((a, b) => Number(a.position) - Number(b.position)).flatMap(toSecret),
  }
}

function toSecret(row: KeyRow): SecretRecord[] {
  if (row.secret_id === null) return []
  return [
    {
      id: row.secret_id,
      keyHash: fromHash(row.key_hash),
      start: row.start_chars,
      createdAt: Number(row.secret_created_at),
      expiresAt: toNumber(row.secret_expires_at),
      lastUsedAt: toNumber(row.last_used_at),
      imported: Number(row.imported) === 1,
    },
  ]
}

/** The columns of a key with the values that a driver takes. */
export function toKeyColumns(record: KeyRecord): NewRow<'keys'> {
  const values: FieldValues = record
  return {
    ...(Object.fromEntries(
      columns.map(({ field, column, write }) => {
        const value = values[field]
        return [column, value === null ? null : write(value)]
      }),
    ) as Record<keyof KeyColumns, unknown>),
    name_folded: record.name.toLowerCase(),
    paused_by_version: record.version,
  }
}

/** The text fields, as the database is given them. */
export function lettersOf(record: KeyRecord): Readonly<Record<string, string | null>> {
  const values: FieldValues = record
  return Object.fromEntries(
    columns
      .filter(({ kind, select }) => select === textColumn || kind === 'word')
      .map(({ field, write }) => [field, values[field] === null ? null : (write(values[field]) as string)]),
  )
}
