import type { Clock } from '../runtime/clock.ts'
import { invalidField } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { UsageRecorder } from '../usage/usage-recorder.ts'
import {
  type KeyUsage,
  type KeyVolume,
  parseUsageWindow,
  toKeyUsage,
  toKeyVolumes,
} from '../usage/usage-report.ts'
import { isKeyId, type KeyChanges } from './key-changes.ts'

export interface UsageReports {
  usage(id: string, options?: { window?: string }): Promise<KeyUsage>
  volumes(ids: readonly string[]): Promise<ReadonlyMap<string, KeyVolume>>
}

const maxVolumes = 100
const hourMs = 3_600_000

export function createUsageReports({
  store,
  clock,
  usage,
  changes,
}: {
  store: KeyStore
  clock: Clock
  usage: Pick<UsageRecorder, 'flush'>
  changes: KeyChanges
}): UsageReports {
  /** The present as counts know it: none is stored later than the store's own clock says. */
  async function countingNow(): Promise<number> {
    const now = clock.now()
    return Math.min(now, (await store.usage?.now?.()) ?? now)
  }

  return {
    async usage(id, { window = '24h' } = {}) {
      const parsed = parseUsageWindow(window, await countingNow())
      await changes.load(id)
      await usage.flush()
      const keyIds = [id]
      const counts = (await store.usage?.read({ keyIds, ...parsed })) ?? []
      return toKeyUsage(parsed, counts, (await store.usage?.lastEvents(keyIds))?.get(id))
    },

    async volumes(ids) {
      const keyIds = ids.filter(isKeyId)
      if (keyIds.length > maxVolumes) throw invalidField('ids', `must be at most ${maxVolumes}`)
      if (keyIds.length === 0) return new Map()
      await usage.flush()
      const { from, to } = parseUsageWindow('24h', await countingNow())
      const counts = (await store.usage?.read({ keyIds, from, to, bucketMs: hourMs })) ?? []
      return toKeyVolumes(keyIds, from, counts, (await store.usage?.lastEvents(keyIds)) ?? new Map())
    },
  }
}
