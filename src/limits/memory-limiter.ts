import { type Clock, type ClockSource, injectedClock, systemClock } from '../runtime/clock.ts'
import { readOptions, whole } from '../runtime/options.ts'
import { chargeGcra, type GcraState, peekGcra, refundGcra, settleGcra, toMicroseconds } from './gcra.ts'
import type { Rate, RateLimiter, RateLimitResult } from './rate-limiter.ts'

/** What `createMemoryLimiter` takes. Unknown names and bad values throw `ConfigError`. */
export interface MemoryLimiterOptions {
  /** Senders remembered while they owe anything: a whole number from 1 to 10 000 000. Default 100 000. */
  maxKeys?: number
  /** Default: the one of `createWriteKeys` when it was given one, otherwise the system's. */
  clock?: ClockSource
}

/** A limiter that answers without a promise. */
export interface MemoryLimiter extends RateLimiter {
  consume(keyId: string, cost: number, rate: Rate): RateLimitResult
  refund(keyId: string, cost: number): void
  peek(keyId: string, rate: Rate, cost?: number): RateLimitResult
  useClock(clock: Clock): void
  close(): void
}

const OVERFLOW_SLOTS = 256
/** Per slot: micro-events owed, the microsecond of that, events per second. */
const FIELDS = 3
/**
 * With fewer senders than this, none is looked for that could be forgotten: forgetting and adding again takes
 * longer than all else here.
 */
const KEPT_IDLE = 10_000
const SWEEP_PER_INSERT = 2
const SWEEP_WHEN_FULL = 64

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
  const slots = new Map<string, number>()
  const freeSlots: number[] = []
  let fields = new Float64Array((OVERFLOW_SLOTS + Math.min(maxKeys, 64)) * FIELDS)
  let nextSlot = OVERFLOW_SLOTS
  let overflowUsed = false
  let cursor = slots.entries()
  const state: GcraState = { used: 0, at: 0 }

  function load(slot: number): number {
    state.used = fields[slot * FIELDS] as number
    state.at = fields[slot * FIELDS + 1] as number
    return fields[slot * FIELDS + 2] as number
  }

  function save(slot: number, eps: number): void {
    fields[slot * FIELDS] = state.used
    fields[slot * FIELDS + 1] = state.at
    fields[slot * FIELDS + 2] = eps
  }

  /**
   * Forgets senders that owe nothing. Looks at no more than `count` of them, from where the last sweep ended.
   */
  function sweep(count: number, nowUs: number): void {
    for (let looked = 0; looked < count; looked++) {
      const entry = cursor.next()
      if (entry.done) {
        cursor = slots.entries()
        return
      }
      const [keyId, slot] = entry.value
      const eps = load(slot)
      if (settleGcra(state, { eps, burst: 1 }, nowUs) > 0) continue
      slots.delete(keyId)
      freeSlots.push(slot)
    }
  }

  /** A slot for a new sender, or `undefined` when all are taken by senders that owe something. */
  function allocate(nowUs: number): number | undefined {
    if (slots.size >= maxKeys) sweep(SWEEP_WHEN_FULL, nowUs)
    else if (slots.size >= KEPT_IDLE) sweep(SWEEP_PER_INSERT, nowUs)
    if (slots.size >= maxKeys) return undefined
    const slot = freeSlots.pop() ?? nextSlot++
    if ((slot + 1) * FIELDS > fields.length) {
      const grown = new Float64Array(Math.ceil((slot + 1) * 1.25) * FIELDS)
      grown.set(fields)
      fields = grown
    }
    return slot
  }

  /** The rate at which a shared bucket drains: no faster than any of its users may send. */
  function sharedRate(slot: number, rate: Rate, nowUs: number): Rate {
    const eps = load(slot)
    if (eps === 0 || eps >= rate.eps) return rate
    const slower = { eps, burst: rate.burst }
    return settleGcra(state, slower, nowUs) === 0 ? rate : slower
  }

  function chargeSlot(slot: number, cost: number, rate: Rate, nowUs: number): RateLimitResult {
    const eps = load(slot)
    const result = chargeGcra(state, cost, rate, nowUs)
    // A sender that was refused has put nothing into a shared bucket, so it must not slow it down for the
    // others.
    save(slot, result.allowed || slot >= OVERFLOW_SLOTS ? rate.eps : eps)
    return result
  }

  function consumeNew(keyId: string, cost: number, rate: Rate, nowUs: number): RateLimitResult {
    const slot = allocate(nowUs)
    if (slot === undefined) {
      overflowUsed = true
      const shared = overflowSlot(keyId)
      return chargeSlot(shared, cost, sharedRate(shared, rate, nowUs), nowUs)
    }
    state.used = 0
    state.at = nowUs
    if (overflowUsed) {
      const shared = overflowSlot(keyId)
      const slower = sharedRate(shared, rate, nowUs)
      load(shared)
      state.used = settleGcra(state, slower, nowUs)
      state.at = nowUs
    }
    // Remembered only after the arithmetic has accepted cost and rate.
    let result: RateLimitResult
    try {
      result = chargeGcra(state, cost, rate, nowUs)
    } catch (error) {
      freeSlots.push(slot)
      throw error
    }
    save(slot, rate.eps)
    slots.set(keyId, slot)
    return result
  }

  return {
    consume(keyId, cost, rate) {
      const nowUs = toMicroseconds(clock.monotonic())
      const slot = slots.get(keyId)
      return slot === undefined ? consumeNew(keyId, cost, rate, nowUs) : chargeSlot(slot, cost, rate, nowUs)
    },
    refund(keyId, cost) {
      const slot = slots.get(keyId)
      // A shared bucket keeps the charge: it does not know whose it is, and a wrong refund would be spent by
      // others.
      if (slot === undefined) return
      const eps = load(slot)
      refundGcra(state, cost)
      save(slot, eps)
    },
    peek(keyId, rate, cost) {
      const nowUs = toMicroseconds(clock.monotonic())
      const slot = slots.get(keyId)
      if (slot !== undefined) {
        const eps = load(slot)
        const result = peekGcra(state, rate, nowUs, cost)
        save(slot, eps)
        return result
      }
      state.used = 0
      state.at = nowUs
      if (!overflowUsed) return peekGcra(state, rate, nowUs, cost)
      const shared = overflowSlot(keyId)
      const slower = sharedRate(shared, rate, nowUs)
      load(shared)
      return peekGcra(state, slower, nowUs, cost)
    },
    useClock(injected) {
      clock = ownClock ?? injected
    },
    close() {},
  }
}

/** FNV-1a over the id: chooses the shared bucket of a sender. */
function overflowSlot(keyId: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < keyId.length; i++) hash = Math.imul(hash ^ keyId.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 16)) & (OVERFLOW_SLOTS - 1)
}

const optionReaders = {
  maxKeys: whole(1, 10_000_000, 100_000),
  clock: injectedClock,
}
