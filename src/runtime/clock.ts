import { badOption } from './config-error.ts'
import { badAnswer } from './option-answer.ts'
import type { OptionReader } from './options.ts'

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

/**
 * A clock whose monotonic time can be held for one synchronous call: reading it takes as long as a check
 * does.
 */
export interface HeldClock extends Clock {
  /** What `monotonic` returns; undefined = it reads the clock. Whoever sets it resets it in the same turn. */
  held: number | undefined
}

export function createHeldClock(clock: Clock): HeldClock {
  const holding: HeldClock = {
    held: undefined,
    now: () => clock.now(),
    monotonic: () => holding.held ?? clock.monotonic(),
  }
  return holding
}

/** What people inject: a whole clock, an object with `now` alone, or just the function `now`. */
export type ClockSource = Clock | Pick<Clock, 'now'> | (() => number)

/** The option `clock`. */
export const injectedClock: OptionReader<Clock | undefined> = (value, option) => {
  if (value === undefined) return undefined
  const clock = toClock(value)
  if (clock !== undefined) {
    // Read once: what gives no number is refused here and not at the first request.
    clock.now()
    clock.monotonic()
    return clock
  }
  throw badOption(
    option,
    value,
    'an object with now(), in milliseconds since the epoch, and optionally monotonic(); or the function now',
  )
}

/**
 * A clock made of what was injected; `undefined` when that is not a clock. Without `monotonic`, the forward
 * steps of `now` are added up, so that setting the wall clock back neither refills a bucket nor locks one.
 */
export function toClock(source: unknown): Clock | undefined {
  const { now, monotonic } = (source ?? {}) as Partial<Clock>
  if (typeof now === 'function' && typeof monotonic === 'function') {
    const clock = source as Clock
    return { now: whole(finite(() => clock.now())), monotonic: finite(() => clock.monotonic()) }
  }
  if (typeof now === 'function' && monotonic === undefined)
    return followWallClock(finite(() => (source as Clock).now()))
  if (typeof source === 'function') return followWallClock(finite(source as () => number))
  return undefined
}

/** NaN is later than no deadline: an expired key would be accepted. */
function finite(read: () => number): () => number {
  return () => {
    const at = read()
    if (Number.isFinite(at)) return at
    throw badAnswer('clock', at, 'a finite number of milliseconds')
  }
}

/** Wall-clock time is stored, in columns of whole milliseconds. `performance.timeOrigin + performance.now()` has fractions. */
function whole(read: () => number): () => number {
  return () => Math.floor(read())
}

function followWallClock(now: () => number): Clock {
  let last = now()
  let elapsed = 0
  return {
    now: whole(now),
    monotonic() {
      const at = now()
      if (at > last) elapsed += at - last
      last = at
      return elapsed
    },
  }
}
