import type { Clock } from '../runtime/clock.ts'
import { toBucketStart, type UsageCount, type UsageStore, usageBucketMs } from '../stores/usage-store.ts'
import type { UsageCounter } from '../verifier/usage-counter.ts'
import { type CountingTime, createCountingTime } from './counting-time.ts'
import { addOfSecret, createTally, type KeyCounter, totalOf } from './key-counter.ts'
import { lastUses, markSecretUsed } from './last-used.ts'
import { createUnsentUsage, type DroppedUsage, sumOf, type UnsentUsage } from './unsent-usage.ts'
import { createUsageWriter, type UsageWriter } from './usage-writer.ts'

export interface UsageRecorderOptions {
  /** Without a store nothing is counted. */
  store: UsageStore | undefined
  clock: Clock
  /** Event types that are counted by name. All others, and events without a type, count as `other`. */
  eventTypes: Iterable<string>
  /** Time between the first count and the write of a batch, in milliseconds. */
  flushMs: number
  /** How long counts are kept, in milliseconds. */
  retentionMs: number
  onStoreError: (error: unknown) => void
  /** A batch was stored. */
  onStored?: () => void
  /** Called with what was dropped because the store was away for too long. */
  onDropped: (dropped: DroppedUsage) => void
}

/** Counts per key in memory and writes batches in the background. */
export interface UsageRecorder extends UsageCounter {
  readonly time: CountingTime
  /** Stores what has been counted so far. Never rejects: what could not be stored waits for the next time. */
  flush: UsageWriter['flush']
  /** The number of the part that is counted now: see `flush`. */
  part(): number
  /** Accepted events and refusals that have been counted but not stored. */
  unsent(): number
  /** Stores the rest, for at most `deadlineMs`, and stops. */
  close(deadlineMs?: number): Promise<void>
}

/**
 * Keys counted at the same time, some 500 bytes each. Beyond that a batch is written early, which takes some
 * milliseconds.
 */
const maxCounters = 5_000
/** Longest that closing waits for a store that hangs. */
const closeDeadlineMs = 5_000

/**
 * Counts accepted events by type and refusals by reason in buckets of five minutes, with the last event of
 * each key and the last use of each secret. A crash loses what was counted since the last batch: at most
 * `flushMs` of it.
 */
export function createUsageRecorder(options: UsageRecorderOptions): UsageRecorder {
  if (options.store === undefined) return noRecorder
  const tally = createTally(options.eventTypes)
  const unsent = createUnsentUsage()
  const time = createCountingTime({
    store: options.store,
    clock: options.clock,
    onMoved(byMs) {
      seal()
      unsent.move(byMs)
    },
  })
  let parts = 0
  const part = () => parts
  const writer = createUsageWriter({ ...options, store: options.store, time, unsent, seal, part })
  let counters = new Map<string, KeyCounter>()
  let bucketAt = Number.NEGATIVE_INFINITY
  /** How far the wall clock was behind when the first request of the open counters was counted. */
  let behindMs = 0

  /** @param wall when the request came, by the process's clock. */
  function counterOf(keyId: string, wall: number): KeyCounter {
    if (writer.isOverdue(wall)) void writer.flush()
    if (counters.size >= maxCounters && !counters.has(keyId)) {
      seal()
      void writer.flush()
    }
    if (!isCountedIn(bucketAt, wall + behindMs)) {
      seal()
      behindMs = time.behindMs()
      bucketAt = toBucketStart(wall + behindMs)
    }
    let counter = counters.get(keyId)
    if (counter === undefined) {
      counter = tally.createCounter()
      counters.set(keyId, counter)
      writer.schedule()
    }
    return counter
  }

  /** Moves the open counters to the unsent counts. */
  function seal(): void {
    for (const [keyId, counter] of counters)
      addCounts(unsent, keyId, tally.toUsageCounts(keyId, bucketAt, counter), counter)
    if (counters.size > 0) parts++
    counters = new Map()
    bucketAt = Number.NEGATIVE_INFINITY
  }

  return {
    time,
    accepted(keyId, secretId, routeType, events, rejected, wall) {
      const counter = counterOf(keyId, wall)
      const at = wall + behindMs
      markSecretUsed(counter, secretId, at)
      if (events.length > 0) {
        if (at > counter.lastEventAt) counter.lastEventAt = at
        tally.addAccepted(counter, routeType, events)
      }
      for (const { code } of rejected) tally.addRefused(counter, code)
    },
    ofSecret(keyId, secretId, events, at) {
      if (events > 0) addOfSecret(counterOf(keyId, at), secretId, events)
    },
    tried(keyId, wouldRefuse, events, at) {
      if (events > 0) tally.addTried(counterOf(keyId, at), wouldRefuse, events)
    },
    refused(keyId, reason, at) {
      tally.addRefused(counterOf(keyId, at), reason)
    },
    flush: writer.flush,
    part,
    unsent: () => totalOf(counters.values()) + unsent.total() + sumOf(writer.unanswered()?.counts ?? []),
    close: (deadlineMs = closeDeadlineMs) => writer.close(deadlineMs),
  }
}

function addCounts(
  unsent: UnsentUsage,
  keyId: string,
  counts: Iterable<UsageCount>,
  counter: KeyCounter,
): void {
  for (const count of counts) unsent.add(count)
  if (counter.lastEventAt > 0) unsent.addLastEvent(keyId, counter.lastEventAt)
  for (const [secretId, at] of lastUses(counter)) unsent.addLastUse(secretId, keyId, at)
}

/** A request that began in the previous bucket may count in this one. If it is older, the clock was set. */
function isCountedIn(bucketAt: number, at: number): boolean {
  return at < bucketAt + usageBucketMs && at >= bucketAt - usageBucketMs
}

const noTime: CountingTime = { now: Date.now, behindMs: () => 0, refresh: () => undefined }

const noRecorder: UsageRecorder = {
  time: noTime,
  accepted() {},
  refused() {},
  ofSecret() {},
  tried() {},
  async flush() {
    return undefined
  },
  part: () => 0,
  unsent: () => 0,
  async close() {},
}
