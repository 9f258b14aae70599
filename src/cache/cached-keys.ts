import { createBoundedMap } from '../runtime/bounded-map.ts'
import type { Clock } from '../runtime/clock.ts'
import { createDigestsById } from './digests-by-id.ts'

/** What the cache must know of a compiled key. The cache sets these fields. */
export interface Cacheable {
  readonly id: string
  readonly version: number
  /** The digest it was found by. */
  digest: string
  /**
   * When the store must be asked again, on the monotonic clock; `null` = only after a change. Whole seconds
   * stay small integers, so V8 allocates no heap number.
   */
  freshUntilSeconds: number | null
}

/**
 * Keys that were found, by digest, and digests that no key has. In separate bounded caches, so that junk
 * never pushes out keys.
 */
export interface CachedKeys<Compiled> {
  /** Counts as a use. */
  get(digest: string): Compiled | undefined
  /** Does not count as a use. */
  peek(digest: string): Compiled | undefined
  /** A cached entry for another secret of the same key. */
  siblingOf(keyId: string): Compiled | undefined
  add(key: Compiled): void
  remove(digest: string): void
  /** Remembers digests that no key has, for a while. */
  addMissing(digests: readonly string[]): void
  isMissing(digest: string): boolean
  /** How many keys are cached, each secret by itself. */
  count(): number
  /** Drops these keys, and all digests that no key had. */
  drop(keyIds: readonly string[] | 'all'): void
}

/**
 * Digests that no key has are remembered this long, so that one wrong key asks the store only once in a
 * while.
 */
const missTtlMs = 5_000

export function createCachedKeys<Compiled extends Cacheable>(
  maxKeys: number,
  clock: Clock,
): CachedKeys<Compiled> {
  const digestsById = createDigestsById()
  const hits = createBoundedMap<Compiled>(maxKeys, ({ id }, digest) => digestsById.remove(id, digest))
  const misses = createBoundedMap<number>(Math.max(1_000, Math.ceil(maxKeys / 10)))

  return {
    get: hits.get,
    peek: hits.peek,
    siblingOf: (keyId) => hits.peek(digestsById.get(keyId)[0] ?? ''),
    add(key) {
      hits.set(key.digest, key)
      digestsById.add(key.id, key.digest)
    },
    remove: hits.delete,
    addMissing(digests) {
      for (const digest of digests) misses.set(digest, clock.monotonic())
    },
    isMissing(digest) {
      const missedAt = misses.get(digest)
      return missedAt !== undefined && clock.monotonic() - missedAt < missTtlMs
    },
    count: hits.size,
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
