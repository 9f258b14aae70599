import type { Clock } from '../runtime/clock.ts'
import type { UsageStore } from '../stores/usage-store.ts'

/** The time that counts go by: the store's, so that a process whose clock is wrong counts in the right hours. */
export interface CountingTime {
  /** Milliseconds since the epoch. The process's own while it is right within some seconds. */
  now(): number
  /** What to add to a time that the wall clock has shown a moment ago. 0 while it is right within some seconds. */
  behindMs(): number
  /**
   * Asks the store, unless it did so a moment ago: there is nothing to wait for then. Rejects when the store
   * does not say.
   */
  refresh(): Promise<void> | undefined
}

export interface CountingTimeOptions {
  /** Without `now`, the process's wall clock is right whenever it is looked at. */
  store: Pick<UsageStore, 'now'>
  clock: Clock
  /** Times that were noted before were wrong by so many milliseconds. */
  onMoved: (byMs: number) => void
}

/** Clocks that differ by less count as equal, in milliseconds. */
const toleranceMs = 2_000
const askEveryMs = 60_000

/** Between two answers of the store time goes on by the monotonic clock, which nobody can set. */
export function createCountingTime({ store, clock, onMoved }: CountingTimeOptions): CountingTime {
  /** The time when the monotonic clock showed 0. */
  let origin = originOf(clock)
  let asked: { monotonic: number; wall: number } | undefined

  function behindMs(): number {
    const behind = origin - originOf(clock)
    return Math.abs(behind) <= toleranceMs ? 0 : Math.round(behind)
  }

  function setOrigin(found: number): void {
    const movedMs = found - origin
    origin = found
    if (Math.abs(movedMs) > toleranceMs) onMoved(Math.round(movedMs))
  }

  async function ask(storeNow: NonNullable<UsageStore['now']>): Promise<void> {
    const beganAt = clock.monotonic()
    const at = await storeNow.call(store)
    if (!Number.isFinite(at)) throw new TypeError('The store told no time.')
    const endedAt = clock.monotonic()
    asked = { monotonic: endedAt, wall: clock.now() }
    // The answer is of some moment in between. If the wall clock can be right, it is believed.
    setOrigin(Math.min(Math.max(originOf(clock), at - endedAt), at - beganAt))
  }

  function isDue(): boolean {
    if (asked === undefined) return true
    const elapsedMs = clock.monotonic() - asked.monotonic
    const jumpedMs = clock.now() - asked.wall - elapsedMs
    return elapsedMs >= askEveryMs || Math.abs(jumpedMs) > toleranceMs
  }

  return {
    now: () => clock.now() + behindMs(),
    behindMs,
    refresh() {
      if (store.now === undefined) {
        setOrigin(originOf(clock))
        return undefined
      }
      return isDue() ? ask(store.now) : undefined
    },
  }
}

function originOf(clock: Clock): number {
  return clock.now() - clock.monotonic()
}
