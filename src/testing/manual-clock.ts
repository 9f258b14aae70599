import type { Clock } from '../runtime/clock.ts'

/** A clock that stands still until told; both readings move together unless one is named. */
export interface ManualClock extends Clock {
  advance(ms: number): void
  advanceWallClock(ms: number): void
}

/** @param startMs milliseconds since the epoch. */
export function createManualClock(startMs = 1_700_000_000_000): ManualClock {
  let wallMs = startMs
  let monotonicMs = 1_000
  return {
    now: () => wallMs,
    monotonic: () => monotonicMs,
    advance(ms) {
      wallMs += ms
      monotonicMs += ms
    },
    advanceWallClock(ms) {
      wallMs += ms
    },
  }
}
