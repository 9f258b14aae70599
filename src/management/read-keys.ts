import type { WriteKey } from '../keys/key-record.ts'
import {
  type CountedSort,
  encodeCursor,
  isCounted,
  type ListKeysQuery,
  orderOf,
  type ParsedListQuery,
  type ParsedSort,
  parseListQuery,
  parseSort,
  sortValue,
} from '../keys/list-query.ts'
import type { Clock } from '../runtime/clock.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { UsageRecorder } from '../usage/usage-recorder.ts'
import type { KeyChanges } from './key-changes.ts'
import { createKeyRanking } from './key-ranking.ts'
import type { PresentKey } from './present-key.ts'
import type { UsageReports } from './usage-reports.ts'

export interface KeyPage {
  data: WriteKey[]
  /** Pass it back as `cursor` for the next page; null on the last one. */
  nextCursor: string | null
  /** How many keys fit, on the first page only. Null when the store does not count. */
  total: number | null
}

export interface KeyReading {
  list(query?: ListKeysQuery): Promise<KeyPage>
  get(id: string): Promise<WriteKey>
}

/** Stores pending counts first, so that `lastUsedAt` is up to date. */
export function createKeyReading({
  store,
  clock,
  usage,
  changes,
  countingNow,
  sumsOf,
  present,
}: {
  store: KeyStore
  clock: Pick<Clock, 'now'>
  usage: Pick<UsageRecorder, 'flush'>
  changes: KeyChanges
  countingNow: UsageReports['countingNow']
  sumsOf: UsageReports['sumsOf']
  present: PresentKey
}): KeyReading {
  async function stored(parsed: ParsedListQuery) {
    const { by } = parsed.sort
    const { data, more } = await store.list(parsed)
    const last = data.at(-1)
    const total = await totalOf(parsed)
    if (!more || last === undefined) return { data, nextCursor: null, total }
    const lastEvents = by === 'last_event_at' ? await store.usage?.lastEvents([last.id]) : undefined
    const value = sortValue(by, last, lastEvents?.get(last.id) ?? 0)
    return { data, nextCursor: encodeCursor({ value, id: last.id }, orderOf(parsed.sort)), total }
  }

  /** Later pages do not count again. */
  async function totalOf(parsed: ParsedListQuery): Promise<number | null> {
    return parsed.after === undefined ? ((await store.count?.(parsed)) ?? null) : null
  }

  const ranking = createKeyRanking({ store, clock, countingNow, sumsOf })

  async function ranked(parsed: ParsedListQuery, sort: ParsedSort<CountedSort>) {
    const { data, end, total } = await ranking.page(parsed, sort)
    return {
      data,
      nextCursor: end === undefined ? null : encodeCursor(end, orderOf(sort)),
      total: parsed.after === undefined ? total : null,
    }
  }

  return {
    async list(query = {}) {
      const parsed = parseListQuery(query, clock.now())
      const sort = parseSort(query.sort)
      await usage.flush()
      const { data, nextCursor, total } = await (isCounted(sort) ? ranked(parsed, sort) : stored(parsed))
      return { data: data.map(present), nextCursor, total }
    },

    async get(id) {
      await usage.flush()
      return present(await changes.load(id))
    },
  }
}
