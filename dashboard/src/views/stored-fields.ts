import { toComparable } from '../../../src/keys/audit-entry.ts'
import type { WriteKey } from '../api/wire.ts'
import type { SentFields } from './key-form-state.ts'

/** What a stored key has in a field; null when it has nothing. */
export function storedField(key: WriteKey, field: keyof SentFields): unknown {
  return key[field as keyof WriteKey] ?? null
}

/** Whether a stored key has these values. */
export function isStored(fields: Partial<SentFields>, key: WriteKey): boolean {
  return Object.entries(fields).every(
    ([field, value]) => toComparable(storedField(key, field as keyof SentFields)) === toComparable(value),
  )
}
