import { LRUCache } from 'lru-cache'
import type { Clock } from '../runtime/clock.ts'
import { createDigestsById } from './digests-by-id.ts'

/** What the cache has to know of a compiled key. The fields are the cache's own. */
export interface Cacheable {
  readonly id: string
  readonly version: number
  /** What it was found by. */
  digest: string
  /**
   * When the store is to be asked again, on the monotonic clock; `null` = as long as nothing changes. Whole
   * seconds take no object of their own.
   */
  freshUntilSeconds: number | null
}

/**
 * Keys that were found, by digest, and digests that nobody has. In separate bounded caches, so that junk
 * never pushes out keys.
 */
export interface CachedKeys<Compiled> {
  /** Counts as a use. */
  get(digest: string): Compiled | undefined
  /** Does not. */
  peek(digest: string): Compiled | undefined
  /** What is cached of another secret of the same key. */
  siblingOf(keyId: string): Compiled | undefined
  add(key: Compiled): void
  remove(digest: string): void
  /** Notes digests that nobody has, for a while. */
  addMissing(digests: readonly string[]): void
  isMissing(digest: string): boolean
  /** How many keys are cached, each secret by itself. */
  count(): number
  /** Drops these keys, and all that nobody had. */
  drop(keyIds: readonly string[] | 'all'): void
}

/**
 * Digests that nobody has are remembered this long, so that one wrong key asks the store once in a while
 * only.
 */
const missTtlMs = 5_000

export function createCachedKeys<Compiled extends Cacheable>(
  maxKeys: number,
  clock: Clock,
): CachedKeys<Compiled> {
  const digestsById = createDigestsById()
  const hits = new LRUCache<string, Compiled>({
    max: maxKeys,
    dispose: (hit, digest) => digestsById.remove(hit.id, digest),
  })
  const misses = new LRUCache<string, number>({ max: Math.max(1_000, Math.ceil(maxKeys / 10)) })

  return {
    get: (digest) => hits.get(digest),
    peek: (digest) => hits.peek(digest),
    siblingOf: (keyId) => hits.peek(digestsById.get(keyId)[0] ?? ''),
    add(key) {
      hits.set(key.digest, key)
      digestsById.add(key.id, key.digest)
    },
    remove: (digest) => hits.delete(digest),
    addMissing(digests) {
      for (const digest of digests) misses.set(digest, clock.monotonic())
    },
    isMissing(digest) {
      const missedAt = misses.get(digest)
      return missedAt !== undefined && clock.monotonic() - missedAt < missTtlMs
    },
    count: () => hits.size,
    drop(keyIds) {
      misses.clear()
      if (keyIds === 'all') {
        hits.clear()
        return
      }
      for (const keyId of keyIds) {
        for (const digest of digestsById.get(keyId)) hits.delete(digest)
      }
    },
  }
}
