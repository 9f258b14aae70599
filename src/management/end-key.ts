import type { AuditAction } from '../keys/audit-entry.ts'
import type { KeyRecord, WriteKey } from '../keys/key-record.ts'
import type { PausedBy } from '../keys/key-status.ts'
import { assertRemovable, pauseKey, resumeKey, revokeKey } from '../keys/lifecycle.ts'
import type { Clock } from '../runtime/clock.ts'
import { KeyError, StoreError } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { Announcements } from './announcements.ts'
import type { Endings } from './endings.ts'

import { asKeyId, type ChangeOptions, type KeyChangeOptions, type KeyChanges } from './key-changes.ts'
import type { PresentKey } from './present-key.ts'

export interface KeyEnding {
  pause(id: string, change?: KeyChangeOptions): Promise<WriteKey>
  resume(id: string, change?: KeyChangeOptions): Promise<WriteKey>
  revoke(id: string, change?: KeyChangeOptions): Promise<WriteKey>
  remove(id: string, change?: KeyChangeOptions): Promise<void>
}

export function createKeyEnding({
  store,
  clock,
  changes,
  announcements,
  endings,
  present,
}: {
  store: KeyStore
  clock: Clock
  changes: KeyChanges
  announcements: Announcements
  endings: Endings
  present: PresentKey
}): KeyEnding {
  /**
   * The new status wins over any other change at the same time, and counts everywhere when the call returns.
   */
  function changeStatus(
    id: string,
    action: AuditAction,
    change: KeyChangeOptions,
    next: (before: KeyRecord, by: PausedBy, now: number) => KeyRecord | undefined,
    announce: (keyId: string) => void,
  ): Promise<WriteKey> {
    const by = changedBy(change)
    return endings.end(asKeyId(id), change.version, async (before) => {
      const after = next(before, by, clock.now())
      if (after === undefined) {
        const seen = await endings.see(before)
        const isSo = seen.record?.status === before.status
        return isSo ? { result: present(before), change: seen.change } : undefined
      }
      const entry = changes.entry(action, change, before, after)
      const committed = await Promise.resolve(store.replace(after, entry)).catch(asConflict)
      if (committed === undefined) return undefined
      announce(before.id)
      return { result: present(after), change: committed }
    })
  }

  return {
    pause: async (id, change = {}) => changeStatus(id, 'pause', change, pauseKey, announcements.changed),
    resume: async (id, change = {}) => changeStatus(id, 'resume', change, resumeKey, announcements.changed),
    revoke: async (id, change = {}) =>
      changeStatus(id, 'revoke', change, (before, _by, now) => revokeKey(before, now), announcements.ended),

    async remove(id, change = {}) {
      await endings.end(asKeyId(id), change.version, async (before) => {
        assertRemovable(before, changedBy(change))
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

function changedBy({ actor }: ChangeOptions): PausedBy {
  return actor?.workspace === undefined ? 'operator' : 'workspace'
}

function asConflict(error: unknown): never {
  if (!(error instanceof StoreError) || error.code !== 'schema_mixed') throw error
  throw new KeyError('conflict', error.message, { reason: 'schema_mixed' })
}
