import type { KeyRecord } from '../keys/key-record.ts'
import type { PagePosition, ParsedListQuery } from '../keys/list-query.ts'
import type { KeyStore } from '../stores/key-store.ts'

/** Keys read at once. SQLite needs some milliseconds for them. */
const atOnce = 500
const idsAtOnce = 5_000

/** Filters of a list, without order and page. */
export type KeyFilter = Omit<ParsedListQuery, 'limit' | 'after' | 'sort'>

/** Every key that fits, newest first. */
export async function listAll(store: Pick<KeyStore, 'list'>, filter: KeyFilter): Promise<KeyRecord[]> {
  const records: KeyRecord[] = []
  const asked = { ...filter, limit: atOnce, sort: { by: 'created_at', descending: true } as const }
  let after: PagePosition | undefined
  for (;;) {
    const { data, more } = await store.list(after === undefined ? asked : { ...asked, after })
    records.push(...data)
    const last = data.at(-1)
    if (!more || last === undefined) return records
    after = { value: last.createdAt, id: last.id }
    await otherWork()
  }
}

/** The ids of all keys that fit, in no particular order. */
export async function listIds(store: Pick<KeyStore, 'list' | 'ids'>, filter: KeyFilter): Promise<string[]> {
  if (store.ids === undefined) return (await listAll(store, filter)).map(({ id }) => id)
  const ids: string[] = []
  for (;;) {
    const some = await store.ids(filter, ids.at(-1) ?? null, idsAtOnce)
    for (const id of some) ids.push(id)
    if (some.length < idsAtOnce) return ids
    await otherWork()
  }
}

function otherWork(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
