import { type AuditEntry, changedFields } from '../keys/audit-entry.ts'
import { restOfId, toId } from '../keys/ids.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { KeyError } from '../runtime/errors.ts'

/**
 * The id of the audit entry for a creation with a chosen id. Entries stay when a key is removed, and stores
 * refuse an id that exists. So no id is used twice, by any process, even after a restart.
 */
export function creationEntryId(keyId: string): string {
  return toId('audit', restOfId('key', keyId))
}

/** Why a key with a chosen id was not made. @param creation undefined where a store keeps no audit log. */
export function explainTaken(
  record: KeyRecord,
  existing: KeyRecord | undefined,
  creation: AuditEntry | undefined,
): KeyError {
  if (existing === undefined) {
    return new KeyError('conflict', 'The key with this id has been removed; an id is used once.', {
      reason: 'id_spent',
    })
  }
  const isSame = creation === undefined || sameFields(changedFields(null, record).after, creation.after)
  return new KeyError(
    'conflict',
    isSame
      ? 'There is a key with this id already.'
      : 'There is a key with this id already, made with other fields.',
    { reason: isSame ? 'duplicate' : 'other_input' },
  )
}

type Fields = AuditEntry['after']

/** Each call makes new secrets. A field that an earlier version did not know counts as null. */
function sameFields(one: Fields, other: Fields): boolean {
  const names = new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})])
  names.delete('secrets')
  return [...names].every((name) => toText(one?.[name]) === toText(other?.[name]))
}

/** With the names of objects in order: a client may list the same metadata in another order. */
function toText(value: unknown): string {
  return JSON.stringify(value ?? null, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
