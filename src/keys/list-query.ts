import { invalidField } from '../runtime/errors.ts'
import { parseWorkspace } from './field-parsers.ts'
import { type KeyStatus, keyStatuses } from './key-status.ts'
import { type SourceType, sourceTypes } from './source-type.ts'

/** Which keys to list, newest first. */
export interface ListKeysQuery {
  status?: KeyStatus
  sourceType?: SourceType
  environment?: string
  /** Keys of this workspace; `null`: keys of none. One that is there but `undefined` is refused, and never means all. */
  workspace?: string | null
  plan?: string
  /** Part of a name in any case, or the start of an id. At most 100 characters. */
  q?: string
  /** Keys per page, 1 to 100. Default 50. */
  limit?: number
  /** `nextCursor` of the previous page. */
  cursor?: string
}

/** Where a page ended: the last key on it. */
export interface PagePosition {
  createdAt: number
  id: string
}

/** A list query after checking. */
export interface ParsedListQuery extends Omit<ListKeysQuery, 'limit' | 'cursor'> {
  limit: number
  after?: PagePosition
}

const fields = ['status', 'sourceType', 'environment', 'workspace', 'plan', 'q', 'limit', 'cursor']

/** @throws KeyError `invalid_field` naming the field. */
export function parseListQuery(query: ListKeysQuery): ParsedListQuery {
  for (const field of Object.keys(query)) {
    if (!fields.includes(field))
      throw invalidField(field.slice(0, 40), `is not a filter; use ${fields.join(', ')}`)
  }
  const { status, sourceType, environment, plan, q, limit = 50, cursor } = query
  if (status !== undefined && !keyStatuses.includes(status)) {
    throw invalidField('status', `must be one of ${keyStatuses.join(', ')}`)
  }
  if (sourceType !== undefined && !sourceTypes.includes(sourceType)) {
    throw invalidField('sourceType', `must be one of ${sourceTypes.join(', ')}`)
  }
  if (environment !== undefined && (typeof environment !== 'string' || environment.includes('\0')))
    throw invalidField('environment', 'must be a string')
  if (plan !== undefined && (typeof plan !== 'string' || plan.includes('\0')))
    throw invalidField('plan', 'must be a string')
  if (q !== undefined && (typeof q !== 'string' || q.length > 100 || q.includes('\0') || !q.isWellFormed())) {
    throw invalidField('q', 'must be a text of at most 100 characters')
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw invalidField('limit', 'must be a whole number from 1 to 100')
  }
  return {
    limit,
    ...(status !== undefined && { status }),
    ...(sourceType !== undefined && { sourceType }),
    ...(environment !== undefined && { environment }),
    ...('workspace' in query && { workspace: parseWorkspace(query.workspace) }),
    ...(plan !== undefined && { plan }),
    ...(q !== undefined && q !== '' && { q }),
    ...(cursor !== undefined && { after: decodeCursor(cursor) }),
  }
}

/** The cursor that continues behind this key. Opaque to callers. */
export function encodeCursor({ createdAt, id }: PagePosition): string {
  return Buffer.from(`${createdAt}:${id}`).toString('base64url')
}

const cursorPattern = /^(\d{1,16}):([A-Za-z0-9_]{1,80})$/

/** @throws KeyError `invalid_field` for anything `encodeCursor` did not make. */
export function decodeCursor(cursor: unknown): PagePosition {
  const match =
    typeof cursor === 'string' && cursor.length <= 200
      ? cursorPattern.exec(Buffer.from(cursor, 'base64url').toString())
      : null
  if (match === null) throw invalidField('cursor', 'must be the nextCursor of an earlier page')
  return { createdAt: Number(match[1]), id: match[2] as string }
}
