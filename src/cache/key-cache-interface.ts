import type { Awaitable } from '../runtime/awaitable.ts'

/** A key in the form that `compile` returned. Shared by requests. */
export type Lookup<Compiled> = Compiled | 'unknown' | 'too_many_failures'

/** The cache as verification and management use it. */
export interface KeyCache<Compiled> {
  /**
   * Looks a secret up by its digest (see `SecretHasher`): synchronously when it is cached and the lease
   * holds, else from the store.
   * @param source who pays for an unknown key: an address or its network.
   * @param wall what the clock's `now` says, when it has just been read: each reading takes 45 ns.
   * @param older the digests of the same secret under older peppers, if there are any.
   * @throws StoreError when the store does not answer in time, is overloaded, or the lease cannot be renewed.
   */
  find(
    digest: string,
    source: () => string,
    wall?: number,
    older?: () => readonly string[],
  ): Awaitable<Lookup<Compiled>>
  /** Whether a result still counts: the lease holds, and nothing of this key has been dropped since. */
  isCurrent(key: Compiled): boolean
  /** Finds a key again, for a request that was accepted with it. Charges nobody. */
  findAgain(key: Compiled): Awaitable<Compiled | 'unknown'>
  /** Drops keys that changed, and every load under way. */
  forget(keyIds: readonly string[] | 'all'): void
  /** Asks the store now for what changed. Concurrent calls share one question. */
  refresh(): Promise<void>
  /**
   * Resolves when it is known which secrets exist, or after `deadlineMs`, while the reading goes on. Never
   * rejects: lookups work without, and the outage is reported.
   */
  warmUp(deadlineMs: number): Promise<void>
  /** How long this process trusts its cache, in milliseconds: 0 while it has nothing. */
  leaseMs(): number
  /** From now on the store is polled, as after the first lookup. */
  begin(): void
  /** The state of the cache, and whether it counts now. Asks nothing. */
  look(): CacheState
  /** Lookups of keys so far. */
  counts(): LookupCounts
  close(): void
}

/** How keys were found since the start. */
export interface LookupCounts {
  /** Answered from memory, including "no key has this secret". */
  readonly hits: number
  /** Not in memory. */
  readonly misses: number
  /** Of the misses: refused without a question to the store, as the budget of all for unknown keys was used up. */
  readonly refused: number
}

/** The cache of a process. */
export interface CacheState {
  /** Whether the cache counts: the store has answered within the lease. */
  readonly ok: boolean
  /** Secrets whose key is cached. */
  readonly keys: number
  /**
   * How long the cache counts after an answer, in milliseconds: 0 before the first answer, and for a store of
   * this process.
   */
  readonly leaseMs: number
  /**
   * Milliseconds since the last successful question to the store; `null` before, and for a store of this
   * process.
   */
  readonly ageMs: number | null
}
