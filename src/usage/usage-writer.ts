import { randomBase62 } from '../runtime/base62.ts'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import type { UsageBatch, UsageStore } from '../stores/usage-store.ts'
import type { DroppedUsage, UnsentUsage } from './unsent-usage.ts'
import { createUsagePruner } from './usage-pruner.ts'

export interface UsageWriterOptions {
  store: UsageStore
  clock: Clock
  unsent: UnsentUsage
  /** Moves what is being counted to `unsent`. */
  seal: () => void
  /** Longest time that counts wait, in milliseconds; also the time until a failed batch is sent again. */
  flushMs: number
  retentionMs: number
  onStoreError: (error: unknown) => void
  /** A batch was stored. */
  onStored?: () => void
  /** Counts were given up: the store was away for too long, or did not take them before the process ended. */
  onDropped: (dropped: DroppedUsage) => void
}

/** Hands counts to the store in batches, one at a time. */
export interface UsageWriter {
  /** Something has been counted: it will be written within `flushMs`. */
  schedule(): void
  /** Stores what has been counted so far. Calls made meanwhile share the next one. Never rejects: what could not be stored waits. */
  flush(): Promise<void>
  /** Stores what is left, trying again until `deadlineMs` have passed, and stops. */
  close(deadlineMs: number): Promise<void>
}

const closeRetryMs = 100

export function createUsageWriter(options: UsageWriterOptions): UsageWriter {
  const { store, clock, unsent, flushMs } = options
  const pruner = createUsagePruner(options)
  const writer = randomBase62(16)
  let batches = 0
  /** Sent, perhaps more than once, and not answered: whether the store has counted it is not known, so it stays as it is. */
  let unanswered: UsageBatch | undefined
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function schedule(): void {
    if (!closed) timer ??= setTimeout(flush, flushMs).unref()
  }

  function flush(): Promise<void> {
    if (next !== undefined) return next
    if (running === undefined) return start()
    // What is under way does not hold what came since.
    next = running.then(start)
    return next
  }

  function start(): Promise<void> {
    next = undefined
    clearTimeout(timer)
    timer = undefined
    running = writeAll().finally(() => {
      running = undefined
      tellDropped()
    })
    return running
  }

  async function writeAll(): Promise<void> {
    options.seal()
    for (;;) {
      unanswered ??= nextBatch()
      if (unanswered === undefined) return
      try {
        await store.add(unanswered)
      } catch (error) {
        schedule()
        options.onStoreError(error)
        return
      }
      unanswered = undefined
      options.onStored?.()
      pruner.runIfDue()
      // A store that works in this process never lets go of it by itself.
      if (!unsent.isEmpty()) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  function nextBatch(): UsageBatch | undefined {
    const part = unsent.take()
    return part && { writer, number: ++batches, madeAt: clock.now(), ...part }
  }

  function tellDropped(): void {
    const dropped = unsent.takeDropped()
    if (dropped !== undefined) options.onDropped(dropped)
  }

  async function flushUntil(isOver: () => boolean): Promise<void> {
    await flush()
    // A store that is busy for a moment, as one file with many writers is, gets another chance.
    while ((unanswered !== undefined || !unsent.isEmpty()) && !isOver()) {
      await new Promise((resolve) => setTimeout(resolve, closeRetryMs))
      await flush()
    }
  }

  return {
    schedule,
    flush,
    async close(deadlineMs) {
      closed = true
      pruner.close()
      const until = performance.now() + deadlineMs
      await withDeadline(
        flushUntil(() => performance.now() > until),
        deadlineMs,
      ).catch(options.onStoreError)
      clearTimeout(timer)
      timer = undefined
      for (const count of unanswered?.counts ?? []) unsent.add(count)
      unsent.dropAll()
      tellDropped()
    },
  }
}
