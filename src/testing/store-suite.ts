import type { AuditAction, AuditEntry } from '../keys/audit-entry.ts'
import { newId } from '../keys/ids.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import type { CommittedChange, KeyStore } from '../stores/key-store.ts'
import type { StoreHarness } from './store-harness.ts'
import type { Expectation } from './test-tools.ts'

/** What the parts of the store contract share. */
export interface StoreSuite {
  /** A test on a store of its own. */
  test(behaviour: string, body: (store: KeyStore, harness: StoreHarness) => Promise<void>): void
  expect(value: unknown): Expectation
  insert(store: KeyStore, changes?: Partial<KeyRecord>): Promise<KeyRecord>
  expectCommitted(change: CommittedChange | undefined): void
}

export async function find(store: KeyStore, keyHash: string): Promise<KeyRecord | undefined> {
  return (await store.poll({ since: null, keyHash })).record
}

export async function revisionOf(store: KeyStore): Promise<number> {
  return (await store.poll({ since: null })).position.revision
}

export function hashOf(record: KeyRecord): string {
  return record.secrets[0]?.keyHash as string
}

export function auditOf(action: AuditAction, record: KeyRecord | null): AuditEntry {
  return {
    id: newId('audit'),
    at: 1_768_478_400_000,
    action,
    actor: null,
    address: null,
    keyId: record?.id ?? null,
    before: null,
    after: null,
  }
}
