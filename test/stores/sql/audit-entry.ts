import type { AuditEntry } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'

/** The audit entry of a change that a test hands to a store. */
export function auditEntry(id = `aud_${randomBase62(16)}`): AuditEntry {
  return {
    id,
    at: 0,
    action: 'create',
    actor: null,
    address: null,
    keyId: null,
    before: null,
    after: null,
  }
}
