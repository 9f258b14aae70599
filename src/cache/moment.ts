import type { Clock } from '../runtime/clock.ts'

/** One moment on both clocks, in milliseconds. */
export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

export const never: Moment = { monotonic: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY }

export function readMoment(clock: Clock): Moment {
  return { monotonic: clock.monotonic(), wall: clock.now() }
}

/**
 * Time since a moment by the clock that has advanced further: in a suspended machine one of them may stand
 * still, and the wall clock may be set back.
 */
export function elapsedMs(since: Moment, monotonic: number, wall: number): number {
  return Math.max(monotonic - since.monotonic, wall - since.wall)
}
