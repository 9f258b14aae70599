import { csvCell } from '../../../src/keys/csv-cell.ts'
import type { WriteKey } from '../api/wire.ts'
import { currentSecret, statusOf } from './key-status.ts'

const columns: readonly (readonly [string, (key: WriteKey) => unknown])[] = [
  ['id', (key) => key.id],
  ['name', (key) => key.name],
  ['source_type', (key) => key.source_type],
  ['environment', (key) => key.environment],
  ['workspace', (key) => key.workspace],
  ['plan', (key) => key.plan],
  ['status', (key) => statusOf(key, Date.now())],
  ['start', (key) => currentSecret(key)?.start],
  ['rate_limit_eps', (key) => key.rate_limit_eps],
  ['sender_rate_limit_eps', (key) => key.sender_rate_limit_eps],
  ['allowed_event_types', (key) => key.allowed_event_types],
  ['allowed_origins', (key) => key.allowed_origins],
  ['created_at', (key) => key.created_at],
  ['last_event_at', (key) => key.last_event_at],
  ['events_24h', (key) => key.events_24h],
  ['rejected_24h', (key) => key.rejected_24h],
]

/** Keys as CSV, see `csvCell`. */
export function toCsv(keys: readonly WriteKey[]): string {
  const rows = keys.map((key) => columns.map(([, read]) => toCell(read(key))))
  return [columns.map(([name]) => name), ...rows].map((row) => `${row.join(',')}\r\n`).join('')
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return csvCell(Array.isArray(value) ? value.join(' ') : String(value))
}
