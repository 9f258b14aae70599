import type { KeyRecord } from '../keys/key-record.ts'
import type { CommittedChange, Creation, KeyStore } from '../stores/key-store.ts'
import { auditOf, find, hashOf, revisionOf, type StoreSuite } from './store-suite.ts'
import { createKeyRecord, createSecretRecord } from './stored-key.ts'

const endedAt = 1_768_478_400_000

/** The part of the store contract about secrets that have ended. Stores without this method pass. */
export function endedTests({ test, expect, insert, expectCommitted }: StoreSuite): void {
  const withHash = (keyHash: string) => createKeyRecord({ secrets: [createSecretRecord({ keyHash })] })
  const creationOf = (record: KeyRecord): Creation => ({ record, audit: auditOf('create', record) })

  async function expectEnded(store: KeyStore, hashes: readonly string[]): Promise<void> {
    const all = [...hashes, hashOf(createKeyRecord())]
    expect([...((await store.ended?.(all)) ?? [])].toSorted()).toEqual(
      hashes.map((keyHash) => [keyHash, endedAt]).toSorted(),
    )
  }

  test('remembers the secrets of a key that is removed, and lets nobody have them again', async (store) => {
    if (store.ended === undefined) return
    const secrets = [createSecretRecord(), createSecretRecord({ imported: true, start: '' })]
    const record = await insert(store, { secrets, status: 'revoked', revokedAt: 1 })
    const hashes = secrets.map(({ keyHash }) => keyHash)
    await expectEnded(store, [])
    expectCommitted(await store.remove(record.id, 1, auditOf('remove', record)))
    await expectEnded(store, hashes)
    const revision = await revisionOf(store)
    for (const keyHash of hashes) {
      const again = withHash(keyHash)
      expect(await store.insert(again, auditOf('create', again))).toBeUndefined()
      expect(await store.get(again.id)).toBeUndefined()
      expect(await find(store, keyHash)).toBeUndefined()
    }
    expect(await revisionOf(store)).toBe(revision)
  })

  test('remembers a secret that a new version of its key lacks, by its own deadline if that came first', async (store) => {
    if (store.ended === undefined) return
    const early = createSecretRecord({ expiresAt: endedAt - 5_000 })
    const record = await insert(store, { secrets: [early, createSecretRecord()] })
    const [, late] = record.secrets as [unknown, KeyRecord['secrets'][number]]
    const next = createSecretRecord()
    const rotated = { ...record, secrets: [{ ...late, expiresAt: endedAt + 5_000 }, next], version: 2 }
    expectCommitted(await store.replace(rotated, auditOf('rotate', rotated)))
    expect([...(await store.ended([early.keyHash, late.keyHash, next.keyHash]))]).toEqual([
      [early.keyHash, endedAt - 5_000],
    ])
    const single = { ...rotated, secrets: [next], version: 3 }
    expectCommitted(await store.replace(single, auditOf('end_grace', single)))
    await expectEnded(store, [late.keyHash])
    const renamed = { ...single, name: 'Renamed', version: 4 }
    expectCommitted(await store.replace(renamed, auditOf('update', renamed)))
    await expectEnded(store, [late.keyHash])
    expect(await find(store, next.keyHash)).toEqual(renamed)
  })

  test('gives no key an ended secret by a change', async (store) => {
    if (store.ended === undefined) return
    const [gone, stays] = [await insert(store), await insert(store)]
    expectCommitted(await store.remove(gone.id, 1, auditOf('remove', gone)))
    const revision = await revisionOf(store)
    const secrets = [...stays.secrets, createSecretRecord({ keyHash: hashOf(gone) })]
    const changed = { ...stays, secrets, version: 2 }
    expect(await store.replace(changed, auditOf('rotate', changed))).toBeUndefined()
    expect(await store.get(stays.id)).toEqual(stays)
    expect(await find(store, hashOf(gone))).toBeUndefined()
    expect(await revisionOf(store)).toBe(revision)
  })

  test('makes of many keys those whose secrets have not ended, and tells of many at once', async (store) => {
    if (store.ended === undefined || store.insertAll === undefined) return
    const creations = Array.from({ length: 500 }, () => creationOf(createKeyRecord()))
    await store.insertAll(creations)
    const removed = creations.filter((_, index) => index % 16 === 0).map(({ record }) => record)
    for (const record of removed) await store.remove(record.id, 1, auditOf('remove', record))
    const hashes = removed.map(hashOf)
    await expectEnded(store, hashes)
    const fresh = createKeyRecord()
    const again = [...hashes.slice(0, 20).map(withHash), fresh].map(creationOf)
    const made = (await store.insertAll(again)).map((change) => change !== undefined)
    expect(made).toEqual([...Array.from({ length: 20 }, () => false), true])
    expect(await find(store, hashOf(fresh))).toEqual(fresh)
    for (const { record } of again.slice(0, 3)) expect(await store.get(record.id)).toBeUndefined()
  })

  test('never has a secret both ended and alive, when keys with it are made while it ends', async (store) => {
    const { ended, insertAll } = store
    if (ended === undefined) return
    for (let round = 0; round < 12; round++) {
      const record = await insert(store, { secrets: [createSecretRecord(), createSecretRecord()] })
      const [keyHash, kept] = record.secrets.map((secret) => secret.keyHash) as [string, string]
      const rotated = { ...record, secrets: record.secrets.slice(1), version: 2 }
      const end = async () =>
        round % 2 === 0
          ? store.remove(record.id, 1, auditOf('remove', record))
          : store.replace(rotated, auditOf('rotate', rotated))
      const make = async (attempt: number): Promise<(CommittedChange | undefined)[]> => {
        const rival = withHash(keyHash)
        const creation = creationOf(rival)
        return attempt % 2 === 0 || insertAll === undefined
          ? [await store.insert(rival, creation.audit)]
          : [...(await insertAll([creation]))]
      }
      const [change, ...made] = await Promise.all([end(), ...[0, 1, 2, 3].map(make)])
      expectCommitted(change)
      expect(made.flat()).toEqual([undefined, undefined, undefined, undefined])
      expect(await find(store, keyHash)).toBeUndefined()
      await expectEnded(store, round % 2 === 0 ? [keyHash, kept] : [keyHash])
    }
  })
}
