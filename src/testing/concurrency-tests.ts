import { auditOf, find, hashOf, type StoreSuite } from './store-suite.ts'
import { createKeyRecord, createSecretRecord } from './stored-key.ts'

/** The part of the store contract about concurrent changes. */
export function concurrencyTests({ test, expect, insert }: StoreSuite): void {
  test('lets one of many concurrent changes win', async (store) => {
    const record = await insert(store)
    const rivals = Array.from({ length: 20 }, (_, index) => ({
      ...record,
      name: `Rival ${index}`,
      version: 2,
    }))
    const won = await Promise.all(rivals.map(async (rival) => store.replace(rival, auditOf('update', rival))))
    expect(won.filter(Boolean).length).toBe(1)
    expect(await store.get(record.id)).toEqual(rivals[won.findIndex(Boolean)])
  })

  test('lets one of many concurrent inserts of one hash win', async (store) => {
    const keyHash = hashOf(createKeyRecord())
    const rivals = Array.from({ length: 10 }, () =>
      createKeyRecord({ secrets: [createSecretRecord({ keyHash })] }),
    )
    const won = await Promise.all(rivals.map(async (rival) => store.insert(rival, auditOf('create', rival))))
    expect(won.filter(Boolean).length).toBe(1)
    expect(await find(store, keyHash)).toEqual(rivals[won.findIndex(Boolean)])
  })

  test('lets a change or a removal win, never both', async (store) => {
    const record = await insert(store)
    const changed = { ...record, name: 'Changed', version: 2 }
    const won = await Promise.all([
      (async () => store.replace(changed, auditOf('update', changed)))(),
      (async () => store.remove(record.id, 1, auditOf('remove', record)))(),
    ])
    expect(won.filter(Boolean).length).toBe(1)
    expect(await store.get(record.id)).toEqual(won[0] ? changed : undefined)
  })
}
