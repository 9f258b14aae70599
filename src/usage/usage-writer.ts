import { randomBase62 } from '../runtime/base62.ts'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { inBackground } from '../runtime/timers.ts'
import type { UsageBatch, UsageStore } from '../stores/usage-store.ts'
import type { CountingTime } from './counting-time.ts'
import type { DroppedUsage, UnsentUsage } from './unsent-usage.ts'
import { createUsagePruner } from './usage-pruner.ts'

export interface UsageWriterOptions {
  store: UsageStore
  clock: Clock
  time: CountingTime
  unsent: UnsentUsage
  /** Moves open counters to `unsent`. */
  seal: () => void
  /** The number of the part that is counted now, which the next seal ends. */
  part: () => number
  /** Longest time that counts wait, in milliseconds; also the time until a failed batch is sent again. */
  flushMs: number
  retentionMs: number
  onStoreError: (error: unknown) => void
  /** A batch was stored. */
  onStored?: () => void
  /** Counts were dropped: the store was away for too long, or did not take them before the process ended. */
  onDropped: (dropped: DroppedUsage) => void
}

/** Hands counts to the store in batches, one at a time. */
export interface UsageWriter {
  /** Something has been counted: it will be written within `flushMs`. */
  schedule(): void
  /**
   * Whether a write is overdue by the wall clock although no timer has fired: some runtimes stop timers
   * between requests.
   */
  isOverdue(now: number): boolean
  /**
   * Stores what has been counted so far. Calls made meanwhile share the next write. Never rejects: what could
   * not be stored waits.
   *
   * @returns the part that is counted now, when all parts before it have been stored; otherwise undefined
   */
  flush(): Promise<number | undefined>
  /** The batch that the store has not answered. */
  unanswered(): UsageBatch | undefined
  /** Stores the rest, retrying until `deadlineMs` have passed, and stops. */
  close(deadlineMs: number): Promise<void>
}

const closeRetryMs = 100
/** In a busy process a timer may be this late, in milliseconds, without having been stopped. */
const latenessMs = 500
/**
 * A write without an answer for this long, in milliseconds, is given up: a runtime that cancels what a
 * request has begun never answers it. The batch is sent again unchanged.
 */
const forsakenMs = 60_000

export function createUsageWriter(options: UsageWriterOptions): UsageWriter {
  const { clock, unsent, flushMs } = options
  const pruner = createUsagePruner(options)
  const batches = createBatches(options)
  let running: Promise<number | undefined> | undefined
  let next: Promise<number | undefined> | undefined
  let timer: NodeJS.Timeout | undefined
  let dueAt = Number.POSITIVE_INFINITY
  let heardAt = 0
  let closed = false

  function schedule(): void {
    if (closed || timer !== undefined) return
    timer = setTimeout(flush, flushMs)
    inBackground(timer)
    dueAt = clock.now() + flushMs
  }

  function flush(): Promise<number | undefined> {
    if (running === undefined || clock.monotonic() - heardAt > forsakenMs) return start()
    // A write under way does not delay what came since.
    next ??= running.then(start)
    return next
  }

  function start(): Promise<number | undefined> {
    next = undefined
    clearTimeout(timer)
    timer = undefined
    dueAt = Number.POSITIVE_INFINITY
    heardAt = clock.monotonic()
    options.seal()
    const run = batches.sendAll({ onFailed, onStored }).finally(() => {
      if (running === run) running = undefined
      tellDropped()
    })
    running = run
    return run
  }

  function onFailed(error: unknown): void {
    schedule()
    options.onStoreError(error)
  }

  function onStored(): void {
    heardAt = clock.monotonic()
    options.onStored?.()
    pruner.runIfDue()
  }

  function tellDropped(): void {
    const dropped = unsent.takeDropped()
    if (dropped !== undefined) options.onDropped(dropped)
  }

  return {
    schedule,
    isOverdue: (now) => now > dueAt + latenessMs,
    unanswered: batches.unanswered,
    flush,
    async close(deadlineMs) {
      closed = true
      pruner.close()
      const until = performance.now() + deadlineMs
      const isDone = () =>
        (batches.unanswered() === undefined && unsent.isEmpty()) || performance.now() > until
      await withDeadline(flushUntil(isDone, flush), deadlineMs).catch(options.onStoreError)
      clearTimeout(timer)
      timer = undefined
      for (const count of batches.unanswered()?.counts ?? []) unsent.add(count)
      unsent.dropAll()
      tellDropped()
    },
  }
}

/** A store that is busy for a moment, such as one file with many writers, gets another try. */
async function flushUntil(isDone: () => boolean, flush: () => Promise<unknown>): Promise<void> {
  await flush()
  while (!isDone()) {
    await new Promise((resolve) => setTimeout(resolve, closeRetryMs))
    await flush()
  }
}

/** Makes batches of what is unsent, and sends each until the store has answered it. */
function createBatches({
  store,
  time,
  unsent,
  part,
}: Pick<UsageWriterOptions, 'store' | 'time' | 'unsent' | 'part'>) {
  /** Made with the first batch: Workers make no random numbers while they load. */
  let writer: string | undefined
  let batches = 0
  /** Sent, perhaps more than once, and not answered. The store may have counted it, so it must not change. */
  let unanswered: UsageBatch | undefined

  function nextBatch(): UsageBatch | undefined {
    const taken = unsent.take()
    writer ??= randomBase62(16)
    return taken && { writer, number: ++batches, madeAt: time.now(), ...taken }
  }

  return {
    unanswered: () => unanswered,
    /** Until nothing is unsent, or the store fails. */
    async sendAll(tell: {
      onFailed: (error: unknown) => void
      onStored: () => void
    }): Promise<number | undefined> {
      for (;;) {
        let batch = unanswered
        if (batch === undefined && unsent.isEmpty()) return part()
        try {
          const asking = batch === undefined ? time.refresh() : undefined
          // Where there is nothing to ask, a store in this process gets the batch in the same turn.
          if (asking !== undefined) await asking
          unanswered ??= nextBatch()
          batch = unanswered
          if (batch === undefined) return part()
          await store.add(batch)
        } catch (error) {
          tell.onFailed(error)
          return undefined
        }
        if (unanswered === batch) unanswered = undefined
        tell.onStored()
        // A store in this process never yields by itself.
        if (!unsent.isEmpty()) await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}
