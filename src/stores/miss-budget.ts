import { LRUCache } from 'lru-cache'
import type { Clock } from '../keys/clock.ts'

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

/**
 * How many well-formed but unknown keys may reach the store, so that a flood of them cannot. A lookup takes one token
 * of its source and one of all before it starts; finding a key gives both back.
 */
export interface MissBudget {
  take(source: string): BudgetVerdict
  giveBack(source: string): void
}

/** Remembers at most 10 000 sources; a source is an address, or the /64 of an IPv6 one. */
export function createMissBudget(clock: Clock): MissBudget {
  const sources = new LRUCache<string, Bucket>({ max: maxSources })
  const all: Bucket = { tokens: inAll.burst, at: clock.monotonic() }

  function bucketOf(source: string): Bucket {
    let bucket = sources.get(source)
    if (bucket === undefined) {
      bucket = { tokens: perSource.burst, at: clock.monotonic() }
      sources.set(source, bucket)
    }
    return bucket
  }

  return {
    take(source) {
      const now = clock.monotonic()
      const own = bucketOf(source)
      refill(own, perSource, now)
      refill(all, inAll, now)
      if (own.tokens < 1) return 'source_exhausted'
      if (all.tokens < 1) return 'all_exhausted'
      own.tokens--
      all.tokens--
      return 'granted'
    },
    giveBack(source) {
      const own = bucketOf(source)
      own.tokens = Math.min(perSource.burst, own.tokens + 1)
      all.tokens = Math.min(inAll.burst, all.tokens + 1)
    },
  }
}

function refill(bucket: Bucket, rate: { perSecond: number; burst: number }, now: number): void {
  const elapsedMs = Math.max(0, now - bucket.at)
  bucket.tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000)
  bucket.at = now
}
