import type { KeyRecord } from '../keys/key-record.ts'
import { digestToHex } from '../keys/secret-hash.ts'
import type { Clock } from '../runtime/clock.ts'
import { closedError } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'
import type { Cacheable, CachedKeys } from './cached-keys.ts'
import type { ChangeHistory } from './change-history.ts'
import type { Lookup } from './key-cache-interface.ts'
import type { Lookups } from './lookups.ts'
import type { Found } from './paid-lookups.ts'

export interface KeyReadsOptions<Compiled> {
  store: Pick<KeyStore, 'scope'>
  clock: Clock
  compile: (record: KeyRecord, index: number, sibling: Compiled | undefined) => Compiled
  cached: CachedKeys<Compiled>
  changes: ChangeHistory
  lookups: Lookups
}

/** Reads keys from the store into the cache. Concurrent reads of one secret share one question. */
export interface KeyReads<Compiled> {
  /** Reads a secret that is not cached. */
  load(
    digest: string,
    source: string,
    older: (() => readonly string[]) | undefined,
  ): Promise<Lookup<Compiled>>
  /** Whether this secret is being read, so that `load` would join. */
  isLoading(digest: string): boolean
  /** Reads a key that was found before. Charges nobody. */
  readAgain(key: Compiled): Promise<Compiled | 'unknown'>
  /** Reads a cached key again while requests go on using it. */
  refresh(hit: Compiled, monotonic: number): void
  /** From now on no request waits for a read that is under way. */
  forget(): void
  close(): void
}

/**
 * A cached key is read again after 45 to 60 seconds, at random so that not all are read at once. This finds a
 * change that somebody made in the database by hand, without raising the revision.
 */
const hitTtlMs = { least: 45_000, most: 59_000 }
/** A key that could not be read again is retried after this time. */
const retrySeconds = 5

export function createKeyReads<Compiled extends Cacheable>(
  options: KeyReadsOptions<Compiled>,
): KeyReads<Compiled> {
  const { store, clock, compile, cached, changes, lookups } = options
  const flights = createFlights<Lookup<Compiled>>()
  const rereads = createFlights<Compiled | 'unknown'>()
  let closed = false

  function load(
    digest: string,
    source: string,
    older: (() => readonly string[]) | undefined,
  ): Promise<Lookup<Compiled>> {
    return flights.join(digest, async () => {
      const digests = older === undefined ? [digest] : [digest, ...older()]
      const found = await lookups.find(digests, source)
      return found === 'source_exhausted' ? 'too_many_failures' : keep(found, digests)
    })
  }

  function readAgain(key: Compiled): Promise<Compiled | 'unknown'> {
    const { digest } = key
    return rereads.join(digest, async () => keep(await lookups.findAgain(digest), [digest]))
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
    // Other work may have run between the answer and here; the caller judges again.
    if (changes.none(generation, record.id)) cached.add(compiled)
    return compiled
  }

  function freshUntilSeconds(): number | null {
    if (store.scope === 'process') return null
    const ttlMs = hitTtlMs.least + Math.random() * (hitTtlMs.most - hitTtlMs.least)
    return Math.ceil((clock.monotonic() + ttlMs) / 1_000)
  }

  /** Reads a key again while requests go on using the cached one. */
  function refresh(hit: Compiled, monotonic: number): void {
    hit.freshUntilSeconds = Math.ceil(monotonic / 1_000) + retrySeconds
    readAgain(hit).catch(() => {})
  }

  return {
    load,
    isLoading: (digest) => flights.has(digest),
    readAgain,
    refresh,
    forget() {
      flights.clear()
      rereads.clear()
    },
    close() {
      closed = true
    },
  }
}

/** Reads under way, by digest: who asks for the same one meanwhile shares the answer. */
function createFlights<Answer>() {
  const flights = new Map<string, Promise<Answer>>()
  return {
    has: (digest: string) => flights.has(digest),
    clear: () => flights.clear(),
    join(digest: string, read: () => Promise<Answer>): Promise<Answer> {
      const flying = flights.get(digest)
      if (flying !== undefined) return flying
      const flight = read().finally(() => {
        if (flights.get(digest) === flight) flights.delete(digest)
      })
      flights.set(digest, flight)
      return flight
    },
  }
}
