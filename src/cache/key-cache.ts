import type { KeyRecord } from '../keys/key-record.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ChangeHints, ChangeListener, KeyStore, PollAnswer } from '../stores/key-store.ts'
import { type Cacheable, createCachedKeys } from './cached-keys.ts'
import { createChangeHistory } from './change-history.ts'
import type { KeyCache, Lookup } from './key-cache-interface.ts'
import { closedError, createKeyReads } from './key-reads.ts'
import { createKnownSecrets, type KnownSecrets } from './known-secrets.ts'
import { createLookups } from './lookups.ts'
import type { MissBudget } from './miss-budget.ts'
import type { Outage } from './outages.ts'
import { createStaleOnOutage } from './stale-on-outage.ts'
import { createStoreAccess } from './store-access.ts'

export interface KeyCacheOptions<Compiled> {
  store: KeyStore
  hints?: ChangeHints | undefined
  clock: Clock
  /**
   * Turns a record into what verification needs of it and its secret at `index`, once per version of a key.
   * `sibling` is what was made for another secret of the same version.
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
  /**
   * The store does not tell what exists: keys that are not cached can be refused for wrong keys that others
   * send. Told once.
   */
  onUntold: () => void
  onStaleAccept: (keyId: string) => void
  onRevisionRegressed: () => void
  /** Told by each poll whether somebody looks at decisions. */
  onWatched?: ((isWatched: boolean) => void) | undefined
  onAnswer: (answer: PollAnswer) => void
}

/**
 * The cache in front of a store. Hits and misses live in separate bounded caches, so that junk never pushes
 * out keys. Concurrent lookups of one secret share one read; failures are never kept. What is cached is what
 * the store held where this process stands (`standing.ts`), and counts while the lease holds (`lease.ts`).
 */
export function createKeyCache<Compiled extends Cacheable>(
  options: KeyCacheOptions<Compiled>,
): KeyCache<Compiled> {
  const { store, clock, compile, budget, staleOnOutageMs, onStaleAccept } = options
  const cached = createCachedKeys<Compiled>(options.maxKeys, clock)
  const changes = createChangeHistory()
  const { lease, poller, answersAtOnce } = createStoreAccess({ ...options, changes, onChanged: forget })
  const known: KnownSecrets | undefined =
    options.index && store.existing !== undefined
      ? createKnownSecrets(store.existing, options.storeOutage('index'))
      : undefined
  const lookups = createLookups({ poller, budget, known, answersAtOnce })
  const reads = createKeyReads({ store, clock, compile, cached, changes, lookups })
  const stale = createStaleOnOutage({ staleOnOutageMs, cached, lease, poller, onStaleAccept })
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
    reads.forget()
  }

  function findCached(
    digest: string,
    monotonic: number,
    older: (() => readonly string[]) | undefined,
  ): Lookup<Compiled> | undefined {
    const hit = cached.get(digest)
    if (hit !== undefined) {
      if (hit.freshUntilSeconds !== null && monotonic >= hit.freshUntilSeconds * 1_000)
        reads.refresh(hit, monotonic)
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

  function findStale(digest: string, older?: () => readonly string[]): Compiled | undefined {
    return closed ? undefined : stale.find(digest, older)
  }

  function load(
    digest: string,
    source: string,
    older: (() => readonly string[]) | undefined,
  ): Promise<Lookup<Compiled>> {
    start()
    return reads.load(digest, source, older)
  }

  /** A process that only manages keys reads nothing. */
  function start(): void {
    if (started) return
    started = true
    if (known !== undefined) known.caughtUp().catch(() => {})
    else if (options.index && store.scope === 'shared') options.onUntold()
  }

  /**
   * A store of this process tells the truth; from elsewhere it is a hint, and only the store knows what
   * changed.
   */
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
      if (closed || !(lease.holds(clock.monotonic(), clock.now()) || stale.isBridged())) return false
      // What was dropped, or pushed out since, is found again.
      return cached.peek(key.digest) === key
    },
    findAgain(key) {
      if (closed) throw closedError()
      const { digest } = key
      if (lease.holds(clock.monotonic(), clock.now())) return cached.peek(digest) ?? reads.readAgain(key)
      return poller.renew().then(
        () => cached.peek(digest) ?? reads.readAgain(key),
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
      reads.close()
      known?.close()
      poller.close()
    },
  }
}
