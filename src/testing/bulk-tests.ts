import type { Creation } from '../stores/key-store.ts'
import { auditOf, find, hashOf, revisionOf, type StoreSuite } from './store-suite.ts'
import { createKeyRecord, createSecretRecord } from './stored-key.ts'

/** The part of the store contract about inserting many keys at once. Stores without this method pass. */
export function bulkTests({ test, expect, insert, expectCommitted }: StoreSuite): void {
  const creationOf = (record = createKeyRecord()): Creation => ({ record, audit: auditOf('create', record) })

  test('makes many keys at once, each with a revision of its own', async (store) => {
    if (store.insertAll === undefined) return
    const before = await store.poll({ since: null })
    const creations = Array.from({ length: 450 }, () => creationOf())
    const committed = await store.insertAll(creations)
    for (const change of committed) expectCommitted(change)
    const revisions = committed.map((change) => change?.position.revision)
    expect(revisions).toEqual(creations.map((_, index) => before.position.revision + 1 + index))
    const after = await store.poll({ since: before.position })
    expect(after.position).toEqual(committed.at(-1)?.position)
    expect([...(after.changed as string[])].toSorted()).toEqual(
      creations.map(({ record }) => record.id).toSorted(),
    )
    const halfway = committed[224]?.position
    if (halfway === undefined) throw new Error('the first half was not made')
    expect((await store.poll({ since: halfway })).changed.length).toBe(225)
    for (const { record } of creations.slice(0, 3)) expect(await store.get(record.id)).toEqual(record)
    for (const { record } of creations.slice(-3)) expect(await find(store, hashOf(record))).toEqual(record)
  })

  test('leaves out of many what exists, or is there twice, and makes the others', async (store) => {
    if (store.insertAll === undefined) return
    const stored = await insert(store)
    const [good, twin, last] = [createKeyRecord(), createKeyRecord(), createKeyRecord()]
    const sameHash = createKeyRecord({ secrets: [createSecretRecord({ keyHash: hashOf(stored) })] })
    const sameId = createKeyRecord({ id: stored.id })
    const twinOfGood = { ...twin, secrets: [createSecretRecord({ keyHash: hashOf(good) })] }
    const spent = creationOf()
    await store.insert(spent.record, spent.audit)
    await store.remove(spent.record.id, 1, auditOf('remove', spent.record))
    const underSpent = { ...creationOf(), audit: { ...spent.audit, keyId: null } }
    const revision = await revisionOf(store)
    const committed = await store.insertAll([
      creationOf(good),
      creationOf(sameHash),
      creationOf(sameId),
      creationOf(twinOfGood),
      underSpent,
      creationOf(last),
    ])
    expect(committed.map((change) => change !== undefined)).toEqual([true, false, false, false, false, true])
    expect(await revisionOf(store)).toBe(revision + 2)
    expect(await store.get(stored.id)).toEqual(stored)
    expect(await find(store, hashOf(good))).toEqual(good)
    expect(await find(store, hashOf(last))).toEqual(last)
    for (const { id } of [sameHash, twin, underSpent.record]) expect(await store.get(id)).toBeUndefined()
    expect(await find(store, hashOf(sameId))).toBeUndefined()
    const none = await store.insertAll([creationOf(sameHash)])
    expect(none).toEqual([undefined])
    expect(await store.insertAll([])).toEqual([])
    expect(await revisionOf(store)).toBe(revision + 2)
    if (store.audit === undefined) return
    const entries = async (keyId: string) => (await store.audit?.list({ keyId, limit: 10 }))?.data.length
    expect([await entries(good.id), await entries(sameHash.id), await entries(twin.id)]).toEqual([1, 0, 0])
  })

  test('makes each key once when many calls make the same ones', async (store) => {
    const { insertAll } = store
    if (insertAll === undefined) return
    const hashes = Array.from({ length: 40 }, () => hashOf(createKeyRecord()))
    const calls = Array.from({ length: 4 }, (_, call) => {
      const inOrder = call % 2 === 0 ? hashes : hashes.toReversed()
      return inOrder.map((keyHash) =>
        creationOf(createKeyRecord({ secrets: [createSecretRecord({ keyHash })] })),
      )
    })
    const made = (await Promise.all(calls.map(async (creations) => insertAll(creations)))).flatMap(
      (committed, call) =>
        committed.flatMap((change, index) =>
          change === undefined ? [] : [calls[call]?.[index] as Creation],
        ),
    )
    expect(made.map(({ record }) => hashOf(record)).toSorted()).toEqual(hashes.toSorted())
    for (const { record } of made) expect(await find(store, hashOf(record))).toEqual(record)
  })
}
