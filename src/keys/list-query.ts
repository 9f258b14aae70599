import { invalidField } from '../runtime/errors.ts'
import { type Concern, concerns } from './concern.ts'
import { type EffectiveStatus, effectiveStatuses } from './effective-status.ts'
import { parseEnvironment, parseWorkspace } from './field-parsers.ts'
import { planCharacters, planPattern } from './ids.ts'
import { type KeyStatus, keyStatuses } from './key-status.ts'
import { type SourceType, sourceTypes } from './source-type.ts'

/** What a store can sort keys by. */
export const storedSorts = ['created_at', 'name', 'environment', 'source_type', 'last_event_at'] as const
/** What keys can also be sorted by, from their counts. */
export const countedSorts = ['events_24h', 'rejected_24h'] as const

export type StoredSort = (typeof storedSorts)[number]
export type CountedSort = (typeof countedSorts)[number]
/** A name; `-` in front of it means the largest or latest first. */
export type KeySort = StoredSort | CountedSort | `-${StoredSort | CountedSort}`

/** Which keys to list, newest first unless `sort` says otherwise. */
export interface ListKeysQuery {
  /** The stored status, whatever the times of a key say. */
  status?: KeyStatus | undefined
  /** The status as people see it: `active` keys are neither expired nor rotating. */
  effectiveStatus?: EffectiveStatus | undefined
  /** Only keys that somebody should look at, for this reason. */
  concern?: Concern | undefined
  sourceType?: SourceType | undefined
  environment?: string | undefined
  /** Keys of this workspace; `null`: keys of none. `undefined` as a value is refused: it never means all. */
  workspace?: string | null
  plan?: string | undefined
  /**
   * Part of a name or environment in any case, or the start of an id or of a secret. At most 100 characters.
   */
  q?: string | undefined
  /**
   * Default `-created_at`. Names are compared in lower case, equal keys by id. A key without an event sorts
   * as the oldest.
   */
  sort?: KeySort | undefined
  /** Keys per page, 1 to 100. Default 50. */
  limit?: number | undefined
  /** `nextCursor` of the previous page. */
  cursor?: string | undefined
}

/** Where a page ended: its last key, and the value that it is sorted by. */
export interface PagePosition {
  value: string | number
  id: string
  /** Of an order by counts: when its first page was read, in milliseconds since the epoch. */
  at?: number
}

export interface ParsedSort<By = StoredSort> {
  by: By
  descending: boolean
}

/** A list query after checking. */
export interface ParsedListQuery
  extends Omit<ListKeysQuery, 'effectiveStatus' | 'concern' | 'limit' | 'cursor' | 'sort'> {
  /** Keys whose effective status is this one at that time, in milliseconds since the epoch. */
  effectiveStatus?: { is: EffectiveStatus; at: number }
  /** Keys that are of this concern at that time. */
  concern?: { is: Concern; at: number }
  limit: number
  sort: ParsedSort
  after?: PagePosition
}

const sorts: readonly string[] = [...storedSorts, ...countedSorts]

/** @throws KeyError `invalid_field`. */
export function parseSort(sort: unknown = '-created_at'): ParsedSort<StoredSort | CountedSort> {
  const descending = typeof sort === 'string' && sort.startsWith('-')
  const by = typeof sort === 'string' ? sort.slice(descending ? 1 : 0) : ''
  if (!sorts.includes(by))
    throw invalidField('sort', `must be one of ${sorts.join(', ')}, or one of them behind -`)
  return { by: by as StoredSort | CountedSort, descending }
}

export function isCounted(sort: ParsedSort<StoredSort | CountedSort>): sort is ParsedSort<CountedSort> {
  return (countedSorts as readonly string[]).includes(sort.by)
}

/**
 * @param now when `effectiveStatus` and `concern` are looked at.
 * @throws KeyError `invalid_field` naming the field.
 */
