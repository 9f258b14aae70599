/** Where time comes from. Injected in tests; `systemClock` otherwise. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch: deadlines that people set (grace, expiry). */
  now(): number
  /** Milliseconds from a clock that never goes back, fractions allowed: rates, leases, time-outs. */
  monotonic(): number
}

/** `Date.now` and `performance.now`, looked up at each call so that fake timers reach them. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}
