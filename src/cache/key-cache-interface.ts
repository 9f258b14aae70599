import type { Awaitable } from '../runtime/awaitable.ts'

/** A key in the form `compile` gave it. Shared by requests. */
export type Lookup<Compiled> = Compiled | 'unknown' | 'too_many_failures'

/** What verification and management need of the cache. */
export interface KeyCache<Compiled> {
  /**
   * Looks a secret up by its digest (see `SecretHasher`): at once when it is cached and the lease holds, else
   * from the store.
   * @param source whom to charge for an unknown key: an address or its network.
   * @param wall what the clock's `now` says, when it has just been read: each reading of a clock takes 45 ns.
   * @param older the digests of the same secret under older peppers, when there are any.
   * @throws StoreError when the store does not answer in time, is overloaded, or the lease cannot be renewed.
   */
  find(
    digest: string,
    source: () => string,
    wall?: number,
    older?: () => readonly string[],
  ): Awaitable<Lookup<Compiled>>
  /** Whether what was found still counts: the lease holds, and nothing of this key has been dropped since. */
  isCurrent(key: Compiled): boolean
  /** Finds a key that has been found before, for a request that was accepted with it: charges nobody. */
  findAgain(key: Compiled): Awaitable<Compiled | 'unknown'>
  /** Drops keys that changed, with every load under way. */
  forget(keyIds: readonly string[] | 'all'): void
  /** Asks the store now for what changed. Concurrent calls share one question. */
  refresh(): Promise<void>
  /** How long this process trusts what it has cached, in milliseconds: 0 while it has nothing. */
  leaseMs(): number
  /** From now on the store is asked regularly, as from the first look-up on. */
  begin(): void
  /** What is cached, and whether it counts now. Asks nothing. */
  look(): CacheState
  /** Look-ups of keys so far. */
  counts(): LookupCounts
  close(): void
}

/** How keys were found since the start. */
export interface LookupCounts {
  /** In memory, also that nobody has the key. */
  readonly hits: number
  /** By a question to the store. */
  readonly misses: number
}

/** What a process has cached of its store. */
export interface CacheState {
  /** Whether what is cached counts: the store has answered within the lease. */
  readonly ok: boolean
  /** Secrets whose key is cached. */
  readonly keys: number
  /**
   * How long what is cached counts after an answer, in milliseconds: 0 before the first answer, and for a
   * store of this process.
   */
  readonly leaseMs: number
  /**
   * Milliseconds since the store was last asked with success; `null` before, and for a store of this process.
   */
  readonly ageMs: number | null
}
