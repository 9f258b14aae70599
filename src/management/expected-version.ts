import type { KeyRecord } from '../keys/key-record.ts'
import { KeyError } from '../runtime/errors.ts'

/** @throws KeyError `conflict` when the key has another version than the caller expects. */
export function assertVersion({ version }: KeyRecord, expected: number | undefined): void {
  if (expected !== undefined && expected !== version) throw versionConflict()
}

export function versionConflict(): KeyError {
  return new KeyError('conflict', 'The key was changed by somebody else in the meantime; read it again.', {
    reason: 'version',
  })
}
