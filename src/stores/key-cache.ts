import { LRUCache } from 'lru-cache'
import type { Awaitable } from '../keys/awaitable.ts'
import type { Clock } from '../keys/clock.ts'
import { StoreError, toStoreError } from '../keys/errors.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { digestToHex } from '../keys/secret.ts'
import { createChangeHistory } from './change-history.ts'
import { storeDeadlineMs, withDeadline } from './deadline.ts'
import { createDigestsById } from './digests-by-id.ts'
import type { ChangeHints, ChangeListener, KeyStore } from './key-store.ts'
import { createLease, type Lease } from './lease.ts'
import { createLookupQueue } from './lookup-queue.ts'
import type { MissBudget } from './miss-budget.ts'

/** A key in the form `compile` gave it. Shared by requests. */
export type Lookup<Compiled> = Compiled | 'unknown' | 'too_many_failures'

/** What the cache has to know of a compiled key. */
export interface Cacheable {
  readonly id: string
  readonly version: number
  /** Until when the store need not be asked again, on the monotonic clock; `null` = as long as nothing changes. Set by the cache. Whole seconds take no object of their own. */
  freshUntilSeconds: number | null
}

export interface KeyCacheOptions<Compiled> {
  store: KeyStore
  hints?: ChangeHints | undefined
  clock: Clock
  /**
   * Turns a record into what verification needs of it and its secret at `index`, once per version of a key. `sibling` is
   * what was made for another secret of the same version.
   */
  compile: (record: KeyRecord, index: number, sibling: Compiled | undefined) => Compiled
  budget: MissBudget
  maxKeys: number
  leaseMs: number
  staleOnOutageMs: number
  onStoreError: (error: unknown) => void
  onStaleAccept: (keyId: string) => void
  onRevisionRegressed: () => void
}

/** What verification and management need of the cache. */
export interface KeyCache<Compiled> {
  /**
   * Looks a secret up by its digest (see `SecretHasher`): at once when it is cached and the lease holds, else from the store.
   * @param source whom to charge for an unknown key: an address or its network.
   * @param wall what the clock's `now` says, when it has just been read: each reading of a clock takes 45 ns.
   * @throws StoreError when the store does not answer in time, is overloaded, or the lease cannot be renewed.
   */
  find(digest: string, source: () => string, wall?: number): Awaitable<Lookup<Compiled>>
  /** Drops keys that changed, with every load under way. */
  forget(keyIds: readonly string[] | 'all'): void
  /** Asks the store now for what changed. Called on hints; concurrent calls share one question. */
  refresh(): Promise<void>
  /**
   * How long another process may go on trusting what it has cached, in milliseconds; 0 when there is no other.
   * @throws StoreError when the store does not say.
   */
  longestLeaseElsewhereMs(): Promise<number>
  close(): Promise<void>
}

/**
 * A cached key is read again after 45 to 60 seconds, at random so that not all are at once: the backstop for a change that
 * somebody made in the database by hand, without raising the revision.
 */
const hitTtlMs = { least: 45_000, most: 59_000 }

/** Unknown hashes are remembered this long, so that one wrong key asks the store once in a while only. */
const missTtlMs = 5_000

interface Flight<Compiled> {
  promise: Promise<Lookup<Compiled>>
  startedAt: number
  wallStartedAt: number
  generation: number
}

/**
 * The cache in front of a store. Hits and misses live in separate bounded caches, so that junk never pushes out keys.
 * Concurrent lookups of one hash share one read; failures are never kept; a read that raced with a change is not kept
 * either. For shared stores what is cached counts only while the lease holds (see `lease.ts`).
 */
