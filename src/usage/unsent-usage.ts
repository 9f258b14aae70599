import type { UsageBatch, UsageCount } from '../stores/usage-store.ts'

/** Most counts that wait for a store that is away; then the oldest are given up. Some 100 bytes each. */
const maxUnsentCounts = 100_000
const maxUnsentTimes = 50_000

/** What has been counted and not yet stored. Adds up, so that a retry sends each number once. */
export interface UnsentUsage {
  isEmpty(): boolean
  add(count: UsageCount): void
  addLastEvent(keyId: string, at: number): void
  addLastUse(secretId: string, keyId: string, at: number): void
  /** Hands everything over and is empty afterwards. */
  take(): UsageBatch
  /** Puts a batch back that could not be stored. */
  restore(batch: UsageBatch): void
}

export function createUnsentUsage(): UnsentUsage {
  let counts = new Map<string, UsageCount>()
  let lastEventAt = new Map<string, number>()
  let lastUsedAt = new Map<string, { keyId: string; at: number }>()

  const unsent: UnsentUsage = {
    isEmpty: () => counts.size === 0 && lastEventAt.size === 0 && lastUsedAt.size === 0,

    add(count) {
      const id = `${count.keyId} ${count.bucketAt} ${count.kind} ${count.name}`
      const known = counts.get(id)
      if (known === undefined) dropOldest(counts, maxUnsentCounts)
      counts.set(id, known === undefined ? count : { ...count, count: known.count + count.count })
    },

    addLastEvent(keyId, at) {
      if (at <= (lastEventAt.get(keyId) ?? 0)) return
      if (!lastEventAt.has(keyId)) dropOldest(lastEventAt, maxUnsentTimes)
      lastEventAt.set(keyId, at)
    },

    addLastUse(secretId, keyId, at) {
      if (at <= (lastUsedAt.get(secretId)?.at ?? 0)) return
      if (!lastUsedAt.has(secretId)) dropOldest(lastUsedAt, maxUnsentTimes)
      lastUsedAt.set(secretId, { keyId, at })
    },

    take() {
      const batch: UsageBatch = { counts: [...counts.values()], lastEventAt, lastUsedAt }
      counts = new Map()
      lastEventAt = new Map()
      lastUsedAt = new Map()
      return batch
    },

    restore(batch) {
      for (const count of batch.counts) unsent.add(count)
      for (const [keyId, at] of batch.lastEventAt) unsent.addLastEvent(keyId, at)
      for (const [secretId, { keyId, at }] of batch.lastUsedAt) unsent.addLastUse(secretId, keyId, at)
    },
  }
  return unsent
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  if (map.size < max) return
  const oldest = map.keys().next()
  if (!oldest.done) map.delete(oldest.value)
}
