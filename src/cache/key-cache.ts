import type { KeyRecord } from '../keys/key-record.ts'
import { digestToHex } from '../keys/secret.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import type { Clock } from '../runtime/clock.ts'
import { StoreError } from '../runtime/errors.ts'
import type { ChangeHints, ChangeListener, KeyStore, PollAnswer } from '../stores/key-store.ts'
import { type Cacheable, createCachedKeys } from './cached-keys.ts'
import { createChangeHistory } from './change-history.ts'
import { createKnownSecrets, type KnownSecrets } from './known-secrets.ts'
import { createLookups, type Found } from './lookups.ts'
import type { MissBudget } from './miss-budget.ts'
import type { Outage } from './outages.ts'
import { createStoreAccess } from './store-access.ts'

/** A key in the form `compile` gave it. Shared by requests. */
export type Lookup<Compiled> = Compiled | 'unknown' | 'too_many_failures'

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
  /** How long this process trusts what it has cached at most. */
  leaseMs: number
  /** Whether the application has named that lease: then it is the store's as well. */
  namesLease: boolean
  staleOnOutageMs: number
  /** Whether to keep an index of the secrets that exist. */
  index: boolean
  storeOutage: (part: string) => Outage
  hintsOutage: (part: string) => Outage
  /** The store does not tell what exists: keys that are not cached can be refused for wrong keys that others send. Told once. */
  onUntold: () => void
  onStaleAccept: (keyId: string) => void
  onRevisionRegressed: () => void
  /** Told by each poll whether somebody looks at decisions. */
  onWatched?: ((isWatched: boolean) => void) | undefined
  onAnswer: (answer: PollAnswer) => void
}

/** What verification and management need of the cache. */
export interface KeyCache<Compiled> {
  /**
   * Looks a secret up by its digest (see `SecretHasher`): at once when it is cached and the lease holds, else from the store.
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
  /** How long what is cached counts after an answer, in milliseconds: 0 before the first answer, and for a store of this process. */
  readonly leaseMs: number
  /** Milliseconds since the store was last asked with success; `null` before, and for a store of this process. */
  readonly ageMs: number | null
}

/**
 * A cached key is read again after 45 to 60 seconds, at random so that not all are at once: the backstop for a change that
 * somebody made in the database by hand, without raising the revision.
 */
const hitTtlMs = { least: 45_000, most: 59_000 }
/** One that could not be read again is tried after this time. */
const retrySeconds = 5

/**
 * The cache in front of a store. Hits and misses live in separate bounded caches, so that junk never pushes out keys.
 * Concurrent lookups of one secret share one read; failures are never kept. What is cached is what the store held where this
 * process stands (`standing.ts`), and counts while the lease holds (`lease.ts`).
 */
