import { flag, group, number, optional, whole } from '../runtime/options.ts'
import { maxLeaseMs } from './lease.ts'

export interface CacheOptions {
  /** Secrets kept in memory. 1 to 10 000 000. Default 10 000. */
  maxKeys?: number
  /**
   * How long a process trusts its cache without hearing from a shared store, in milliseconds, and so how long
   * `revoke` takes to return. 50 to 600 000. Default: what the store says, 2 000 or less. A given value
   * becomes the store's, for all processes: give all of them the same.
   */
  leaseMs?: number
  /**
   * How much longer cached keys count while the store is unreachable, in milliseconds. 0 to 3 600 000.
   * Default 0. With more than 0, a process that cannot reach the store may accept a revoked key for that
   * long.
   */
  staleOnOutageMs?: number
  /**
   * Whether to keep an index of the secrets that exist, so that none is refused because of wrong keys that
   * others send: 12 to 20 bytes for each secret of the store, read from it by `ready()`, or when the first
   * request comes.
   * Default `true`, for stores that list them.
   */
  index?: boolean
}

/** The option `cache`. */
export const cacheOption = group({
  maxKeys: whole(1, 10_000_000, 10_000),
  leaseMs: optional(number(50, maxLeaseMs)),
  staleOnOutageMs: number(0, 3_600_000, 0),
  index: flag(true),
})