export function createKeyCache<Compiled extends Cacheable>(
  options: KeyCacheOptions<Compiled>,
): KeyCache<Compiled> {
  const { store, clock, compile, budget } = options
  const digestsById = createDigestsById()
  const hits = new LRUCache<string, Compiled>({
    max: options.maxKeys,
    dispose: (hit, digest) => digestsById.remove(hit.id, digest),
  })
  const misses = new LRUCache<string, number>({ max: Math.max(1_000, Math.ceil(options.maxKeys / 10)) })
  const flights = new Map<string, Flight<Compiled>>()
  const queue = createLookupQueue()
  const changes = createChangeHistory()
  let closed = false

  const lease: Lease = createLease({
    store,
    clock,
    leaseMs: Math.min(options.leaseMs, store.leaseMs ?? options.leaseMs),
    onChanges: forget,
    onStoreError: options.onStoreError,
    onRevisionRegressed: options.onRevisionRegressed,
  })

  function forget(keyIds: readonly string[] | 'all'): void {
    if (keyIds.length === 0) return
    changes.note(keyIds)
    misses.clear()
    // Whoever asks from now on must not be answered by a read from before the change, of whichever key it is.
    flights.clear()
    if (keyIds === 'all') {
      hits.clear()
      return
    }
    for (const keyId of keyIds) {
      for (const digest of digestsById.get(keyId)) hits.delete(digest)
    }
  }

  function findCached(digest: string, monotonic: number): Lookup<Compiled> | undefined {
    const hit = hits.get(digest)
    if (hit !== undefined && (hit.freshUntilSeconds === null || monotonic < hit.freshUntilSeconds * 1_000))
      return hit
    const missedAt = misses.get(digest)
    if (missedAt !== undefined && clock.monotonic() - missedAt < missTtlMs) return 'unknown'
    return undefined
  }

  function find(
    digest: string,
    source: () => string,
    wall: number = clock.now(),
  ): Awaitable<Lookup<Compiled>> {
    if (closed) throw new StoreError('store_unavailable', 'These write keys have been closed.')
    // The lease of a store of this process never ends, and its keys are always fresh.
    const monotonic = store.scope === 'process' ? 0 : clock.monotonic()
    if (lease.holds(monotonic, wall)) return findCached(digest, monotonic) ?? load(digest, source())
    const renewed = lease.renew()
    if (lease.isFailing()) {
      // Known to be out already: what may be served is served now, not after the next poll has hung.
      const hit = findStale(digest)
      if (hit !== undefined) {
        renewed.catch(() => {})
        return hit
      }
    }
    return renewed.then(
      () => findCached(digest, clock.monotonic()) ?? load(digest, source()),
      (error: unknown) => {
        const hit = findStale(digest)
        if (hit === undefined) throw error
        return hit
      },
    )
  }

  /** What `staleOnOutageMs` allows to be served while the store is unreachable. */
  function findStale(digest: string): Compiled | undefined {
    if (closed || lease.ageMs() >= lease.leaseMs + options.staleOnOutageMs) return undefined
    const hit = hits.get(digest)
    if (hit !== undefined) options.onStaleAccept(hit.id)
    return hit
  }

  function load(digest: string, source: string): Promise<Lookup<Compiled>> {
    const flying = flights.get(digest)
    // A read that began longer than a lease ago may tell of a time before a revocation that has returned by now.
    if (flying !== undefined && lease.isWithin(flying.startedAt, flying.wallStartedAt)) return flying.promise
    const flight: Flight<Compiled> = {
      promise: undefined as never,
      startedAt: clock.monotonic(),
      wallStartedAt: clock.now(),
      generation: changes.generation(),
    }
    flight.promise = read(digest, source, flight).finally(() => {
      if (flights.get(digest) === flight) flights.delete(digest)
    })
    flights.set(digest, flight)
    return flight.promise
  }

  async function read(digest: string, source: string, flight: Flight<Compiled>): Promise<Lookup<Compiled>> {
    const beganAt = performance.now()
    const leave = await queue.enter()
    let record: KeyRecord | undefined
    try {
      const granted = budget.check(source)
      if (granted === 'source_exhausted') return 'too_many_failures'
      if (granted === 'all_exhausted') {
        throw new StoreError(
          'store_overloaded',
          'Too many unknown keys are being looked up; the store is spared.',
        )
      }
      try {
        // One deadline for the wait and the answer: who asked has waited for both.
        const leftMs = Math.max(1, storeDeadlineMs - (performance.now() - beganAt))
        record = await withDeadline(store.findByHash(digestToHex(digest)), leftMs)
      } catch (error) {
        options.onStoreError(error)
        throw toStoreError(error)
      }
      if (record === undefined) budget.charge(source)
    } finally {
      leave()
    }
    return keep(digest, record, flight)
  }

  function keep(digest: string, record: KeyRecord | undefined, flight: Flight<Compiled>): Lookup<Compiled> {
    const current =
      !closed &&
      changes.none(flight.generation, record?.id) &&
      lease.isWithin(flight.startedAt, flight.wallStartedAt)
    const keyHash = digestToHex(digest)
    const index = record?.secrets.findIndex((candidate) => candidate.keyHash === keyHash) ?? -1
    if (record === undefined || index === -1) {
      if (current) misses.set(digest, clock.monotonic())
      return 'unknown'
    }
    const other = hits.peek(digestsById.get(record.id)[0] ?? '')
    const compiled = compile(record, index, other?.version === record.version ? other : undefined)
    compiled.freshUntilSeconds = freshUntilSeconds()
    if (current) {
      hits.set(digest, compiled)
      digestsById.add(compiled.id, digest)
    }
    return compiled
  }

  function freshUntilSeconds(): number | null {
    if (store.scope === 'process') return null
    const ttlMs = hitTtlMs.least + Math.random() * (hitTtlMs.most - hitTtlMs.least)
    return Math.ceil((clock.monotonic() + ttlMs) / 1_000)
  }

  /** A store of this process tells the truth; from elsewhere it is a hint, and only the store knows what changed. */
  const hear: ChangeListener = (keyIds) => {
    if (store.scope === 'process') forget(keyIds ?? 'all')
    else lease.hint()
  }
  const unwatch = [store.watch?.(hear), options.hints?.subscribe(hear)]

  return {
    find,
    forget,
    refresh: () => lease.refresh(),
    longestLeaseElsewhereMs: () => lease.longestElsewhereMs(),
    async close() {
      closed = true
      for (const end of unwatch) if (typeof end === 'function') end()
      forget('all')
      await lease.close()
    },
  }
}
