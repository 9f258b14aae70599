import type { IpAddress } from '../rules/ip-address.ts'
import type { Clock } from '../runtime/clock.ts'
import { assertCost } from './gcra.ts'
import type { Rate, RateLimitResult } from './rate-limiter.ts'

/**
 * Keeps a bucket for each sender of each key, in this process. A sender is an IPv4 address, or the /64 of an
 * IPv6 one, which a subscriber usually owns.
 */
export interface SenderLimiter {
  /**
   * Charges `cost` events to a sender's bucket if they fit. A cost above the bucket passes on a full one, as
   * for keys.
   * @param mark of the key, see `markOf`
   * @param cost a whole number, at least 1
   */
  consume(mark: number, address: IpAddress, cost: number, rate: Rate): RateLimitResult
  /** Gives back what `consume` has charged. */
  refund(mark: number, address: IpAddress, cost: number, rate: Rate): void
  /**
   * Whether the bucket has room for one event. Charges nothing. @param cost of the request at least, for
   * `retryAfterMs`
   */
  peek(mark: number, address: IpAddress, cost: number, rate: Rate): RateLimitResult
  /** Bytes that the table takes. */
  bytes(): number
}

/** Slots that a sender may use. With their tags they fill one line of the processor's cache, 64 bytes. */
const setSize = 5
const firstSets = 512
/** 2 621 440 slots, 44 MB: a million senders fill less than half of them. */
const maxSets = 524_288
/** Few steps of growth, because each looks at every sender. */
const growth = 4
/** A set is eight numbers: five deadlines, and five tags in the space of the other three. */
const numbersPerSet = 8
const tagsPerSet = 2 * numbersPerSet
const firstTag = 2 * setSize
/** Rounding error allowed for fractional rates, in microseconds. */
const roundingUs = 1e-3

/**
 * One number is kept for each bucket: when it will be full again. The debt is the time until then × the rate:
 * GCRA as virtual scheduling (ITU-T I.371, annex A). A sender that owes nothing needs no slot, and a slot
 * whose time has come is free. When a rate changes, a debt takes as long to drain as before.
 *
 * A sender is identified by its set and 32 more bits of a hash with a seed of this process: nobody can look
 * for addresses that share a bucket. When a set is full of senders that owe something, the table grows. At
 * its largest, the sender whose bucket would be full first makes room.
 */
