import type { KeyRecord } from '../keys/key-record.ts'
import { createMemoryUsageBuckets } from './memory-usage-buckets.ts'
import { toBucketStart, type UsageCount, type UsageStore } from './usage-store.ts'

/** The usage of a memory store. */
export interface MemoryUsage extends UsageStore {
  /** The record with the last use of each of its secrets. */
  withLastUse(record: KeyRecord): KeyRecord
  forget(record: KeyRecord): void
}

/** @param has whether the store has this key: usage of removed keys is not kept. */
export function createMemoryUsage(has: (keyId: string) => boolean): MemoryUsage {
  const buckets = createMemoryUsageBuckets()
  const lastEventAt = new Map<string, number>()
  const lastUsedAt = new Map<string, number>()
  /** Number of the last batch of each writer that shares this object. */
  const batches = new Map<string, number>()

  return {
    add({ writer, number, madeAt, ...batch }) {
      if (number > (batches.get(writer) ?? 0)) {
        batches.set(writer, number)
        const latest = toBucketStart(madeAt)
        for (const count of batch.counts) {
          if (has(count.keyId)) buckets.add({ ...count, bucketAt: Math.min(count.bucketAt, latest) })
        }
      }
      for (const [keyId, at] of batch.lastEventAt) if (has(keyId)) moveForward(lastEventAt, keyId, at, madeAt)
      for (const [secretId, { keyId, at }] of batch.lastUsedAt) {
        if (has(keyId)) moveForward(lastUsedAt, secretId, at, madeAt)
      }
    },

    read({ keyIds, from, to }) {
      const wanted = new Set(keyIds)
      const found: UsageCount[] = []
      for (const bucket of buckets.within(from, to)) {
        for (const count of bucket.values()) if (wanted.has(count.keyId)) found.push(count)
      }
      return found
    },

    totals({ from, to }) {
      const totals = new Map<string, UsageCount>()
      for (const bucket of buckets.within(from, to)) {
        for (const [id, count] of bucket) {
          totals.set(id, { ...count, bucketAt: from, count: count.count + (totals.get(id)?.count ?? 0) })
        }
      }
      return [...totals.values()]
    },

    sums({ kind, from, to }) {
      const sums = new Map<string, number>()
      for (const bucket of buckets.within(from, to)) {
        for (const one of bucket.values()) {
          if (one.kind === kind) sums.set(one.keyId, (sums.get(one.keyId) ?? 0) + one.count)
        }
      }
      return sums
    },

    lastEvents(keyIds) {
      const found = new Map<string, number>()
      for (const keyId of keyIds) {
        const at = lastEventAt.get(keyId)
        if (at !== undefined) found.set(keyId, at)
      }
      return found
    },

    prune({ keptMs, now }) {
      buckets.dropBefore(now - keptMs)
      return false
    },

    withLastUse(record) {
      const secrets = record.secrets.map((secret) => ({
        ...secret,
        lastUsedAt: lastUsedAt.get(secret.id) ?? secret.lastUsedAt,
      }))
      return { ...record, secrets }
    },

    forget(record) {
      lastEventAt.delete(record.id)
      for (const secret of record.secrets) lastUsedAt.delete(secret.id)
      buckets.forget(record.id)
    },
  }
}

/** A time in the future was written by a wrong clock: it gives way. */
function moveForward(times: Map<string, number>, id: string, at: number, now: number): void {
  const known = times.get(id)
  const time = Math.min(at, now)
  if (known === undefined || known < time || known > now) times.set(id, time)
}
