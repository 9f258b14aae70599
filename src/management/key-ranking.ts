import type { KeyRecord } from '../keys/key-record.ts'
import { fitsList } from '../keys/list-fit.ts'
import type { CountedSort, PagePosition, ParsedListQuery, ParsedSort } from '../keys/list-query.ts'
import type { Clock } from '../runtime/clock.ts'
import { inTurns } from '../runtime/in-turns.ts'
import type { KeyStore } from '../stores/key-store.ts'
import { type KeyFilter, listIds } from './list-all.ts'
import type { UsageReports } from './usage-reports.ts'

/** A key with the count that it is sorted by. */
interface Ranked {
  readonly id: string
  readonly value: number
}

/** A page of keys in the order of their counts. */
interface RankedPage {
  readonly data: KeyRecord[]
  /** Where the next page begins; undefined on the last one. */
  readonly end: PagePosition | undefined
  /** How many keys fit. */
  readonly total: number
}

export interface KeyRanking {
  page(query: ParsedListQuery, sort: ParsedSort<CountedSort>): Promise<RankedPage>
}

/** How long an order is kept for the next page, and of how many keys together, some 100 bytes each. */
const keptMs = 600_000
const mostKept = 250_000

/**
 * Sorts all keys that fit by what was counted of them. Counts change all the time, so no index has this
 * order, and pages of it would lose keys that move. So the first page fixes it: later pages are cut out of
 * the same order. Where it is no longer kept, or by another process, it is made again from what was counted
 * up to the first page.
 */
export function createKeyRanking({
  store,
  clock,
  countingNow,
  sumsOf,
}: {
  store: KeyStore
  clock: Pick<Clock, 'now'>
  countingNow: UsageReports['countingNow']
  sumsOf: UsageReports['sumsOf']
}): KeyRanking {
  /** By what was asked, the one that was used last at the end. */
  const kept = new Map<string, { ranked: readonly Ranked[]; until: number }>()

  function keep(name: string, ranked: readonly Ranked[]): void {
    const now = clock.now()
    kept.delete(name)
    for (const [other, { until }] of kept) if (until <= now) kept.delete(other)
    kept.set(name, { ranked, until: now + keptMs })
    let keys = [...kept.values()].reduce((sum, one) => sum + one.ranked.length, 0)
    for (const [other, one] of kept) {
      if (keys <= mostKept) break
      kept.delete(other)
      keys -= one.ranked.length
    }
  }

  async function rank(filter: KeyFilter, sort: ParsedSort<CountedSort>, at: number): Promise<Ranked[]> {
    const ids = await listIds(store, filter)
    const sums = await sumsOf(sort.by === 'events_24h' ? 'accepted' : 'refused', ids, at)
    const ranked: Ranked[] = []
    for await (const some of inTurns(ids))
      for (const id of some) ranked.push({ id, value: sums.get(id) ?? 0 })
    return ranked.sort(comparing(sort))
  }

  async function readAll(ids: readonly string[]): Promise<(KeyRecord | undefined)[]> {
    if (store.getMany === undefined) return Promise.all(ids.map((id) => store.get(id)))
    const records = new Map((await store.getMany(ids)).map((record) => [record.id, record]))
    return ids.map((id) => records.get(id))
  }

  return {
    async page({ limit, after, sort: _, ...filter }, sort) {
      const now = Math.floor(await countingNow())
      const at = Math.min(now, after?.at ?? now)
      const { effectiveStatus, concern, ...rest } = filter
      const asked: KeyFilter = {
        ...rest,
        ...(effectiveStatus !== undefined && { effectiveStatus: { ...effectiveStatus, at } }),
        ...(concern !== undefined && { concern: { ...concern, at } }),
      }
      const still: KeyFilter = { ...rest, ...(effectiveStatus !== undefined && { effectiveStatus }) }
      const name = JSON.stringify([asked, sort, at])
      const known = after === undefined ? undefined : kept.get(name)?.ranked
      const ranked = known ?? (await rank(asked, sort, at))
      const start = after === undefined ? 0 : firstBehind(ranked, after, comparing(sort))
      const chosen = ranked.slice(start, start + limit)
      const last = chosen.at(-1)
      const more = start + limit < ranked.length
      if (more || known !== undefined) keep(name, ranked)
      const records = await readAll(chosen.map(({ id }) => id))
      return {
        // Some may have changed since the first page; times go on too slowly to matter.
        data: records.filter((record) => record !== undefined && fitsList(record, still, 0)) as KeyRecord[],
        total: ranked.length,
        end: more && last !== undefined ? { ...last, at } : undefined,
      }
    },
  }
}

type Compare = (one: Pick<PagePosition, 'id' | 'value'>, other: Pick<PagePosition, 'id' | 'value'>) => number

function comparing({ descending }: ParsedSort<CountedSort>): Compare {
  const turn = descending ? -1 : 1
  return (one, other) =>
    turn * (Number(one.value) - Number(other.value) || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0))
}

/** The place of the first key that comes after a position. */
function firstBehind(ranked: readonly Ranked[], position: PagePosition, compare: Compare): number {
  let low = 0
  let high = ranked.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(ranked[middle] as Ranked, position) > 0) high = middle
    else low = middle + 1
  }
  return low
}
