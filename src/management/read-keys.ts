import { toWriteKey, type WriteKey } from '../keys/key-record.ts'
import { encodeCursor, type ListKeysQuery, parseListQuery } from '../keys/list-query.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { UsageRecorder } from '../usage/usage-recorder.ts'
import type { KeyChanges } from './key-changes.ts'

export interface KeyPage {
  data: WriteKey[]
  /** Pass it back as `cursor` for the next page; null on the last one. */
  nextCursor: string | null
}

export interface KeyReading {
  list(query?: ListKeysQuery): Promise<KeyPage>
  get(id: string): Promise<WriteKey>
}

/** What was counted is stored first, so that `lastUsedAt` is up to date. */
export function createKeyReading({
  store,
  usage,
  changes,
}: {
  store: KeyStore
  usage: Pick<UsageRecorder, 'flush'>
  changes: KeyChanges
}): KeyReading {
  return {
    async list(query = {}) {
      const parsed = parseListQuery(query)
      await usage.flush()
      const page = await store.list(parsed)
      const last = page.data.at(-1)
      return {
        data: page.data.map(toWriteKey),
        nextCursor: page.more && last !== undefined ? encodeCursor(last) : null,
      }
    },

    async get(id) {
      await usage.flush()
      return toWriteKey(await changes.load(id))
    },
  }
}
