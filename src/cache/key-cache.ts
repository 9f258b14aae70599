import type { KeyRecord } from '../keys/key-record.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ChangeHints, ChangeListener, KeyStore, PollAnswer } from '../stores/key-store.ts'
import { type Cacheable, createCachedKeys } from './cached-keys.ts'
import { createChangeHistory } from './change-history.ts'
import type { KeyCache } from './key-cache-interface.ts'
import { createKeyFinder } from './key-finder.ts'
import { createKeyReads } from './key-reads.ts'
import { createKnownSecrets, type KnownSecrets } from './known-secrets.ts'
import { createLookups } from './lookups.ts'
import type { Outage } from './outages.ts'
import { createStaleOnOutage } from './stale-on-outage.ts'
import { createStoreAccess } from './store-access.ts'
import type { UnknownKeyBudget } from './unknown-key-budget.ts'

export interface KeyCacheOptions<Compiled> {
  store: KeyStore
  hints?: ChangeHints | undefined
  clock: Clock
  /**
   * Turns a record and its secret at `index` into what verification needs, once per version of a key.
   * `sibling` is the result for another secret of the same version.
   */
  compile: (record: KeyRecord, index: number, sibling: Compiled | undefined) => Compiled
  budget: UnknownKeyBudget
  maxKeys: number
  /** How long this process trusts its cache at most. */
  leaseMs: number
  /** Whether the application has set that lease: then it becomes the store's as well. */
  namesLease: boolean
  staleOnOutageMs: number
  /** Whether to keep an index of the secrets that exist. */
  index: boolean
  storeOutage: (part: 'questions' | 'lease' | 'index') => Outage
  hintsOutage: (part: string) => Outage
  /**
   * The store does not list what exists: keys that are not cached can be refused because of wrong keys that
   * others send. Called once.
   */
  onUntold: () => void
  onStaleAccept: (keyId: string) => void
  onRevisionRegressed: () => void
  /** Called by each poll with whether somebody looks at decisions. */
  onWatched?: ((isWatched: boolean) => void) | undefined
  onAnswer: (answer: PollAnswer) => void
}

/**
 * The cache in front of a store. Hits and misses live in separate bounded caches, so that junk never pushes
 * out keys. Concurrent lookups of one secret share one read. Failures are never kept. The cache holds what
 * the store held at this process's position (`standing.ts`), and counts while the lease holds (`lease.ts`).
 */
export function createKeyCache<Compiled extends Cacheable>(
  options: KeyCacheOptions<Compiled>,
): KeyCache<Compiled> {
  const { store, clock, compile, budget, staleOnOutageMs, onStaleAccept } = options
  const cached = createCachedKeys<Compiled>(options.maxKeys, clock)
  const changes = createChangeHistory()
  const { lease, poller, answersAtOnce } = createStoreAccess({ ...options, changes, onChanged: forget })
  const known = indexExisting(options)
  const lookups = createLookups({ poller, budget, known, answersAtOnce })
  const reads = createKeyReads({ store, clock, compile, cached, changes, lookups })
  const stale = createStaleOnOutage({ staleOnOutageMs, cached, lease, poller, onStaleAccept })
  const isOwnStore = store.scope === 'process'
  const finder = createKeyFinder({
    clock,
    isOwnStore,
    cached,
    lease,
    poller,
    reads,
    catchUp: lookups.catchUp,
    stale,
    // A process that only manages keys never gets here.
    onFirstRead() {
      if (known !== undefined) known.caughtUp().catch(() => {})
      else if (options.index && !isOwnStore) options.onUntold()
    },
  })
  let closed = false

  /** Drops what was found of these keys, also for requests under way. */
  function forget(keyIds: readonly string[] | 'all'): void {
    if (keyIds.length === 0) return
    changes.note(keyIds)
    known?.note(keyIds)
    cached.drop(keyIds)
    // A request that comes after a change must not share a read that began before it, of whichever key.
    reads.forget()
  }

  /** A store of this process says what changed. From elsewhere it is only a hint, and the store is asked. */
  const hear: ChangeListener = (keyIds) => {
    if (isOwnStore) forget(keyIds ?? 'all')
    else poller.hint()
  }

  const leaseMs = () => (isOwnStore ? 0 : lease.leaseMs())

  const endListening = listenForChanges(options, hear)

  return {
    find: finder.find,
    isCurrent: finder.isCurrent,
    findAgain: finder.findAgain,
    forget,
    refresh: () => poller.poll(),
    warmUp: async (deadlineMs) => known?.caughtUp(deadlineMs).catch(() => {}),
    leaseMs,
    begin: () => poller.begin(),
    look() {
      const ageMs = lease.ageMs()
      return {
        ok: !closed && lease.holds(clock.monotonic(), clock.now()),
        keys: cached.count(),
        leaseMs: leaseMs(),
        ageMs: !isOwnStore && Number.isFinite(ageMs) ? Math.max(0, Math.round(ageMs)) : null,
      }
    },
    counts: () => ({ ...finder.counts(), refused: lookups.refused() }),
    close() {
      closed = true
      finder.close()
      endListening()
      forget('all')
      reads.close()
      known?.close()
      poller.close()
    },
  }
}

/** Undefined when no index is wanted, or the store does not list what exists. */
function indexExisting({
  index,
  store,
  storeOutage,
}: Pick<KeyCacheOptions<unknown>, 'index' | 'store' | 'storeOutage'>): KnownSecrets | undefined {
  return index && store.existing !== undefined
    ? createKnownSecrets(store.existing, storeOutage('index'))
    : undefined
}

/** Hears of changes from the store itself and from hints. @returns a function that ends it. */
function listenForChanges(
  { store, hints, hintsOutage }: Pick<KeyCacheOptions<unknown>, 'store' | 'hints' | 'hintsOutage'>,
  hear: ChangeListener,
): () => void {
  const listening = hintsOutage('listening')
  const subscription = hintsOutage('subscription')
  const ends = [
    store.watch?.(hear, listening.began, listening.ended),
    hints?.subscribe(hear, subscription.began, subscription.ended),
  ]
  return () => {
    for (const end of ends) if (typeof end === 'function') end()
  }
}
