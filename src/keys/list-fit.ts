import { hasConcern } from './concern.ts'
import { effectiveStatusOf } from './effective-status.ts'
import type { KeyRecord } from './key-record.ts'
import type { ParsedListQuery } from './list-query.ts'

/** Whether a list shows this key, whatever page is asked for. @param lastEventAt 0 = it had no event. */
export function fitsList(
  record: KeyRecord,
  query: Omit<ParsedListQuery, 'limit' | 'sort' | 'after'>,
  lastEventAt: number,
): boolean {
  const { effectiveStatus, concern } = query
  return (
    (query.status === undefined || record.status === query.status) &&
    (effectiveStatus === undefined || effectiveStatusOf(record, effectiveStatus.at) === effectiveStatus.is) &&
    (concern === undefined || hasConcern(record, concern, lastEventAt)) &&
    (query.sourceType === undefined || record.sourceType === query.sourceType) &&
    (query.environment === undefined || record.environment === query.environment) &&
    (query.workspace === undefined || record.workspace === query.workspace) &&
    (query.plan === undefined || record.plan === query.plan) &&
    (query.q === undefined || isFound(record, query.q))
  )
}

function isFound(record: KeyRecord, q: string): boolean {
  const text = q.toLowerCase()
  return (
    record.name.toLowerCase().includes(text) ||
    record.environment.toLowerCase().includes(text) ||
    record.id.startsWith(q) ||
    record.secrets.some(({ start }) => start.startsWith(q))
  )
}
