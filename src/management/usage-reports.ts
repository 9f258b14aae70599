import { type ListKeysQuery, parseListQuery } from '../keys/list-query.ts'
import type { Plans } from '../keys/plans.ts'
import type { Clock } from '../runtime/clock.ts'
import { invalidField } from '../runtime/errors.ts'
import { inTurns } from '../runtime/in-turns.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { UsageCount, UsageSumQuery } from '../stores/usage-store.ts'
import { readQuota } from '../usage/monthly-quotas.ts'
import {
  createOverviewTally,
  type UsageGrouping,
  type UsageOverview,
  usageGroupings,
} from '../usage/usage-overview.ts'
import type { UsageRecorder } from '../usage/usage-recorder.ts'
import { type KeyUsage, type KeyVolume, toKeyUsage, toKeyVolumes } from '../usage/usage-report.ts'
import { lastDay, parseUsageWindow } from '../usage/usage-window.ts'
import { isKeyId, type KeyChanges } from './key-changes.ts'
import { listAll } from './list-all.ts'
import { createSettledSums } from './settled-sums.ts'

/** Usage of all keys that fit. */
export interface UsageOverviewQuery extends Omit<ListKeysQuery, 'limit' | 'cursor' | 'sort'> {
  /** As for `usage`. Default `24h`. */
  window?: string | undefined
  /**
   * A time zone such as `Asia/Kolkata`, whose full hours and calendar days are the buckets. Default `UTC`.
   */
  zone?: string | undefined
  /** Default `source_type`. */
  groupBy?: UsageGrouping | undefined
}

export interface UsageReports {
  usage(id: string, options?: { window?: string; zone?: string | undefined }): Promise<KeyUsage>
  usageOverview(query?: UsageOverviewQuery): Promise<UsageOverview>
  /** The present for counts: the store's clock, where it has one. */
  countingNow(): Promise<number>
  /** What was counted of keys in the 24 hours up to a moment. Those that had nothing may be missing. */
  sumsOf(
    kind: UsageSumQuery['kind'],
    keyIds: readonly string[],
    at: number,
  ): Promise<ReadonlyMap<string, number>>
  volumes(ids: readonly string[]): Promise<ReadonlyMap<string, KeyVolume>>
}

const maxVolumes = 100
const hourMs = 3_600_000

export function createUsageReports({
  store,
  clock,
  usage,
  changes,
  plans,
}: {
  store: KeyStore
  clock: Clock
  usage: Pick<UsageRecorder, 'flush'>
  changes: KeyChanges
  plans: Plans
}): UsageReports {
  async function countingNow(): Promise<number> {
    return (await store.usage?.now?.()) ?? clock.now()
  }

  const sums = createSettledSums(store.usage)
  async function totals(window: { from: number; to: number }): Promise<readonly UsageCount[]> {
    if (store.usage?.totals !== undefined) return store.usage.totals(window)
    const ids = (await listAll(store, {})).map(({ id }) => id)
    const bucketMs = window.to - window.from
    return (await store.usage?.read({ keyIds: ids, ...window, bucketMs })) ?? []
  }

  return {
    countingNow,

    async usage(id, { window = '24h', zone } = {}) {
      const now = await countingNow()
      const parsed = parseUsageWindow(window, now, zone)
      const { from, to, storedMs: bucketMs } = parsed
      const { plan } = await changes.load(id)
      await usage.flush()
      const keyIds = [id]
      const counts = (await store.usage?.read({ keyIds, from, to, bucketMs })) ?? []
      const lastEventAt = (await store.usage?.lastEvents(keyIds))?.get(id)
      const { monthlyEvents } = plans.of(plan)
      const hasQuota = monthlyEvents !== null && store.usage !== undefined
      const quota = hasQuota ? await readQuota(store.usage, id, monthlyEvents, now) : null
      return toKeyUsage(parsed, counts, lastEventAt, quota)
    },

    async usageOverview({ window = '24h', zone, groupBy = 'source_type', ...filter } = {}) {
      if (!usageGroupings.includes(groupBy))
        throw invalidField('groupBy', `must be one of ${usageGroupings.join(', ')}`)
      const { limit: _limit, sort: _sort, after: _after, ...keys } = parseListQuery(filter, clock.now())
      const parsed = parseUsageWindow(window, await countingNow(), zone)
      await usage.flush()
      const records = await listAll(store, keys)
      const tally = createOverviewTally(parsed, groupBy, records)
      for (const [index, from] of parsed.starts.entries()) {
        const counts = await totals({ from, to: parsed.starts[index + 1] ?? parsed.to })
        for await (const some of inTurns(counts)) tally.add(index, some)
      }
      return tally.toOverview()
    },

    async sumsOf(kind, keyIds, at) {
      const window = lastDay(at)
      return sums === undefined ? addUp(kind, await totals(window)) : sums({ kind, keyIds, ...window })
    },

    async volumes(ids) {
      if (!Array.isArray(ids)) throw invalidField('ids', 'must be a list of ids of write keys')
      const keyIds = ids.filter(isKeyId)
      if (keyIds.length > maxVolumes) throw invalidField('ids', `must be at most ${maxVolumes}`)
      if (keyIds.length === 0) return new Map()
      await usage.flush()
      const { from, to } = lastDay(await countingNow())
      const counts = (await store.usage?.read({ keyIds, from, to, bucketMs: hourMs })) ?? []
      return toKeyVolumes(keyIds, from, counts, (await store.usage?.lastEvents(keyIds)) ?? new Map())
    },
  }
}

async function addUp(
  kind: UsageSumQuery['kind'],
  counts: readonly UsageCount[],
): Promise<Map<string, number>> {
  const sums = new Map<string, number>()
  for await (const some of inTurns(counts)) {
    for (const one of some) {
      if (one.kind === kind) sums.set(one.keyId, (sums.get(one.keyId) ?? 0) + one.count)
    }
  }
  return sums
}
