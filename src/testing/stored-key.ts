import { newId } from '../keys/ids.ts'
import type { KeyRecord, SecretRecord } from '../keys/key-record.ts'
import { unsetFields } from '../keys/settable-fields.ts'
import { randomBase62 } from '../runtime/base62.ts'

/** A valid, unique key as a store gets it; `changes` replaces fields. */
export function createKeyRecord(changes: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: newId('key'),
    name: 'Web App',
    sourceType: 'web',
    environment: 'production',
    status: 'active',
    pausedBy: null,
    ...unsetFields,
    secrets: [createSecretRecord()],
    createdAt: 1_768_478_400_000,
    updatedAt: 1_768_478_400_000,
    revokedAt: null,
    version: 1,
    ...changes,
  }
}

/** A secret of such a key. No presented secret has its hash. */
export function createSecretRecord(changes: Partial<SecretRecord> = {}): SecretRecord {
  return {
    id: newId('secret'),
    keyHash: Buffer.from(randomBase62(32), 'latin1').toString('hex'),
    start: 'sk_live_abcd',
    createdAt: 1_768_478_400_000,
    expiresAt: null,
    lastUsedAt: null,
    imported: false,
    ...changes,
  }
}
