import { toWriteKey, type WriteKey } from '../keys/key-record.ts'
import { revokeKey } from '../keys/lifecycle.ts'
import type { Clock } from '../runtime/clock.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { Announcements } from './announcements.ts'
import type { Endings } from './endings.ts'
import { asKeyId, type ChangeOptions, type KeyChanges } from './key-changes.ts'

export interface KeyEnding {
  revoke(id: string, change?: ChangeOptions): Promise<WriteKey>
  remove(id: string, change?: ChangeOptions): Promise<void>
}

export function createKeyEnding({
  store,
  clock,
  changes,
  announcements,
  endings,
}: {
  store: KeyStore
  clock: Clock
  changes: KeyChanges
  announcements: Announcements
  endings: Endings
}): KeyEnding {
  return {
    async revoke(id, change = {}) {
      // Revoking is final and so wins over whatever changes the key at the same time.
      return endings.end(asKeyId(id), async (before) => {
        const after = revokeKey(before, clock.now())
        if (after === undefined) {
          const seen = await endings.see(before)
          const isRevoked = seen.record?.status === 'revoked'
          return isRevoked ? { result: toWriteKey(before), change: seen.change } : undefined
        }
        const committed = await store.replace(after, changes.entry('revoke', change, before, after))
        if (committed === undefined) return undefined
        announcements.ended(before.id)
        return { result: toWriteKey(after), change: committed }
      })
    },

    async remove(id, change = {}) {
      await endings.end(asKeyId(id), async (before) => {
        const committed = await store.remove(
          before.id,
          before.version,
          changes.entry('remove', change, before, null),
        )
        if (committed === undefined) return undefined
        announcements.ended(before.id)
        return { result: before.id, change: committed }
      })
    },
  }
}
