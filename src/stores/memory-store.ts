import type { AuditEntry } from '../keys/audit-entry.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { readOptions } from '../runtime/options.ts'
import { type ChangeListener, type CommittedChange, defaultLeaseMs, type KeyStore } from './key-store.ts'
import { createMemoryAudit } from './memory-audit.ts'
import { createMemoryFleet } from './memory-fleet.ts'
import { createMemoryHistory } from './memory-history.ts'
import { createMemoryReads } from './memory-reads.ts'
import { createMemorySecrets } from './memory-secrets.ts'
import { createMemoryUsage } from './memory-usage.ts'

/**
 * Keeps keys in this process's memory: for tests, demos, and apps that create their keys at start. Nothing
 * survives a restart. The audit log keeps the last 10 000 entries, usage the last 250 000 counts.
 *
 * @param options it has none
 * @throws ConfigError for an option
 */
export function createMemoryStore(options: Readonly<Record<string, never>> = {}): KeyStore {
  readOptions('createMemoryStore', options, {})
  const records = new Map<string, KeyRecord>()
  const secrets = createMemorySecrets()
  const auditLog = createMemoryAudit()
  const usage = createMemoryUsage((keyId) => records.has(keyId))
  const fleet = createMemoryFleet()
  const peppers = new Set<string>()
  const listeners = new Set<ChangeListener>()
  const history = createMemoryHistory()

  function commit(keyId: string, audit: AuditEntry): CommittedChange {
    const position = history.add(keyId)
    auditLog.append(audit)
    for (const listener of listeners) listener([keyId])
    return { position, leaseMs: defaultLeaseMs }
  }

  function insert(record: KeyRecord, audit: AuditEntry): CommittedChange | undefined {
    if (auditLog.has(audit.id) || records.has(record.id) || !secrets.allow(record)) return undefined
    secrets.change(undefined, record, audit.at)
    records.set(record.id, record)
    return commit(record.id, audit)
  }

  return {
    scope: 'process',
    poll({ since, keyHash }) {
      const record = records.get(secrets.ownerOf(keyHash) ?? '')
      return {
        position: history.here(),
        ...history.changedSince(since),
        leaseMs: defaultLeaseMs,
        isWatched: fleet.isWatched(),
        peppers: [...peppers],
        ...(record !== undefined && { record }),
      }
    },
    ...createMemoryReads(records, usage),
    insert,
    insertAll: (creations) => creations.map(({ record, audit }) => insert(record, audit)),
    replace(record, audit) {
      const stored = records.get(record.id)
      if (stored === undefined || stored.version !== record.version - 1) return undefined
      if (!secrets.allow(record)) return undefined
      secrets.change(stored, record, audit.at)
      records.set(record.id, record)
      return commit(record.id, audit)
    },
    remove(id, version, audit) {
      const stored = records.get(id)
      if (stored === undefined || stored.version !== version) return undefined
      secrets.change(stored, undefined, audit.at)
      records.delete(id)
      usage.forget(stored)
      fleet.forget(id)
      return commit(id, audit)
    },
    notePepper(fingerprint, known) {
      if ([...peppers].every((other) => known.includes(other))) peppers.add(fingerprint)
      return [...peppers]
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    ended: secrets.ended,
    usage,
    fleet,
    audit: auditLog,
    close() {},
  }
}
