import type { UsageCount } from './usage-store.ts'

/** One count for each key, kind and name. */
type Bucket = ReadonlyMap<string, UsageCount>

/** Counts by the time at which their bucket starts. When there are too many, the oldest buckets go. */
export interface MemoryUsageBuckets {
  add(count: UsageCount): void
  /** The buckets that start in this time. */
  within(from: number, to: number): Iterable<Bucket>
  dropBefore(time: number): void
  /** Drops the counts of a key. */
  forget(keyId: string): void
}

/** Most counts kept, some 200 bytes each. */
const maxCounts = 250_000

export function createMemoryUsageBuckets(): MemoryUsageBuckets {
  const buckets = new Map<number, Map<string, UsageCount>>()
  let counts = 0

  function drop(bucketAt: number): void {
    counts -= buckets.get(bucketAt)?.size ?? 0
    buckets.delete(bucketAt)
  }

  return {
    add(count) {
      let bucket = buckets.get(count.bucketAt)
      if (bucket === undefined) {
        bucket = new Map()
        buckets.set(count.bucketAt, bucket)
      }
      const id = `${count.keyId} ${count.kind} ${count.name}`
      const known = bucket.get(id)
      if (known === undefined) counts++
      bucket.set(id, known === undefined ? count : { ...count, count: known.count + count.count })
      if (counts > maxCounts && buckets.size > 1) drop(Math.min(...buckets.keys()))
    },
    *within(from, to) {
      for (const [bucketAt, bucket] of buckets) if (bucketAt >= from && bucketAt < to) yield bucket
    },
    dropBefore(time) {
      for (const bucketAt of [...buckets.keys()]) if (bucketAt < time) drop(bucketAt)
    },
    forget(keyId) {
      for (const bucket of buckets.values()) {
        for (const [id, count] of bucket) if (count.keyId === keyId && bucket.delete(id)) counts--
      }
    },
  }
}