export function createKeyCache<Compiled extends Cacheable>(
  options: KeyCacheOptions<Compiled>,
): KeyCache<Compiled> {
  const { store, clock, compile, budget } = options
  const cached = createCachedKeys<Compiled>(options.maxKeys, clock)
  const flights = new Map<string, Promise<Lookup<Compiled>>>()
  const rereads = new Map<string, Promise<Compiled | 'unknown'>>()
  const changes = createChangeHistory()
  const { lease, poller, answersAtOnce } = createStoreAccess({ ...options, changes, onChanged: forget })
  const known: KnownSecrets | undefined =
    options.index && store.existing !== undefined
      ? createKnownSecrets(store.existing, options.storeOutage('index'))
      : undefined
  const lookups = createLookups({ poller, budget, known, answersAtOnce })
  let started = false
  let closed = false
  let hits = 0
  let misses = 0

  /** Voids whatever was found of these keys, by requests under way as well. */
  function forget(keyIds: readonly string[] | 'all'): void {
    if (keyIds.length === 0) return
    changes.note(keyIds)
    known?.note(keyIds)
    cached.drop(keyIds)
    // Whoever asks from now on must not wait for a read from before the change, of whichever key it is.
    flights.clear()
    rereads.clear()
  }

  function findCached(
    digest: string,
    monotonic: number,
    older: (() => readonly string[]) | undefined,
  ): Lookup<Compiled> | undefined {
    const hit = cached.get(digest)
    if (hit !== undefined) {
      if (hit.freshUntilSeconds !== null && monotonic >= hit.freshUntilSeconds * 1_000)
        refresh(hit, monotonic)
      return hit
    }
    if (older === undefined) return cached.isMissing(digest) ? 'unknown' : undefined
    const digests = older()
    for (const candidate of digests) {
      const olderHit = findCached(candidate, monotonic, undefined)
      if (typeof olderHit === 'object') return olderHit
    }
    return [digest, ...digests].every(cached.isMissing) ? 'unknown' : undefined
  }

  function findHit(
    digest: string,
    monotonic: number,
    older: (() => readonly string[]) | undefined,
  ): Lookup<Compiled> | undefined {
    const found = findCached(digest, monotonic, older)
    if (found === undefined) misses++
    else hits++
    return found
  }

  /** Reads a key again while requests go on with what is cached. */
  function refresh(hit: Compiled, monotonic: number): void {
    hit.freshUntilSeconds = Math.ceil(monotonic / 1_000) + retrySeconds
    readAgain(hit).catch(() => {})
  }

  function find(
    digest: string,
    source: () => string,
    wall: number = clock.now(),
    older?: () => readonly string[],
  ): Awaitable<Lookup<Compiled>> {
    if (closed) throw closedError()
    // The lease of a store of this process never ends, and its keys are always fresh.
    const monotonic = store.scope === 'process' ? 0 : clock.monotonic()
    if (lease.holds(monotonic, wall))
      return findHit(digest, monotonic, older) ?? load(digest, source(), older)
    const renewed = poller.renew()
    if (poller.isFailing()) {
      // Known to be out already: what may be served is served now, not after the next poll has hung.
      const hit = findStale(digest, older)
      if (hit !== undefined) {
        renewed.catch(() => {})
        return hit
      }
    }
    return renewed.then(
      () => findHit(digest, clock.monotonic(), older) ?? load(digest, source(), older),
      (error: unknown) => {
        const hit = findStale(digest, older)
        if (hit === undefined) throw error
        return hit
      },
    )
  }

  /** What `staleOnOutageMs` allows to be served while the store is unreachable. */
  function findStale(digest: string, older?: () => readonly string[]): Compiled | undefined {
    if (closed || !isBridged()) return undefined
    const hit =
      cached.get(digest) ??
      older?.().reduce<Compiled | undefined>((found, at) => found ?? cached.get(at), undefined)
    if (hit !== undefined) options.onStaleAccept(hit.id)
    return hit
  }

  function isBridged(): boolean {
    return poller.isFailing() && lease.ageMs() < lease.leaseMs() + options.staleOnOutageMs
  }

  function load(
    digest: string,
    source: string,
    older: (() => readonly string[]) | undefined,
  ): Promise<Lookup<Compiled>> {
    start()
    const flying = flights.get(digest)
    if (flying !== undefined) return flying
    const digests = older === undefined ? [digest] : [digest, ...older()]
    const flight = lookups
      .find(digests, source)
      .then((found) => (found === 'source_exhausted' ? 'too_many_failures' : keep(found, digests)))
      .finally(() => {
        if (flights.get(digest) === flight) flights.delete(digest)
      })
    flights.set(digest, flight)
    return flight
  }

  function readAgain(key: Compiled): Promise<Compiled | 'unknown'> {
    const { digest } = key
    const reading = rereads.get(digest)
    if (reading !== undefined) return reading
    const reread = lookups
      .findAgain(digest)
      .then((found) => keep(found, [digest]))
      .finally(() => {
        if (rereads.get(digest) === reread) rereads.delete(digest)
      })
    rereads.set(digest, reread)
    return reread
  }

  function keep(found: Found, digests: readonly string[]): Compiled | 'unknown' {
    const { record, digest, generation } = found
    if (closed) throw closedError()
    const keyHash = digestToHex(digest)
    const index = record?.secrets.findIndex((candidate) => candidate.keyHash === keyHash) ?? -1
    if (record === undefined || index === -1) {
      cached.remove(digest)
      if (found.isUndisturbed) cached.addMissing(digests)
      return 'unknown'
    }
    const other = cached.siblingOf(record.id)
    const compiled = compile(record, index, other?.version === record.version ? other : undefined)
    compiled.digest = digest
    compiled.freshUntilSeconds = freshUntilSeconds()
    // Between the answer and here others may have had their turn; who asked judges again.
    if (changes.none(generation, record.id)) cached.add(compiled)
    return compiled
  }

  function freshUntilSeconds(): number | null {
    if (store.scope === 'process') return null
    const ttlMs = hitTtlMs.least + Math.random() * (hitTtlMs.most - hitTtlMs.least)
    return Math.ceil((clock.monotonic() + ttlMs) / 1_000)
  }

  /** A process that only manages keys reads nothing. */
  function start(): void {
    if (started) return
    started = true
    if (known !== undefined) known.caughtUp().catch(() => {})
    else if (options.index && store.scope === 'shared') options.onUntold()
  }

  /** A store of this process tells the truth; from elsewhere it is a hint, and only the store knows what changed. */
  const hear: ChangeListener = (keyIds) => {
    if (store.scope === 'process') forget(keyIds ?? 'all')
    else poller.hint()
  }

  const leaseMs = () => (store.scope === 'process' ? 0 : lease.leaseMs())

  const listening = options.hintsOutage('listening')
  const subscription = options.hintsOutage('subscription')
  const unwatch = [
    store.watch?.(hear, listening.began, listening.ended),
    options.hints?.subscribe(hear, subscription.began, subscription.ended),
  ]

  return {
    find,
    isCurrent(key) {
      if (closed || !(lease.holds(clock.monotonic(), clock.now()) || isBridged())) return false
      // What was dropped, or pushed out since, is found again.
      return cached.peek(key.digest) === key
    },
    findAgain(key) {
      if (closed) throw closedError()
      const { digest } = key
      if (lease.holds(clock.monotonic(), clock.now())) return cached.peek(digest) ?? readAgain(key)
      return poller.renew().then(
        () => cached.peek(digest) ?? readAgain(key),
        (error: unknown) => {
          const hit = findStale(digest)
          if (hit === undefined) throw error
          return hit
        },
      )
    },
    forget,
    refresh: () => poller.poll(),
    leaseMs,
    begin: () => poller.begin(),
    look() {
      const isShared = store.scope === 'shared'
      const ageMs = lease.ageMs()
      return {
        ok: !closed && lease.holds(clock.monotonic(), clock.now()),
        keys: cached.count(),
        leaseMs: leaseMs(),
        ageMs: isShared && Number.isFinite(ageMs) ? Math.max(0, Math.round(ageMs)) : null,
      }
    },
    counts: () => ({ hits, misses }),
    close() {
      closed = true
      for (const end of unwatch) if (typeof end === 'function') end()
      forget('all')
      known?.close()
      poller.close()
    },
  }
}

function closedError(): StoreError {
  return new StoreError('store_unavailable', 'These write keys have been closed.')
}
