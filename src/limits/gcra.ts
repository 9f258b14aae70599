import type { Rate, RateLimitResult } from './rate-limiter.ts'

/** Micro-events in an event, and microseconds in a second. */
export const microEvents = 1_000_000
/** Rounding error allowed for fractional rates, in micro-events. Whole rates stay whole and never need it. */
export const roundingMicroEvents = 1e-3
const MICRO = microEvents
const ROUNDING = roundingMicroEvents

/**
 * What one bucket remembers. A new bucket is full: `{ used: 0, at: 0 }`.
 *
 * The generic cell rate algorithm in its continuous-state leaky-bucket form, which ITU-T I.371 (annex A)
 * shows to be equal to virtual scheduling.
 */
export interface GcraState {
  /** Micro-events owed at `at`; they drain at the key's rate. Whole while the rate is whole. */
  used: number
  /** The time of `used`: whole microseconds of a monotonic clock. */
  at: number
}

/**
 * Charges `cost` events to a bucket if they fit, and returns the result. A refusal charges nothing.
 *
 * A cost fits while the debt plus the cost stays within `rate.burst`, or when nothing is owed at all: a batch
 * larger than the bucket goes into debt. Each call uses the rate it is given. After the rate was lowered, the
 * debt drains at the lower rate; after it was raised, at most the new capacity is free. A clock that goes
 * back neither refills the bucket nor stops it from refilling.
 *
 * Throws `RangeError` for a cost that is not a whole number of at least 1, and for a rate that is not above
 * 0.
 *
 * @param state changed in place
 * @param nowUs whole microseconds, see {@link toMicroseconds}
 */
export function chargeGcra(state: GcraState, cost: number, rate: Rate, nowUs: number): RateLimitResult {
  assertCost(cost)
  const owed = settleGcra(state, rate, nowUs)
  const charge = cost * MICRO
  const capacity = rate.burst * MICRO
  if (owed > 0 && owed + charge > capacity + ROUNDING) {
    return toResult(false, owed, rate, toWaitMs(excessOf(owed, cost, rate), rate.eps))
  }
  state.used = owed + charge
  state.at = nowUs
  return toResult(true, state.used, rate, 0)
}

/**
 * Takes `cost` events back out of a bucket, down to nothing owed.
 *
 * Throws `RangeError` for a cost that is not a whole number of at least 1.
 *
 * @param state changed in place
 */
export function refundGcra(state: GcraState, cost: number): void {
  assertCost(cost)
  state.used = Math.max(0, state.used - cost * MICRO)
}

/** @throws RangeError for a cost that is not a whole number of at least 1. */
export function assertCost(cost: number): void {
  if (!(Number.isSafeInteger(cost) && cost >= 1))
    throw new RangeError('cost must be a whole number, at least 1')
}

/**
 * Says whether a bucket has room for one event, without charging. `retryAfterMs` is the time until `cost`
 * events fit.
 */
export function peekGcra(state: GcraState, rate: Rate, nowUs: number, cost = 1): RateLimitResult {
  const owed = settleGcra(state, rate, nowUs)
  const allowed = owed === 0 || owed + MICRO <= rate.burst * MICRO + ROUNDING
  const excess = excessOf(owed, cost, rate)
  return toResult(allowed, owed, rate, excess > ROUNDING ? toWaitMs(excess, rate.eps) : 0)
}

/**
 * Micro-events that have to drain before `cost` events fit. A cost above the capacity waits until nothing is
 * owed.
 */
function excessOf(owed: number, cost: number, rate: Rate): number {
  const charge = cost * MICRO
  const capacity = rate.burst * MICRO
  return charge > capacity ? owed : owed + charge - capacity
}

/**
 * Micro-events owed now; 0 means that the bucket is full. Throws `RangeError` for a rate that is not above 0.
 */
export function settleGcra(state: GcraState, rate: Rate, nowUs: number): number {
  if (!(rate.eps > 0 && rate.eps < Infinity && rate.burst > 0)) {
    throw new RangeError('eps and burst must be above 0')
  }
  // Without the new anchor a clock that went back an hour would stop the drain for an hour.
  if (nowUs < state.at) state.at = nowUs
  // Microseconds × events per second = micro-events.
  const owed = state.used - (nowUs - state.at) * rate.eps
  return owed > ROUNDING ? owed : 0
}

/**
 * Milliseconds of `Clock.monotonic` as the whole microseconds that the arithmetic uses. Two readings n
 * milliseconds apart stay exactly n × 1000 apart, so that waiting `retryAfterMs` always suffices.
 */
export function toMicroseconds(ms: number): number {
  // Clocks tick in whole nanoseconds. Adding half of one keeps the product's rounding error away from the
  // step of floor().
  return Math.floor(ms * 1000 + 0.0005)
}

function toResult(allowed: boolean, owed: number, rate: Rate, retryAfterMs: number): RateLimitResult {
  const free = Math.floor((rate.burst * MICRO - owed + ROUNDING) / MICRO)
  // A full bucket admits one call of any cost, even when it holds less than one event.
  const least = owed === 0 ? 1 : 0
  return { allowed, remaining: free > least ? free : least, retryAfterMs, resetMs: toWaitMs(owed, rate.eps) }
}

function toWaitMs(microEvents: number, eps: number): number {
  return microEvents === 0 ? 0 : Math.max(1, Math.ceil((microEvents - ROUNDING / 2) / eps / 1000))
}
