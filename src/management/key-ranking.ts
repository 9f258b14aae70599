import type { KeyRecord } from '../keys/key-record.ts'
import type { CountedSort, PagePosition, ParsedListQuery, ParsedSort } from '../keys/list-query.ts'
import { inTurns } from '../runtime/in-turns.ts'
import type { KeyRecordPage, KeyStore } from '../stores/key-store.ts'
import type { UsageCount } from '../stores/usage-store.ts'

/** Keys read at once. SQLite needs some milliseconds for them. */
const atOnce = 500

/** Every key that fits, newest first. */
export async function listAll(
  store: Pick<KeyStore, 'list'>,
  query: Omit<ParsedListQuery, 'limit' | 'after' | 'sort'>,
): Promise<KeyRecord[]> {
  const records: KeyRecord[] = []
  const asked = { ...query, limit: atOnce, sort: { by: 'created_at', descending: true } as const }
  let after: PagePosition | undefined
  for (;;) {
    const { data, more } = await store.list(after === undefined ? asked : { ...asked, after })
    records.push(...data)
    const last = data.at(-1)
    if (!more || last === undefined) return records
    after = { value: last.createdAt, id: last.id }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * A page of the keys that fit, sorted by their counts. Stores keep counts in buckets that change all the
 * time, so no index has this order. 20 000 keys take about a second.
 */
export async function rankKeys(
  store: Pick<KeyStore, 'list'>,
  { limit, after, sort: _, ...query }: ParsedListQuery,
  { by, descending }: ParsedSort<CountedSort>,
  counts: readonly UsageCount[],
): Promise<{ page: KeyRecordPage; volumeOf(id: string): number }> {
  const kind = by === 'events_24h' ? 'accepted' : 'refused'
  const values = new Map<string, number>()
  for await (const some of inTurns(counts)) {
    for (const one of some) {
      if (one.kind === kind) values.set(one.keyId, (values.get(one.keyId) ?? 0) + one.count)
    }
  }
  const volumeOf = (id: string) => values.get(id) ?? 0
  const turn = descending ? -1 : 1
  const compare = (one: PagePosition, other: PagePosition) =>
    turn * (Number(one.value) - Number(other.value) || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0))
  let ranked: { record: KeyRecord; id: string; value: number }[] = []
  for await (const some of inTurns(await listAll(store, query))) {
    for (const record of some) {
      const one = { record, id: record.id, value: volumeOf(record.id) }
      if (after === undefined || compare(one, after) > 0) ranked.push(one)
    }
    ranked = ranked.sort(compare).slice(0, limit + 1)
  }
  const data = ranked.slice(0, limit).map(({ record }) => record)
  return { page: { data, more: ranked.length > limit }, volumeOf }
}
