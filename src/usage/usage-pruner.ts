import type { Clock } from '../runtime/clock.ts'
import { inBackground } from '../runtime/timers.ts'
import type { UsageStore } from '../stores/usage-store.ts'

export interface UsagePrunerOptions {
  store: UsageStore
  clock: Clock
  /** How long counts are kept, in milliseconds. */
  retentionMs: number
  onStoreError: (error: unknown) => void
}

/** Makes the store forget old counts, part by part, in the background. */
export interface UsagePruner {
  /** Begins unless it did so within the last hour, or met an error a moment ago. Returns at once. */
  runIfDue(): void
  /** Ends after the part under way. */
  close(): void
}

const pruneEveryMs = 3_600_000
/** Pause after an error; it doubles with each further one. */
const firstRetryMs = 1_000
const longestRetryMs = 60_000
/** Between two parts, so that a store that works in this process leaves most of its time to others. */
const pauseMs = 20

export function createUsagePruner({
  store,
  clock,
  retentionMs,
  onStoreError,
}: UsagePrunerOptions): UsagePruner {
  let dueAt = Number.NEGATIVE_INFINITY
  let failures = 0
  let lastLook = clock.now()
  let running = false
  let closed = false
  /** Between two parts: when the next one is due, and what begins it. */
  let pause: { endsAt: number; end: () => void } | undefined

  /** A clock that is ahead for a moment must not cost the history of all keys. */
  function believedNow(): number {
    const now = clock.now()
    // The store's own clock decides. Without one, two checks an hour apart must agree.
    const believed = store.now === undefined ? Math.min(now, lastLook) : now
    lastLook = now
    return believed
  }

  async function pauseForOthers(): Promise<void> {
    await new Promise<void>((end) => {
      pause = { endsAt: clock.monotonic() + pauseMs, end }
      inBackground(setTimeout(end, pauseMs))
    })
    pause = undefined
  }

  async function run(now: number): Promise<void> {
    running = true
    try {
      while (!closed && (await store.prune({ keptMs: retentionMs, now }))) {
        failures = 0
        await pauseForOthers()
      }
      failures = 0
    } catch (error) {
      // A file that others write to, say, was busy for too long. What is left must not wait for an hour.
      dueAt = clock.monotonic() + Math.min(longestRetryMs, firstRetryMs * 2 ** failures++)
      onStoreError(error)
    } finally {
      running = false
    }
  }

  return {
    runIfDue() {
      const at = clock.monotonic()
      // A timer that is lost must not stop pruning for good.
      if (pause !== undefined && at >= pause.endsAt) pause.end()
      if (running || closed || at < dueAt) return
      dueAt = at + pruneEveryMs
      void run(believedNow())
    },
    close() {
      closed = true
    },
  }
}
