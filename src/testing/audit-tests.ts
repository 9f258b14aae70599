import type { AuditEntry } from '../keys/audit-entry.ts'
import { auditOf, type StoreSuite } from './store-suite.ts'
import { createKeyRecord } from './stored-key.ts'

/** The part of the store contract about the audit log. Stores without one pass. */
export function auditTests({ test, expect, insert, expectCommitted }: StoreSuite): void {
  test('writes one audit entry with each change, and none with a refused one', async (store) => {
    const { audit } = store
    if (audit === undefined) return
    const record = await insert(store)
    const entry = { ...auditOf('update', record), before: { name: 'Web App' }, after: { name: 'Größe 🌍' } }
    expect(await store.replace({ ...record, version: 3 }, auditOf('update', record))).toBeUndefined()
    expectCommitted(await store.replace({ ...record, version: 2 }, entry))
    await store.remove(record.id, 2, auditOf('remove', record))
    const { data } = await audit.list({ keyId: record.id, limit: 10 })
    expect(data.map(({ action }) => action).toSorted()).toEqual(['create', 'remove', 'update'])
    expect(data.find(({ id }) => id === entry.id)).toEqual(entry)
  })

  test('reads the audit log newest first, page by page', async (store) => {
    const { audit } = store
    if (audit === undefined) return
    const { id: keyId } = createKeyRecord()
    const entries: AuditEntry[] = []
    for (let index = 0; index < 7; index++) {
      const entry = { ...auditOf('refused', null), keyId, at: 1_768_478_400_000 + Math.floor(index / 3) }
      await audit.append(entry)
      entries.push(entry)
    }
    const expected = entries.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    const first = await audit.list({ keyId, limit: 4 })
    expect(first).toEqual({ data: expected.slice(0, 4), more: true })
    const after = expected[3] as AuditEntry
    expect(await audit.list({ keyId, limit: 4, after })).toEqual({ data: expected.slice(4), more: false })
  })
}
