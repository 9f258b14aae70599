import type { Clock } from '../keys/clock.ts'
import { withDeadline } from '../stores/deadline.ts'
import { type UsageStore, usageBucketMs } from '../stores/usage-store.ts'
import { type Reason, reasons } from '../verifier/reasons.ts'
import type { UsageCounter } from '../verifier/usage-counter.ts'
import { createKeyCounter, type KeyCounter, markSecretUsed, toUsageCounts } from './key-counter.ts'
import { createUnsentUsage } from './unsent-usage.ts'

export interface UsageRecorderOptions {
  /** Without one nothing is counted. */
  store: UsageStore | undefined
  clock: Clock
  /** Event types that are counted by name; all others, and events without a type, count as `other`. */
  eventTypes: Iterable<string>
  /** Time between the first count and the write of a batch, in milliseconds. */
  flushMs: number
  /** How long counts are kept, in milliseconds. */
  retentionMs: number
  onStoreError: (error: unknown) => void
}

/** Counts per key in memory and writes batches in the background. */
export interface UsageRecorder extends UsageCounter {
  /** Stores what has been counted so far. Never rejects: what could not be stored waits for the next time. */
  flush(): Promise<void>
  /** Stores what is left and stops. */
  close(): Promise<void>
}

/** The name under which events count that have no known type. */
export const otherEventType = 'other'

/** Keys counted at the same time; beyond, a batch is written early. Some 500 bytes each. */
const maxCounters = 20_000
const pruneEveryMs = 3_600_000
/** Longest that closing waits for a store that hangs. */
const closeDeadlineMs = 5_000
const closeRetryMs = 100

/**
 * Counts accepted events by type and refusals by reason in buckets of five minutes, with the last event of each key and
 * the last use of each secret. What a crash loses is what was counted since the last batch: at most `flushMs` of it.
 *
 * Batches go out one at a time. One that fails is added to the next, within bounds; one whose answer got lost may so be
 * counted twice.
 */
export function createUsageRecorder(options: UsageRecorderOptions): UsageRecorder {
  const { clock, flushMs } = options
  if (options.store === undefined) return noRecorder
  const store = options.store
  const typeNames = [...options.eventTypes, otherEventType]
  const typeIndex = new Map(typeNames.map((name, index) => [name, index]))
  const otherIndex = typeNames.length - 1
  const reasonIndex = new Map<Reason, number>(reasons.map((reason, index) => [reason, index]))

  const unsent = createUnsentUsage()
  let counters = new Map<string, KeyCounter>()
  let bucketAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let flushing: Promise<void> | undefined
  let prunedAt = Number.NEGATIVE_INFINITY
  let closed = false

  function counterOf(keyId: string, at: number): KeyCounter {
    // A clock set back goes on counting in the bucket that is open.
    if (at >= bucketAt + usageBucketMs) openBucket(at)
    let counter = counters.get(keyId)
    if (counter === undefined) {
      if (counters.size >= maxCounters) {
        seal()
        void flush()
      }
      counter = createKeyCounter(typeNames.length)
      counters.set(keyId, counter)
      if (timer === undefined && !closed) timer = setTimeout(flush, flushMs).unref()
    }
    return counter
  }

  function openBucket(at: number): void {
    seal()
    bucketAt = at - (at % usageBucketMs)
  }

  /** Moves the open counters to what waits to be stored. */
  function seal(): void {
    for (const [keyId, counter] of counters) {
      for (const count of toUsageCounts(keyId, bucketAt, counter, typeNames, reasons)) unsent.add(count)
      if (counter.lastEventAt > 0) unsent.addLastEvent(keyId, counter.lastEventAt)
      if (counter.secretId !== '') unsent.addLastUse(counter.secretId, keyId, counter.secretUsedAt)
      for (const [secretId, at] of counter.otherSecrets ?? []) unsent.addLastUse(secretId, keyId, at)
    }
    counters = new Map()
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    // A batch under way does not hold what came since, so the next one follows it.
    flushing = (flushing ?? Promise.resolve()).then(writeBatch)
    const current = flushing
    void current.then(() => {
      if (flushing === current) flushing = undefined
    })
    return current
  }

  /** A store that is busy for a moment, as one file with many writers is, gets another chance. */
  async function flushAll(isOver: () => boolean): Promise<void> {
    await flush()
    while (!unsent.isEmpty() && !isOver()) {
      await new Promise((resolve) => setTimeout(resolve, closeRetryMs))
      await flush()
    }
  }

  async function writeBatch(): Promise<void> {
    seal()
    if (unsent.isEmpty()) return
    const batch = unsent.take()
    try {
      await store.add(batch)
    } catch (error) {
      unsent.restore(batch)
      if (!closed) timer ??= setTimeout(flush, flushMs).unref()
      options.onStoreError(error)
      return
    }
    const now = clock.now()
    if (now - prunedAt < pruneEveryMs) return
    prunedAt = now
    try {
      await store.prune(now - options.retentionMs)
    } catch (error) {
      options.onStoreError(error)
    }
  }

  return {
    accepted(keyId, secretId, routeType, events, rejected, at) {
      const counter = counterOf(keyId, at)
      markSecretUsed(counter, secretId, at)
      if (events.length > 0) {
        if (at > counter.lastEventAt) counter.lastEventAt = at
        const { accepted } = counter
        if (routeType !== null) {
          const index = typeIndex.get(routeType) ?? otherIndex
          accepted[index] = (accepted[index] as number) + events.length
        } else {
          for (const event of events) {
            const type = Object.hasOwn(event, 'type') ? event.type : undefined
            const index = typeIndex.get(type as string) ?? otherIndex
            accepted[index] = (accepted[index] as number) + 1
          }
        }
      }
      for (const { code } of rejected) addRefused(counter, code)
    },
    refused(keyId, reason, at) {
      addRefused(counterOf(keyId, at), reason)
    },
    flush,
    async close() {
      closed = true
      let isOver = false
      const timer = setTimeout(() => {
        isOver = true
      }, closeDeadlineMs).unref()
      await withDeadline(
        flushAll(() => isOver),
        closeDeadlineMs,
      ).catch(options.onStoreError)
      clearTimeout(timer)
    },
  }

  function addRefused(counter: KeyCounter, reason: Reason): void {
    counter.refused ??= new Array<number>(reasons.length).fill(0)
    const index = reasonIndex.get(reason) as number
    counter.refused[index] = (counter.refused[index] as number) + 1
  }
}

const noRecorder: UsageRecorder = {
  accepted() {},
  refused() {},
  async flush() {},
  async close() {},
}
