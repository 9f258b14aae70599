import { toBucketStart, type UsageBatch, type UsageCount, usageBucketMs } from '../stores/usage-store.ts'

/** Counts that were dropped: accepted events and refusals. */
export interface DroppedUsage {
  readonly events: number
  readonly refusals: number
}

/** The content of one batch. */
type UsagePart = Pick<UsageBatch, 'counts' | 'lastEventAt' | 'lastUsedAt'>

/**
 * What has been counted and not yet handed to the store. Bounded: when it is full, the oldest counts are
 * dropped.
 */
export interface UnsentUsage {
  isEmpty(): boolean
  /** Accepted events and refusals that wait. */
  total(): number
  add(count: UsageCount): void
  addLastEvent(keyId: string, at: number): void
  addLastUse(secretId: string, keyId: string, at: number): void
  /** Hands over the oldest rows, at most `rowsPerBatch`; undefined when there are none. */
  take(): UsagePart | undefined
  /** The clock was wrong when all of this was counted, by so many milliseconds. */
  move(byMs: number): void
  /** What was dropped since the last call; undefined when nothing was. */
  takeDropped(): DroppedUsage | undefined
  /** Drops everything. */
  dropAll(): void
}

/** Most counts that wait while the store is away. Some 200 bytes each. */
const maxUnsentCounts = 100_000
const maxUnsentTimes = 50_000
/** Dropped at once when there are more: finding the oldest entry of a map one by one is slow. */
const givenUpAtOnce = 1_000
/**
 * A store in this process, such as SQLite, blocks it during a batch: some milliseconds with this many rows.
 */
const rowsPerBatch = 200

export function createUnsentUsage(): UnsentUsage {
  const counts = new Map<string, UsageCount>()
  const lastEventAt = new Map<string, number>()
  const lastUsedAt = new Map<string, { keyId: string; at: number }>()
  let dropped = { events: 0, refusals: 0 }

  const isEmpty = () => counts.size === 0 && lastEventAt.size === 0 && lastUsedAt.size === 0

  function drop({ kind, count }: UsageCount): void {
    if (kind === 'accepted') dropped.events += count
    else if (kind === 'refused') dropped.refusals += count
  }

  function add(count: UsageCount): void {
    const id = `${count.keyId} ${count.bucketAt} ${count.kind} ${count.name}`
    const known = counts.get(id)
    if (known === undefined && counts.size >= maxUnsentCounts) {
      for (const oldest of takeFirst(counts, givenUpAtOnce).values()) drop(oldest)
    }
    counts.set(id, known === undefined ? count : { ...count, count: known.count + count.count })
  }

  return {
    isEmpty,

    total: () => sumOf(counts.values()),

    add,

    addLastEvent(keyId, at) {
      const known = lastEventAt.get(keyId)
      if (known === undefined && lastEventAt.size >= maxUnsentTimes) takeFirst(lastEventAt, givenUpAtOnce)
      if (known === undefined || at > known) lastEventAt.set(keyId, at)
    },

    addLastUse(secretId, keyId, at) {
      const known = lastUsedAt.get(secretId)
      if (known === undefined && lastUsedAt.size >= maxUnsentTimes) takeFirst(lastUsedAt, givenUpAtOnce)
      if (known === undefined || at > known.at) lastUsedAt.set(secretId, { keyId, at })
    },

    take() {
      if (isEmpty()) return undefined
      const someCounts = [...takeFirst(counts, rowsPerBatch).values()]
      const someEvents = takeFirst(lastEventAt, rowsPerBatch - someCounts.length)
      const someUses = takeFirst(lastUsedAt, rowsPerBatch - someCounts.length - someEvents.size)
      return { counts: someCounts, lastEventAt: someEvents, lastUsedAt: someUses }
    },

    move(byMs) {
      // When in its bucket something was counted is not known: the nearest one is half a bucket off at most.
      const halfBucketMs = usageBucketMs / 2
      for (const count of takeFirst(counts, counts.size).values()) {
        add({ ...count, bucketAt: toBucketStart(count.bucketAt + byMs + halfBucketMs) })
      }
      for (const [keyId, at] of lastEventAt) lastEventAt.set(keyId, at + byMs)
      for (const [secretId, { keyId, at }] of lastUsedAt) lastUsedAt.set(secretId, { keyId, at: at + byMs })
    },

    takeDropped() {
      if (dropped.events === 0 && dropped.refusals === 0) return undefined
      const taken = dropped
      dropped = { events: 0, refusals: 0 }
      return taken
    },

    dropAll() {
      for (const count of counts.values()) drop(count)
      for (const map of [counts, lastEventAt, lastUsedAt]) map.clear()
    },
  }
}

/** Accepted events and refusals of these counts. */
export function sumOf(counts: Iterable<UsageCount>): number {
  let sum = 0
  for (const { kind, count } of counts) if (kind === 'accepted' || kind === 'refused') sum += count
  return sum
}

/** Moves the oldest entries, at most `most`, into a map of their own. */
function takeFirst<Value>(map: Map<string, Value>, most: number): Map<string, Value> {
  const taken = new Map<string, Value>()
  for (const [id, value] of map) {
    if (taken.size >= most) break
    taken.set(id, value)
    map.delete(id)
  }
  return taken
}
