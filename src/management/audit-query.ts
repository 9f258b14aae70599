import type { AuditEntry } from '../keys/audit-entry.ts'
import { parseWorkspace } from '../keys/field-parsers.ts'
import { keyIdPattern } from '../keys/ids.ts'
import { decodeCursor, encodeCursor } from '../keys/list-query.ts'
import { invalidField } from '../runtime/errors.ts'

/** Which entries of the audit log to read, newest first. */
export interface ListAuditQuery {
  /** Entries about this key only, even when the key is gone. */
  keyId?: string | undefined
  /**
   * Entries of this workspace; `null`: those of none. `undefined` as a value is refused: it never means all.
   */
  workspace?: string | null
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** `nextCursor` of the previous page. */
  cursor?: string | undefined
}

/** An audit query after checking. */
export interface ParsedAuditQuery {
  keyId?: string
  workspace?: string | null
  limit: number
  after?: { at: number; id: string }
}

/** Tells its cursors from those of the list of keys. */
const order = 'audit_log'

/** @throws KeyError `invalid_field` naming the field. */
export function parseAuditQuery(query: ListAuditQuery): ParsedAuditQuery {
  const { keyId, limit = 50, cursor } = query
  if (keyId !== undefined && (typeof keyId !== 'string' || !keyIdPattern.test(keyId)))
    throw invalidField('keyId', 'must be the id of a write key')
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    throw invalidField('limit', 'must be a whole number from 1 to 100')
  const parsed: ParsedAuditQuery = {
    limit,
    ...(keyId !== undefined && { keyId }),
    ...('workspace' in query && { workspace: parseWorkspace(query.workspace) }),
  }
  if (cursor === undefined) return parsed
  const { value, id } = decodeCursor(cursor, 'created_at', order)
  return { ...parsed, after: { at: value as number, id } }
}

/** The cursor that continues after this entry. */
export function encodeAuditCursor({ at, id }: AuditEntry): string {
  return encodeCursor({ value: at, id }, order)
}
