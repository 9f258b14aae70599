import { type RawBuilder, sql } from 'kysely'
import type { KeyRecord, SecretRecord, SourceType } from '../../keys/key-record.ts'
import { type SqlDialect, textColumn } from './dialect.ts'

/** A value as a driver gives it: 64-bit numbers come as text from pg. */
export type NumberCell = number | string | bigint
export type HashCell = Uint8Array | ArrayBuffer
/** Text of people; bytes from MySQL, see `textColumn`. */
export type TextCell = string | Uint8Array

/** A key joined with one of its secrets. */
export interface KeyRow {
  id: string
  name: TextCell
  source_type: string
  environment: string
  status: string
  rate_limit_eps: NumberCell | null
  allowed_event_types: TextCell | null
  allowed_event_names: TextCell | null
  denied_event_names: TextCell | null
  allowed_origins: TextCell | null
  allowed_ips: TextCell | null
  denied_ips: TextCell | null
  expires_at: NumberCell | null
  metadata: TextCell | null
  created_at: NumberCell
  updated_at: NumberCell
  revoked_at: NumberCell | null
  version: NumberCell
  /** Null for a key without secrets. */
  secret_id: string | null
  key_hash: HashCell
  start_chars: string
  secret_created_at: NumberCell
  secret_expires_at: NumberCell | null
  last_used_at: NumberCell | null
  position: NumberCell | null
}

const plainColumns = sql.raw(
  `k.id, k.source_type, k.environment, k.status, k.rate_limit_eps, k.expires_at, k.created_at, k.updated_at, k.revoked_at,
  k.version, s.id as secret_id, s.key_hash, s.start_chars, s.created_at as secret_created_at,
  s.expires_at as secret_expires_at, s.last_used_at, s.position`,
)
const textColumns = [
  'name',
  'allowed_event_types',
  'allowed_event_names',
  'denied_event_names',
  'allowed_origins',
  'allowed_ips',
  'denied_ips',
  'metadata',
]

/** The columns of a `KeyRow`, from a key named `k` and a secret named `s`. */
export function keyRowColumns(dialect: SqlDialect): RawBuilder<unknown> {
  return sql.join([plainColumns, ...textColumns.map((name) => textColumn(dialect, name, 'k'))])
}

/** The records of rows that come key by key. */
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
  return {
    id: row.id,
    name: toText(row.name),
    sourceType: row.source_type as SourceType,
    environment: row.environment,
    status: row.status as KeyRecord['status'],
    rateLimitEps: toNumber(row.rate_limit_eps),
    allowedEventTypes: fromJson(row.allowed_event_types),
    allowedEventNames: fromJson(row.allowed_event_names),
    deniedEventNames: fromJson(row.denied_event_names),
    allowedOrigins: fromJson(row.allowed_origins),
    allowedIps: fromJson(row.allowed_ips),
    deniedIps: fromJson(row.denied_ips),
    expiresAt: toNumber(row.expires_at),
    metadata: fromJson(row.metadata),
    secrets: rows.toSorted((a, b) => Number(a.position) - Number(b.position)).flatMap(toSecret),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    revokedAt: toNumber(row.revoked_at),
    version: Number(row.version),
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
    },
  ]
}

/** The columns that a change of a key writes, with their values. */
export function toKeyColumns(record: KeyRecord): Record<string, unknown> {
  return {
    name: record.name,
    name_folded: record.name.toLowerCase(),
    source_type: record.sourceType,
    environment: record.environment,
    status: record.status,
    rate_limit_eps: record.rateLimitEps,
    allowed_event_types: toJson(record.allowedEventTypes),
    allowed_event_names: toJson(record.allowedEventNames),
    denied_event_names: toJson(record.deniedEventNames),
    allowed_origins: toJson(record.allowedOrigins),
    allowed_ips: toJson(record.allowedIps),
    denied_ips: toJson(record.deniedIps),
    expires_at: record.expiresAt,
    metadata: toJson(record.metadata),
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    revoked_at: record.revokedAt,
    version: record.version,
  }
}

export function toHash(keyHash: string): Buffer {
  return Buffer.from(keyHash, 'hex')
}

export function fromHash(cell: HashCell): string {
  const bytes =
    cell instanceof ArrayBuffer
      ? Buffer.from(cell)
      : Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength)
  return bytes.toString('hex')
}

export function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

export function fromJson<T>(cell: TextCell | null): T | null {
  return cell === null ? null : (JSON.parse(toText(cell)) as T)
}

export function toText(cell: TextCell): string {
  return typeof cell === 'string' ? cell : Buffer.from(cell).toString('utf8')
}

export function toNumber(cell: NumberCell | null): number | null {
  return cell === null ? null : Number(cell)
}
