import { createBoundedMap } from '../runtime/bounded-map.ts'
import type { Clock } from '../runtime/clock.ts'

/** Lookups of unknown keys a single source may cause, per second and at once. */
const perSource = { perSecond: 5, burst: 20 }
/** The same for all sources together. */
const inAll = { perSecond: 50, burst: 100 }
const maxSources = 10_000

interface Bucket {
  tokens: number
  at: number
}

/** Whose budget ran out: the source's (it is told to wait), or everybody's (others may be innocent). */
export type BudgetVerdict = 'granted' | 'source_exhausted' | 'all_exhausted'

/** Limits how many well-formed but unknown keys may reach the store, so that a flood of them cannot. */
export interface UnknownKeyBudget {
  check(source: string): BudgetVerdict
  /** Whether nothing is left of the source's own budget. Charges nothing. */
  isSpent(source: string): boolean
  /** Charges one lookup. May overdraw the budget; the debt is paid back first. */
  charge(source: string): void
  /** How much of everybody's budget is used up: 0 to 1. */
  used(): number
  /** Refunds a charge: the key exists after all. */
  refund(source: string): void
}

/** Remembers at most 10 000 sources; a source is an address, or the /64 of an IPv6 one. */
export function createUnknownKeyBudget(clock: Clock): UnknownKeyBudget {
  const sources = createBoundedMap<Bucket>(maxSources)
  const all: Bucket = { tokens: inAll.burst, at: clock.monotonic() }

  function isSpent(source: string): boolean {
    const own = sources.get(source)
    return own !== undefined && refill(own, perSource, clock.monotonic()) < 1
  }

  return {
    isSpent,
    check(source) {
      if (isSpent(source)) return 'source_exhausted'
      const now = clock.monotonic()
      return refill(all, inAll, now) < 1 ? 'all_exhausted' : 'granted'
    },
    used: () => Math.min(1, 1 - refill(all, inAll, clock.monotonic()) / inAll.burst),
    charge: (source) => spend(source, 1),
    refund: (source) => spend(source, -1),
  }

  function spend(source: string, tokens: number): void {
    const now = clock.monotonic()
    const own = sources.get(source) ?? { tokens: perSource.burst, at: now }
    sources.set(source, own)
    for (const [bucket, rate] of [
      [own, perSource],
      [all, inAll],
    ] as const) {
      bucket.tokens = Math.min(rate.burst, refill(bucket, rate, now) - tokens)
    }
  }
}

function refill(bucket: Bucket, rate: { perSecond: number; burst: number }, now: number): number {
  const elapsedMs = Math.max(0, now - bucket.at)
  bucket.tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000)
  bucket.at = now
  return bucket.tokens
}
