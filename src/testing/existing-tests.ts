import type { KeyRecord } from '../keys/key-record.ts'
import type { ExistingSecret, ExistingSecrets } from '../stores/key-store.ts'
import { auditOf, type StoreSuite } from './store-suite.ts'
import { createKeyRecord, createSecretRecord } from './stored-key.ts'

/** The part of the store contract about which secrets exist. Stores without this method pass. */
export function existingTests({ test, expect, insert }: StoreSuite): void {
  async function readPages(existing: ExistingSecrets, limit: number): Promise<ExistingSecret[][]> {
    const pages: ExistingSecret[][] = []
    for (let after: string | null = null; ; ) {
      const page: readonly ExistingSecret[] = await existing.page(after, limit)
      const last = page.at(-1)
      if (last === undefined) return pages
      pages.push([...page])
      after = last.keyHash
    }
  }

  const secretsOf = ({ id: keyId, secrets }: KeyRecord) =>
    secrets.map(({ keyHash }) => ({ keyId, keyHash })).toSorted(byHash)

  test('tells which secrets exist, page by page in the order of their hashes', async (store) => {
    const { existing } = store
    if (existing === undefined) return
    const records = [
      await insert(store, { secrets: [createSecretRecord(), createSecretRecord(), createSecretRecord()] }),
      await insert(store, { status: 'revoked' }),
    ]
    for (let count = 0; count < 5; count++) records.push(await insert(store))
    const removed = await insert(store)
    await store.remove(removed.id, 1, auditOf('remove', removed))
    const pages = await readPages(existing, 3)
    const all = pages.flat()
    for (const page of pages) expect(page.length <= 3).toBe(true)
    expect(all).toEqual(all.toSorted(byHash))
    expect(new Set(all.map(({ keyHash }) => keyHash)).size).toBe(all.length)
    for (const record of records)
      expect(all.filter(({ keyId }) => keyId === record.id)).toEqual(secretsOf(record))
    expect(all.some(({ keyId }) => keyId === removed.id)).toBe(false)
  })

  test('tells which secrets given keys have now', async (store) => {
    const { existing } = store
    if (existing === undefined) return
    const [one, other, removed] = [await insert(store), await insert(store), await insert(store)]
    const rotated = { ...one, secrets: [...one.secrets, createSecretRecord()], version: 2 }
    await store.replace(rotated, auditOf('rotate', rotated))
    await store.remove(removed.id, 1, auditOf('remove', removed))
    const told = await existing.of([one.id, removed.id, createKeyRecord().id])
    expect([...told].toSorted(byHash)).toEqual(secretsOf(rotated))
    expect(await existing.of([])).toEqual([])
    expect(await existing.of([other.id])).toEqual(secretsOf(other))
  })
}

function byHash(one: ExistingSecret, other: ExistingSecret): number {
  return one.keyHash < other.keyHash ? -1 : 1
}