export function parseListQuery(query: ListKeysQuery, now = Date.now()): ParsedListQuery {
  const { status, effectiveStatus, concern, sourceType, environment, plan, q, limit = 50, cursor } = query
  const sort = parseSort(query.sort)
  if (status !== undefined && !keyStatuses.includes(status)) {
    throw invalidField('status', `must be one of ${keyStatuses.join(', ')}`)
  }
  if (effectiveStatus !== undefined && !effectiveStatuses.includes(effectiveStatus)) {
    throw invalidField('effectiveStatus', `must be one of ${effectiveStatuses.join(', ')}`)
  }
  if (concern !== undefined && !concerns.includes(concern)) {
    throw invalidField('concern', `must be one of ${concerns.join(', ')}`)
  }
  if (sourceType !== undefined && !sourceTypes.includes(sourceType)) {
    throw invalidField('sourceType', `must be one of ${sourceTypes.join(', ')}`)
  }
  if (environment !== undefined) parseEnvironment(environment)
  if (plan !== undefined && (typeof plan !== 'string' || !planPattern.test(plan)))
    throw invalidField('plan', `must be ${planCharacters}`)
  if (q !== undefined && (typeof q !== 'string' || q.length > 100 || q.includes('\0') || !q.isWellFormed())) {
    throw invalidField('q', 'must be a text of at most 100 characters')
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw invalidField('limit', 'must be a whole number from 1 to 100')
  }
  return {
    limit,
    // When sorting by counts, the store is asked for the newest first: see `key-ranking.ts`.
    sort: isCounted(sort) ? { by: 'created_at', descending: true } : (sort as ParsedSort),
    ...(status !== undefined && { status }),
    ...(effectiveStatus !== undefined && { effectiveStatus: { is: effectiveStatus, at: Math.floor(now) } }),
    ...(concern !== undefined && { concern: { is: concern, at: Math.floor(now) } }),
    ...(sourceType !== undefined && { sourceType }),
    ...(environment !== undefined && { environment }),
    ...('workspace' in query && { workspace: parseWorkspace(query.workspace) }),
    ...(plan !== undefined && { plan }),
    ...(q !== undefined && q !== '' && { q }),
    ...(cursor !== undefined && { after: decodeCursor(cursor, sort.by, orderOf(sort)) }),
  }
}

/** The name of an order, as callers give it. */
export function orderOf({ by, descending }: ParsedSort<StoredSort | CountedSort>): string {
  return descending ? `-${by}` : by
}

/**
 * The cursor that continues after this key. Opaque to callers.
 * @param order of the page, see `orderOf`; without it, the cursor passes in every order of such values
 */
export function encodeCursor({ value, id, at }: PagePosition, order?: string): string {
  return Buffer.from(JSON.stringify([value, id, at, order])).toString('base64url')
}

const idPattern = /^[A-Za-z0-9_]{1,80}$/
const textSorts: readonly string[] = ['name', 'environment', 'source_type']

/** @throws KeyError `invalid_field` for anything that `encodeCursor` did not make for this order. */
export function decodeCursor(cursor: unknown, by: StoredSort | CountedSort, order?: string): PagePosition {
  const position = typeof cursor === 'string' && cursor.length <= 4_000 ? readPosition(cursor) : undefined
  const { value, id, at } = position ?? {}
  // Cursors of earlier releases name no order.
  if (position?.order !== undefined && position.order !== order)
    throw invalidField('cursor', 'is of a page in another order: start again without it')
  const isRight = textSorts.includes(by)
    ? typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
    : isCount(value)
  // Cursors of earlier releases have no moment.
  const hasMoment = (countedSorts as readonly string[]).includes(by) && at !== undefined
  if (!isRight || typeof id !== 'string' || !idPattern.test(id) || (hasMoment && !isCount(at)))
    throw invalidField('cursor', 'must be the nextCursor of an earlier page')
  return { value: value as string | number, id, ...(hasMoment && { at: at as number }) }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function readPosition(
  cursor: string,
): { value?: unknown; id?: unknown; at?: unknown; order?: unknown } | undefined {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(read)
      ? { value: read[0], id: read[1], at: read[2] ?? undefined, order: read[3] ?? undefined }
      : undefined
  } catch {
    return undefined
  }
}

/** The value that a key is sorted by. `lastEventAt`: 0 = it had no event. */
export function sortValue(
  by: StoredSort,
  key: { createdAt: number; name: string; environment: string; sourceType: string },
  lastEventAt: number,
): string | number {
  if (by === 'created_at') return key.createdAt
  if (by === 'last_event_at') return lastEventAt
  return by === 'name' ? key.name.toLowerCase() : by === 'environment' ? key.environment : key.sourceType
}