export function createSenderLimiter(clock: Pick<Clock, 'monotonic'>): SenderLimiter {
  const seed = Math.floor(Math.random() * 2 ** 32) | 0
  let sets = firstSets
  let fullAt = new Float64Array(sets * numbersPerSet)
  let tags = new Int32Array(fullAt.buffer)
  /** Chooses the set, in a table of any size. Stored by slot, because a lookup does not need it. */
  let places = new Int32Array(sets * setSize)
  /** The sender that is being looked at. */
  let tag = 0
  let place = 0

  /** @returns its slot; -1 = it has none, and so owes nothing. */
  function find(mark: number, address: IpAddress): number {
    place = hashSender(seed ^ mark, address)
    tag = mix(place ^ 0x3c6ef372 ^ hashSender(~seed ^ Math.imul(mark, 0x9e3779b1), address))
    const set = place & (sets - 1)
    const first = set * tagsPerSet + firstTag
    for (let at = 0; at < setSize; at++) if (tags[first + at] === tag) return set * numbersPerSet + at
    return -1
  }

  function owedAt(slot: number, nowUs: number): number {
    const owedUs = slot === -1 ? 0 : (fullAt[slot] as number) - nowUs
    return owedUs > roundingUs ? owedUs : 0
  }

  function insert(until: number, nowUs: number): void {
    while (sets < maxSets && soonestIn(place & (sets - 1)) > nowUs) grow(nowUs)
    put(place, tag, until)
  }

  function soonestIn(set: number): number {
    let soonest = fullAt[set * numbersPerSet] as number
    for (let at = 1; at < setSize; at++)
      soonest = Math.min(soonest, fullAt[set * numbersPerSet + at] as number)
    return soonest
  }

  /** Replaces the sender of its set whose bucket will be full first. */
  function put(newPlace: number, newTag: number, until: number): void {
    const set = newPlace & (sets - 1)
    const soonest = soonestIn(set)
    let at = 0
    while (fullAt[set * numbersPerSet + at] !== soonest) at++
    fullAt[set * numbersPerSet + at] = until
    tags[set * tagsPerSet + firstTag + at] = newTag
    places[set * setSize + at] = newPlace
  }

  /** A larger set gets senders of one smaller set only, so there is room for all of them. */
  function grow(nowUs: number): void {
    const before = { tags, places, fullAt }
    sets *= growth
    fullAt = new Float64Array(sets * numbersPerSet)
    tags = new Int32Array(fullAt.buffer)
    places = new Int32Array(sets * setSize)
    for (let slot = 0; slot < before.places.length; slot++) {
      const at = slot % setSize
      const set = (slot - at) / setSize
      const until = before.fullAt[set * numbersPerSet + at] as number
      if (until <= nowUs) continue
      put(before.places[slot] as number, before.tags[set * tagsPerSet + firstTag + at] as number, until)
    }
  }

  return {
    consume(mark, address, cost, rate) {
      assertCost(cost)
      const nowUs = clock.monotonic() * 1_000
      const slot = find(mark, address)
      const owedUs = owedAt(slot, nowUs)
      const costUs = toMicroseconds(cost, rate)
      const excessUs = excessOf(owedUs, costUs, rate)
      if (owedUs > 0 && excessUs > roundingUs) return toResult(false, owedUs, excessUs, rate)
      const until = nowUs + owedUs + costUs
      if (slot === -1) insert(until, nowUs)
      else fullAt[slot] = until
      return toResult(true, owedUs + costUs, 0, rate)
    },
    refund(mark, address, cost, rate) {
      const slot = find(mark, address)
      if (slot !== -1) fullAt[slot] = (fullAt[slot] as number) - toMicroseconds(cost, rate)
    },
    peek(mark, address, cost, rate) {
      const owedUs = owedAt(find(mark, address), clock.monotonic() * 1_000)
      const allowed = owedUs === 0 || excessOf(owedUs, toMicroseconds(1, rate), rate) <= roundingUs
      const excessUs = allowed ? 0 : excessOf(owedUs, toMicroseconds(cost, rate), rate)
      return toResult(allowed, owedUs, excessUs, rate)
    },
    bytes: () => fullAt.byteLength + places.byteLength,
  }
}

/** A key in 32 bits, for `SenderLimiter`: FNV-1a over its id. */
export function markOf(keyId: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < keyId.length; i++) hash = Math.imul(hash ^ keyId.charCodeAt(i), 0x01000193)
  return hash
}

function hashSender(seed: number, address: IpAddress): number {
  if (typeof address === 'number') return mix(mix(seed) ^ address)
  const upper = mix(mix(seed ^ 0x6a09e667) ^ ((address.charCodeAt(0) << 16) | address.charCodeAt(1)))
  return mix(upper ^ ((address.charCodeAt(2) << 16) | address.charCodeAt(3)))
}

/** The finaliser of MurmurHash3: every bit of the argument affects half of the bits of the result. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** The time in which this many events drain. */
function toMicroseconds(events: number, { eps }: Rate): number {
  return (events * 1_000_000) / eps
}

/** How long until `costUs` fit. A cost above the capacity waits until nothing is owed. */
function excessOf(owedUs: number, costUs: number, rate: Rate): number {
  const capacityUs = toMicroseconds(rate.burst, rate)
  return costUs > capacityUs ? owedUs : owedUs + costUs - capacityUs
}

function toResult(allowed: boolean, owedUs: number, waitUs: number, rate: Rate): RateLimitResult {
  const free = Math.floor(rate.burst - (owedUs * rate.eps) / 1_000_000 + 1e-6)
  // A full bucket admits one call of any cost, even when it holds less than one event.
  const least = owedUs === 0 ? 1 : 0
  return {
    allowed,
    remaining: Math.max(free, least),
    retryAfterMs: allowed ? 0 : Math.max(1, Math.ceil((waitUs - roundingUs / 2) / 1_000)),
    resetMs: owedUs === 0 ? 0 : Math.max(1, Math.ceil((owedUs - roundingUs / 2) / 1_000)),
  }
}
