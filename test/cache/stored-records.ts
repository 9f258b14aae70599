import type { KeyCache } from '../../src/cache/key-cache-interface.ts'
import type { KeyRecord } from '../../src/keys/key-record.ts'
import type { KeyStore } from '../../src/stores/key-store.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { auditEntry } from '../stores/sql/audit-entry.ts'
import type { CachedRecord } from './record-cache.ts'
import { digestOf } from './shared-memory.ts'

export const source = () => '192.0.2.1'

export async function insert(store: KeyStore): Promise<KeyRecord> {
  const record = createKeyRecord()
  await store.insert(record, auditEntry())
  return record
}

export async function change(store: KeyStore, record: KeyRecord): Promise<KeyRecord> {
  const next = { ...record, status: 'revoked' as const, version: record.version + 1 }
  await store.replace(next, auditEntry())
  return next
}

export async function statusOf(cache: KeyCache<CachedRecord>, record: KeyRecord): Promise<string> {
  const found = await cache.find(digestOf(record), source)
  return typeof found === 'string' ? found : found.status
}

/** Until answers that are there have been applied. */
export const settle = () => new Promise(setImmediate)
