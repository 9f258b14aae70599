import type { AuditEntry } from '../keys/audit-entry.ts'
import type { AuditLog } from './usage-store.ts'

const maxEntries = 10_000

/** An audit log in memory that keeps the last 10 000 entries. */
export function createMemoryAudit(): AuditLog & { has(id: string): boolean } {
  const entries: AuditEntry[] = []
  const ids = new Set<string>()
  return {
    has: (id) => ids.has(id),
    append(entry) {
      entries.push(entry)
      ids.add(entry.id)
      if (entries.length < maxEntries + 1_000) return
      // Cut in blocks, because each cut moves everything that stays.
      for (const { id } of entries.splice(0, entries.length - maxEntries)) ids.delete(id)
    },
    list({ keyId, workspace, limit, after }) {
      const matching = entries
        .filter((entry) => keyId === undefined || entry.keyId === keyId)
        .filter((entry) => workspace === undefined || (entry.workspace ?? null) === workspace)
        .filter((entry) => after === undefined || isOlder(entry, after))
        .sort((a, b) => (isOlder(a, b) ? 1 : -1))
      return { data: matching.slice(0, limit), more: matching.length > limit }
    },
  }
}

function isOlder(entry: { at: number; id: string }, other: { at: number; id: string }): boolean {
  return entry.at === other.at ? entry.id < other.id : entry.at < other.at
}
