import { flag, group, number, optional, whole } from '../runtime/options.ts'
import { maxLeaseMs } from './lease.ts'

/** What a process remembers of a shared store. */
export interface CacheOptions {
  /** Most secrets kept in memory. 1 to 10 000 000. Default 10 000. */
  maxKeys?: number | undefined
  /**
   * How long a process trusts its cache without an answer from the store, in milliseconds. `revoke` takes this
   * long to return. 50 to 600 000. Default: the store's own, 2 000 or less. A value set here becomes the store's,
   * for all processes: set the same everywhere.
   */
  leaseMs?: number | undefined
  /**
   * How much longer cached keys are accepted while the store is unreachable, in milliseconds. 0 to 3 600 000.
   * Default 0. Above 0, a process that cannot reach the store may accept a revoked key for that long.
   */
  staleOnOutageMs?: number | undefined
  /**
   * Whether to keep an index of all secrets that exist, so that a flood of wrong keys refuses no good one. It
   * takes 12 to 20 bytes a secret. `ready()` reads it from the store, or else the first request. Default `true`,
   * for stores that list their secrets.
   */
  index?: boolean | undefined
}

/** The option `cache`. */
export const cacheOption = group({
  maxKeys: whole(1, 10_000_000, 10_000),
  leaseMs: optional(number(50, maxLeaseMs)),
  staleOnOutageMs: number(0, 3_600_000, 0),
  index: flag(true),
})
