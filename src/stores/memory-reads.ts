import type { KeyRecord } from '../keys/key-record.ts'
import { fitsList } from '../keys/list-fit.ts'
import { type PagePosition, type ParsedListQuery, sortValue } from '../keys/list-query.ts'
import type { KeyRecordPage, KeyStore } from './key-store.ts'
import type { MemoryUsage } from './memory-usage.ts'

/** How a memory store is read for people: records with their last use, found by what a list asks for. */
export function createMemoryReads(
  records: ReadonlyMap<string, KeyRecord>,
  usage: MemoryUsage,
): Pick<KeyStore, 'get' | 'getMany' | 'list' | 'ids' | 'count'> {
  const lastEventOf = (id: string) => (usage.lastEvents([id]) as ReadonlyMap<string, number>).get(id) ?? 0

  return {
    get(id) {
      const record = records.get(id)
      return record && usage.withLastUse(record)
    },
    getMany: (ids) => ids.flatMap((id) => records.get(id) ?? []).map(usage.withLastUse),
    list(query) {
      const page = selectPage([...records.values()], query, lastEventOf)
      return { ...page, data: page.data.map(usage.withLastUse) }
    },
    ids: (filter, after, limit) =>
      [...records.values()]
        .filter(({ id }) => after === null || id > after)
        .filter((record) => fitsList(record, filter, lastEventOf(record.id)))
        .map(({ id }) => id)
        .sort()
        .slice(0, limit),
    count: (query) =>
      [...records.values()].filter((record) => fitsList(record, query, lastEventOf(record.id))).length,
  }
}

function selectPage(
  records: KeyRecord[],
  query: ParsedListQuery,
  lastEventOf: (id: string) => number,
): KeyRecordPage {
  const { sort, after } = query
  const turn = sort.descending ? -1 : 1
  const compare = (one: PagePosition, other: PagePosition) =>
    turn * (compareValues(one.value, other.value) || compareValues(one.id, other.id))
  const matching = records
    .filter((record) => fitsList(record, query, lastEventOf(record.id)))
    .map((record) => ({ record, id: record.id, value: sortValue(sort.by, record, lastEventOf(record.id)) }))
    .filter((one) => after === undefined || compare(one, after) > 0)
    .sort(compare)
  return {
    data: matching.slice(0, query.limit).map(({ record }) => record),
    more: matching.length > query.limit,
  }
}

/** Code-unit order, as SQL stores compare ids. `localeCompare` would differ between machines. */
function compareValues(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
