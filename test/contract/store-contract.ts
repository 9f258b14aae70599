import { describe, expect, it } from 'vitest'
import type { KeyStore } from '../../src/index.ts'
import type { Awaitable } from '../../src/testing/index.ts'
import { storeContract as contract, type StoreHarness } from '../../src/testing/index.ts'

/** The published suite, on Vitest. */
export function storeContract(name: string, create: () => Awaitable<KeyStore | StoreHarness>): void {
  contract({ describe, it, expect }, name, create)
}
