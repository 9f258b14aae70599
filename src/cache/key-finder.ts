import type { Awaitable } from '../runtime/awaitable.ts'
import type { Clock } from '../runtime/clock.ts'
import { closedError } from '../runtime/errors.ts'
import type { Cacheable, CachedKeys } from './cached-keys.ts'
import type { KeyCache, Lookup, LookupCounts } from './key-cache-interface.ts'
import type { KeyReads } from './key-reads.ts'
import type { Lease } from './lease.ts'
import type { Poller } from './poller.ts'
import type { StaleOnOutage } from './stale-on-outage.ts'

type OlderDigests = (() => readonly string[]) | undefined

export interface KeyFinderParts<Compiled extends Cacheable> {
  clock: Clock
  /** Whether the store is this process's own: its lease never ends, and its keys are always fresh. */
  isOwnStore: boolean
  cached: CachedKeys<Compiled>
  lease: Lease
  poller: Poller
  reads: KeyReads<Compiled>
  /** Resolves when every change that was committed before the call is known. */
  catchUp: () => Promise<void>
  stale: StaleOnOutage<Compiled>
  /** Called before the first read. */
  onFirstRead: () => void
}

export interface KeyFinder<Compiled> extends Pick<KeyCache<Compiled>, 'find' | 'isCurrent' | 'findAgain'> {
  counts(): Omit<LookupCounts, 'refused'>
  close(): void
}

/**
 * Finds keys for requests: in the cache while the lease holds, else by a read. When the lease has ended, the
 * store is asked first. When that fails, `staleOnOutageMs` may allow what is cached. What is only remembered
 * as missing is refused after a shared poll: another process may have just made the key.
 */
export function createKeyFinder<Compiled extends Cacheable>(
  parts: KeyFinderParts<Compiled>,
): KeyFinder<Compiled> {
  const { clock, isOwnStore, cached, lease, poller, reads, stale } = parts
  const { findOrLoad, counts } = createSearch(parts)
  let closed = false

  function findStale(digest: string, older?: OlderDigests): Compiled | undefined {
    return closed ? undefined : stale.find(digest, older)
  }

  function staleOrThrow(digest: string, older: OlderDigests, error: unknown): Compiled {
    const hit = findStale(digest, older)
    if (hit === undefined) throw error
    return hit
  }

  function find(
    digest: string,
    source: () => string,
    wall: number = clock.now(),
    older?: OlderDigests,
  ): Awaitable<Lookup<Compiled>> {
    if (closed) throw closedError()
    const monotonic = isOwnStore ? 0 : clock.monotonic()
    if (lease.holds(monotonic, wall)) return findOrLoad(digest, monotonic, source, older)
    const renewed = poller.renew()
    if (poller.isFailing()) {
      // The outage is known: serve what may be served now, not after the next poll has hung.
      const hit = findStale(digest, older)
      if (hit !== undefined) {
        renewed.catch(() => {})
        return hit
      }
    }
    return renewed.then(
      () => findOrLoad(digest, clock.monotonic(), source, older),
      (error: unknown) => staleOrThrow(digest, older, error),
    )
  }

  return {
    find,
    isCurrent(key) {
      if (closed || !(lease.holds(clock.monotonic(), clock.now()) || stale.isBridged())) return false
      // A key that was dropped or evicted since is found again.
      return cached.peek(key.digest) === key
    },
    findAgain(key) {
      if (closed) throw closedError()
      const { digest } = key
      const peekOrRead = () => cached.peek(digest) ?? reads.readAgain(key)
      if (lease.holds(clock.monotonic(), clock.now())) return peekOrRead()
      return poller.renew().then(peekOrRead, (error: unknown) => staleOrThrow(digest, undefined, error))
    },
    counts,
    close() {
      closed = true
    },
  }
}

/** Finds what is cached, else reads it. The lease holds. */
function createSearch<Compiled extends Cacheable>(parts: KeyFinderParts<Compiled>) {
  const { clock, isOwnStore, reads } = parts
  const hits = createHits(parts)
  let hasRead = false

  function load(digest: string, source: string, older: OlderDigests): Promise<Lookup<Compiled>> {
    if (!hasRead) {
      hasRead = true
      parts.onFirstRead()
    }
    return reads.load(digest, source, older)
  }

  function findOrLoad(
    digest: string,
    monotonic: number,
    source: () => string,
    older: OlderDigests,
  ): Awaitable<Lookup<Compiled>> {
    const found = hits.find(digest, monotonic, older)
    if (typeof found === 'object') return found
    if (isOwnStore) return found ?? load(digest, source(), older)
    if (found === 'unknown') return findMissing(digest, source, older)
    if (reads.isLoading(digest)) return findMissing(digest, source, older, load(digest, source(), older))
    return load(digest, source(), older)
  }

  /** The key may have been made since it was found missing, or since the read began that was joined. */
  async function findMissing(
    digest: string,
    source: () => string,
    older: OlderDigests,
    joined?: Promise<Lookup<Compiled>>,
  ): Promise<Lookup<Compiled>> {
    const found = await joined
    if (found !== undefined && found !== 'unknown') return found
    await parts.catchUp()
    return hits.peek(digest, clock.monotonic(), older) ?? load(digest, source(), older)
  }

  return { findOrLoad, counts: hits.counts }
}

/** What the cache has, counted. */
function createHits<Compiled extends Cacheable>({
  cached,
  reads,
}: Pick<KeyFinderParts<Compiled>, 'cached' | 'reads'>) {
  let hits = 0
  let misses = 0

  function findCached(digest: string, monotonic: number, older: OlderDigests): Lookup<Compiled> | undefined {
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

  return {
    /** Without counting. */
    peek: findCached,
    find(digest: string, monotonic: number, older: OlderDigests): Lookup<Compiled> | undefined {
      const found = findCached(digest, monotonic, older)
      if (found === undefined) misses++
      else hits++
      return found
    },
    counts: () => ({ hits, misses }),
  }
}
