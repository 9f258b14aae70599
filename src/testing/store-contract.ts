import type { Awaitable } from '../runtime/awaitable.ts'
import type { KeyStore } from '../stores/key-store.ts'
import { auditTests } from './audit-tests.ts'
import { bulkTests } from './bulk-tests.ts'
import { concurrencyTests } from './concurrency-tests.ts'
import { endedTests } from './ended-tests.ts'
import { existingTests } from './existing-tests.ts'
import { fleetTests } from './fleet-tests.ts'
import { historyTests } from './history-tests.ts'
import { listTests } from './list-tests.ts'
import { pepperTests } from './pepper-tests.ts'
import { recordTests } from './record-tests.ts'
import type { StoreHarness } from './store-harness.ts'
import { auditOf, type StoreSuite } from './store-suite.ts'
import { createKeyRecord } from './stored-key.ts'
import type { TestTools } from './test-tools.ts'
import { usageTests } from './usage-tests.ts'

/**
 * Tests that every `KeyStore` must pass, for your test runner. `create` is called for each test.
 *
 * @example
 * ```ts
 * import { describe, expect, it } from 'vitest'
 * import { storeContract } from 'writekey/testing'
 *
 * storeContract({ describe, it, expect }, 'my store', () => createMyStore())
 * ```
 */
export function storeContract(
  { describe, it, expect }: TestTools,
  name: string,
  create: () => Awaitable<KeyStore | StoreHarness>,
): void {
  const test: StoreSuite['test'] = (behaviour, body) => {
    it(behaviour, async () => {
      const created = await create()
      const harness: StoreHarness = 'store' in created ? created : { store: created }
      try {
        await body(harness.store, harness)
      } finally {
        await (harness.close === undefined ? harness.store.close() : harness.close())
      }
    })
  }

  const expectCommitted: StoreSuite['expectCommitted'] = (change) => {
    expect(typeof change?.position.revision).toBe('number')
    expect(change?.position.mark).toMatch(/^[0-9A-Za-z]{16}$/)
    expect(change?.leaseMs).toBeGreaterThan(0)
  }

  const insert: StoreSuite['insert'] = async (store, changes = {}) => {
    const record = createKeyRecord(changes)
    expectCommitted(await store.insert(record, auditOf('create', record)))
    return record
  }

  const suite: StoreSuite = { test, expect, insert, expectCommitted }
  describe(name, () => {
    recordTests(suite)
    bulkTests(suite)
    concurrencyTests(suite)
    historyTests(suite)
    existingTests(suite)
    endedTests(suite)
    listTests(suite)
    pepperTests(suite)
    auditTests(suite)
    fleetTests(suite)

    usageTests(test, insert, expect)
  })
}
