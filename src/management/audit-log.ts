import type { AuditEntry } from '../keys/audit-entry.ts'
import type { KeyStore } from '../stores/key-store.ts'
import { encodeAuditCursor, type ListAuditQuery, parseAuditQuery } from './audit-query.ts'
import { type ChangeOptions, isKeyId, type KeyChanges } from './key-changes.ts'

export interface AuditPage {
  /** Newest first. */
  data: AuditEntry[]
  /** Pass it back as `cursor` for the next page; null on the last one. */
  nextCursor: string | null
}

/** A management call that was refused before it reached these write keys, for the audit log. */
export interface RefusedCall extends ChangeOptions {
  /** The key that the call named, if any. */
  keyId?: string | undefined
  /** The workspace of the caller, if it has one. */
  workspace?: string
  /**
   * What was called and why it was refused, e.g. `{ call: 'rotate', status: 403, code: 'read_only_token' }`.
   * No secret, and nothing of a body.
   */
  details: Readonly<Record<string, string | number>>
}

export interface AuditReading {
  audit(query?: ListAuditQuery): Promise<AuditPage>
  noteRefused(call: RefusedCall): Promise<void>
}

export function createAuditReading({
  store,
  changes,
}: {
  store: KeyStore
  changes: KeyChanges
}): AuditReading {
  return {
    async audit(query = {}) {
      const page = await store.audit?.list(parseAuditQuery(query))
      if (page === undefined) return { data: [], nextCursor: null }
      const last = page.data.at(-1)
      return {
        data: structuredClone(page.data),
        nextCursor: page.more && last !== undefined ? encodeAuditCursor(last) : null,
      }
    },

    async noteRefused({ keyId, workspace, details, ...change }) {
      const entry = changes.entry('refused', change, null, null)
      await store.audit?.append({
        ...entry,
        keyId: isKeyId(keyId) ? keyId : null,
        ...(workspace !== undefined && { workspace }),
        after: details,
      })
    },
  }
}
