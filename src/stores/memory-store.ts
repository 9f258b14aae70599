import type { AuditEntry } from '../keys/audit-entry.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { fitsList } from '../keys/list-fit.ts'
import { type PagePosition, type ParsedListQuery, sortValue } from '../keys/list-query.ts'
import { randomBase62 } from '../runtime/base62.ts'
import {
  type ChangeListener,
  type CommittedChange,
  defaultLeaseMs,
  type KeyRecordPage,
  type KeyStore,
  type PollAnswer,
  type Position,
} from './key-store.ts'
import { createMemoryAudit } from './memory-audit.ts'
import { createMemoryFleet } from './memory-fleet.ts'
import { createMemorySecrets } from './memory-secrets.ts'
import { createMemoryUsage } from './memory-usage.ts'

/** Changes that are remembered one by one. */
const maxChanges = 1_000

/**
 * Keeps keys in this process's memory: for tests, demos, and apps that create their keys at start. Nothing
 * survives a restart. The audit log keeps the last 10 000 entries, usage the last 250 000 numbers.
 */
export function createMemoryStore(): KeyStore {
  const records = new Map<string, KeyRecord>()
  const secrets = createMemorySecrets()
  const auditLog = createMemoryAudit()
  const usage = createMemoryUsage((keyId) => records.has(keyId))
  const fleet = createMemoryFleet()
  const peppers = new Set<string>()
  const listeners = new Set<ChangeListener>()
  /** The history, oldest first. Its first entry only says where it begins. */
  let history: { position: Position; keyId: string }[] = [
    { position: { revision: 0, mark: randomBase62(16) }, keyId: '' },
  ]

  const lastEventOf = (id: string) => (usage.lastEvents([id]) as ReadonlyMap<string, number>).get(id) ?? 0

  const here = (): Position => (history.at(-1) as (typeof history)[number]).position

  function commit(keyId: string, audit: AuditEntry): CommittedChange {
    const position = { revision: here().revision + 1, mark: randomBase62(16) }
    history.push({ position, keyId })
    // Cut in blocks, because each cut moves everything that stays.
    if (history.length > 2 * maxChanges) history = history.slice(-maxChanges)
    auditLog.append(audit)
    for (const listener of listeners) listener([keyId])
    return { position, leaseMs: defaultLeaseMs }
  }

  function changedSince(since: Position | null): Pick<PollAnswer, 'history' | 'changed'> {
    if (since === null) return { history: 'kept', changed: 'all' }
    const oldest = (history[0] as (typeof history)[number]).position.revision
    if (since.revision < oldest) return { history: 'pruned', changed: 'all' }
    if (history[since.revision - oldest]?.position.mark !== since.mark)
      return { history: 'lost', changed: 'all' }
    const changed = history.slice(since.revision - oldest + 1).map(({ keyId }) => keyId)
    return { history: 'kept', changed: [...new Set(changed)] }
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
        position: here(),
        ...changedSince(since),
        leaseMs: defaultLeaseMs,
        isWatched: fleet.isWatched(),
        peppers: [...peppers],
        ...(record !== undefined && { record }),
      }
    },
    get(id) {
      const record = records.get(id)
      return record && usage.withLastUse(record)
    },
    getMany: (ids) => ids.flatMap((id) => records.get(id) ?? []).map(usage.withLastUse),
    list(query) {
      const page = selectPage([...records.values()], query, lastEventOf)
      return { ...page, data: page.data.map(usage.withLastUse) }
    },
    ids: (filter, after, limit) =>
      [...records.values()]
        .filter(({ id }) => after === null || id > after)
        .filter((record) => fitsList(record, filter, lastEventOf(record.id)))
        .map(({ id }) => id)
        .sort()
        .slice(0, limit),
    count: (query) =>
      [...records.values()].filter((record) => fitsList(record, query, lastEventOf(record.id))).length,
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

function selectPage(
  records: KeyRecord[],
  query: ParsedListQuery,
  lastEventOf: (id: string) => number,
): KeyRecordPage {
  const { sort, after } = query
  const turn = sort.descending ? -1 : 1
  const compare = (one: PagePosition, other: PagePosition) =>
    turn * (compareValues(one.value, other.value) || compareValues(one.id, other.id))
  const matching = records
    .filter((record) => fitsList(record, query, lastEventOf(record.id)))
    .map((record) => ({ record, id: record.id, value: sortValue(sort.by, record, lastEventOf(record.id)) }))
    .filter((one) => after === undefined || compare(one, after) > 0)
    .sort(compare)
  return {
    data: matching.slice(0, query.limit).map(({ record }) => record),
    more: matching.length > query.limit,
  }
}

/** Code-unit order, as SQL stores compare ids. `localeCompare` would differ between machines. */
function compareValues(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
