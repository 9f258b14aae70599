import type { IpAddress } from '../rules/ip-address.ts'
import type { Clock } from '../runtime/clock.ts'
import { assertCost, toMicroseconds } from './gcra.ts'
import type { Rate, RateLimitResult } from './rate-limiter.ts'
import { createSenderTable } from './sender-table.ts'

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
   * Whether the bucket has room for one event. Charges nothing. @param cost of the request, or the least it
   * can be: `retryAfterMs` is the time until it fits
   */
  peek(mark: number, address: IpAddress, cost: number, rate: Rate): RateLimitResult
  /** Bytes that the table takes. */
  bytes(): number
}

/** Rounding error allowed for fractional rates, in microseconds. */
const roundingUs = 1e-3
/**
 * Times are counted from an origin that moves along every four minutes. The larger they are, the fewer digits are left for the
 * fraction of a microsecond that an event takes at a rate such as 3/s, and each charge may lose half of the last one.
 */
const originAgeUs = 2 ** 28

/**
 * One number is kept for each bucket: when it will be full again. The debt is the time until then × the rate:
 * GCRA as virtual scheduling (ITU-T I.371, annex A). A sender that owes nothing needs no slot, and a slot
 * whose time has come is free. When a rate changes, a debt takes as long to drain as before.
 */
export function createSenderLimiter(clock: Pick<Clock, 'monotonic'>): SenderLimiter {
  const table = createSenderTable()
  let originUs = 0

  function sinceOrigin(): number {
    const nowUs = toMicroseconds(clock.monotonic()) - originUs
    if (nowUs < originAgeUs) return nowUs
    table.moveOrigin(nowUs)
    originUs += nowUs
    return 0
  }

  function owedAt(slot: number, nowUs: number): number {
    const owedUs = slot === -1 ? 0 : table.fullAt(slot) - nowUs
    return owedUs > roundingUs ? owedUs : 0
  }

  return {
    consume(mark, address, cost, rate) {
      assertCost(cost)
      const nowUs = sinceOrigin()
      const slot = table.find(mark, address)
      const owedUs = owedAt(slot, nowUs)
      const costUs = drainUs(cost, rate)
      const excessUs = excessOf(owedUs, costUs, rate)
      if (excessUs > roundingUs) return toResult(false, owedUs, excessUs, rate)
      const until = nowUs + owedUs + costUs
      if (slot === -1) table.insert(until, nowUs)
      else table.setFullAt(slot, until)
      return toResult(true, owedUs + costUs, 0, rate)
    },
    refund(mark, address, cost, rate) {
      const slot = table.find(mark, address)
      if (slot !== -1) table.setFullAt(slot, table.fullAt(slot) - drainUs(cost, rate))
    },
    peek(mark, address, cost, rate) {
      const nowUs = sinceOrigin()
      const owedUs = owedAt(table.find(mark, address), nowUs)
      const allowed = excessOf(owedUs, drainUs(1, rate), rate) <= roundingUs
      return toResult(allowed, owedUs, excessOf(owedUs, drainUs(cost, rate), rate), rate)
    },
    bytes: table.bytes,
  }
}

/** A key in 32 bits, for `SenderLimiter`: FNV-1a over its id. */
export function markOf(keyId: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < keyId.length; i++) hash = Math.imul(hash ^ keyId.charCodeAt(i), 0x01000193)
  return hash
}

/** The time in which this many events drain. */
function drainUs(events: number, { eps }: Rate): number {
  return (events * 1_000_000) / eps
}

/** How long until `costUs` fit: not above 0 when they do. A cost above the capacity waits until nothing is owed. */
function excessOf(owedUs: number, costUs: number, rate: Rate): number {
  const capacityUs = drainUs(rate.burst, rate)
  return costUs > capacityUs ? owedUs : owedUs + costUs - capacityUs
}

function toResult(allowed: boolean, owedUs: number, waitUs: number, rate: Rate): RateLimitResult {
  const free = Math.floor(rate.burst - (owedUs * rate.eps) / 1_000_000 + 1e-6)
  // A full bucket admits one call of any cost, even when it holds less than one event.
  const least = owedUs === 0 ? 1 : 0
  return {
    allowed,
    remaining: Math.max(free, least),
    retryAfterMs: waitUs > roundingUs ? Math.max(1, Math.ceil((waitUs - roundingUs / 2) / 1_000)) : 0,
    resetMs: owedUs === 0 ? 0 : Math.max(1, Math.ceil((owedUs - roundingUs / 2) / 1_000)),
  }
}
