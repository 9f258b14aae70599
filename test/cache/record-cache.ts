import type { Cacheable } from '../../src/cache/cached-keys.ts'
import { createKeyCache, type KeyCacheOptions } from '../../src/cache/key-cache.ts'
import type { KeyCache } from '../../src/cache/key-cache-interface.ts'
import { createOutages } from '../../src/cache/outages.ts'
import { createUnknownKeyBudget } from '../../src/cache/unknown-key-budget.ts'
import type { KeyRecord } from '../../src/keys/key-record.ts'
import type { KeyStore } from '../../src/stores/key-store.ts'
import type { ManualClock } from '../../src/testing/manual-clock.ts'

export type CachedRecord = KeyRecord & Cacheable

/** The real cache, of records as they are. */
export function createRecordCache(
  store: KeyStore,
  clock: ManualClock,
  {
    onStoreError = () => {},
    ...options
  }: Partial<KeyCacheOptions<CachedRecord>> & { onStoreError?: (error: Error) => void } = {},
): KeyCache<CachedRecord> {
  const outages = createOutages(onStoreError, () => {})
  return createKeyCache<CachedRecord>({
    store,
    clock,
    compile: (record) => ({ ...record, freshUntilSeconds: null, digest: '' }),
    budget: createUnknownKeyBudget(clock),
    maxKeys: 100,
    // Long, so that the timer, which runs on real time, does not poll on its own within a test.
    leaseMs: 60_000,
    namesLease: false,
    staleOnOutageMs: 0,
    index: true,
    storeOutage: outages,
    onUntold: () => {},
    hintsOutage: outages,
    onStaleAccept: () => {},
    onAnswer() {},
    onRevisionRegressed: () => {},
    ...options,
  })
}
