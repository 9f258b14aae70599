import { type Clock, type ClockSource, injectedClock, systemClock } from '../runtime/clock.ts'
import { readOptions, whole } from '../runtime/options.ts'
import { createBucketSlots } from './bucket-slots.ts'
import { chargeGcra, type GcraState, peekGcra, refundGcra, toMicroseconds } from './gcra.ts'
import type { Rate, RateLimiter, RateLimitResult } from './rate-limiter.ts'
import { createSharedBuckets } from './shared-buckets.ts'

/** What `createMemoryLimiter` takes. Unknown names and bad values throw `ConfigError`. */
export interface MemoryLimiterOptions {
  /** Senders remembered while they owe anything: a whole number from 1 to 10 000 000. Default 100 000. */
  maxKeys?: number | undefined
  /** Default: the one of `createWriteKeys` when it was given one, otherwise the system's. */
  clock?: ClockSource | undefined
}

/** A limiter that answers without a promise. */
export interface MemoryLimiter extends RateLimiter {
  consume(keyId: string, cost: number, rate: Rate): RateLimitResult
  refund(keyId: string, cost: number): void
  peek(keyId: string, rate: Rate, cost?: number): RateLimitResult
  useClock(clock: Clock): void
  close(): void
}

/**
 * A limiter in this process's memory. Right for one process; with several, each of them admits the whole
 * rate.
 *
 * Takes less than 150 bytes per active sender and no timer. Beyond 10 000 senders, a sender whose bucket is
 * full again is forgotten, a few at a time, as others arrive. One that owes anything never is. When `maxKeys`
 * senders owe something, further ones share 256 spare buckets, each drained at the lowest rate among its
 * users. They may be refused early, but none is ever admitted above its own rate, and memory stays bounded.
 * When there is room again, a sender gets its own bucket, which starts with the debt of the shared one.
 */
export function createMemoryLimiter(options: MemoryLimiterOptions = {}): MemoryLimiter {
  const { maxKeys, clock: ownClock } = readOptions('createMemoryLimiter', options, optionReaders)
  let clock = ownClock ?? systemClock
  const slots = createBucketSlots(maxKeys)
  const shared = createSharedBuckets(slots)
  /** The bucket that is being looked at. */
  const state: GcraState = { used: 0, at: 0 }

  function consumeOwn(slot: number, cost: number, rate: Rate, nowUs: number): RateLimitResult {
    slots.load(slot, state)
    const result = chargeGcra(state, cost, rate, nowUs)
    slots.save(slot, state, rate.eps)
    return result
  }

  function consumeNew(keyId: string, cost: number, rate: Rate, nowUs: number): RateLimitResult {
    const slot = slots.allocate(nowUs)
    if (slot === undefined) return shared.consume(keyId, cost, rate, nowUs)
    // Remembered only after the arithmetic has accepted cost and rate.
    let result: RateLimitResult
    try {
      state.used = shared.owedBy(keyId, rate, nowUs)
      state.at = nowUs
      result = chargeGcra(state, cost, rate, nowUs)
    } catch (error) {
      slots.release(slot)
      throw error
    }
    slots.save(slot, state, rate.eps)
    slots.assign(keyId, slot)
    return result
  }

  return {
    consume(keyId, cost, rate) {
      const nowUs = toMicroseconds(clock.monotonic())
      const slot = slots.find(keyId)
      return slot === undefined ? consumeNew(keyId, cost, rate, nowUs) : consumeOwn(slot, cost, rate, nowUs)
    },
    refund(keyId, cost) {
      const slot = slots.find(keyId)
      // A shared bucket keeps the charge: it does not know whose it is, and a wrong refund would be spent by
      // others.
      if (slot === undefined) return
      const eps = slots.load(slot, state)
      refundGcra(state, cost)
      slots.save(slot, state, eps)
    },
    peek(keyId, rate, cost) {
      const nowUs = toMicroseconds(clock.monotonic())
      const slot = slots.find(keyId)
      if (slot === undefined) return shared.peek(keyId, rate, nowUs, cost)
      const eps = slots.load(slot, state)
      const result = peekGcra(state, rate, nowUs, cost)
      slots.save(slot, state, eps)
      return result
    },
    useClock(injected) {
      clock = ownClock ?? injected
    },
    close() {},
  }
}

const optionReaders = {
  maxKeys: whole(1, 10_000_000, 100_000),
  clock: injectedClock,
}
