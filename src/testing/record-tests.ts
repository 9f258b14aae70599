import type { KeyRecord } from '../keys/key-record.ts'
import { randomBase62 } from '../runtime/base62.ts'
import { auditOf, find, hashOf, revisionOf, type StoreSuite } from './store-suite.ts'
import { createKeyRecord, createSecretRecord } from './stored-key.ts'

/** The part of the store contract about single keys. */
export function recordTests({ test, expect, insert, expectCommitted }: StoreSuite): void {
  test('finds a key by its id and by the hash of its secret', async (store) => {
    const record = await insert(store)
    expect(await store.get(record.id)).toEqual(record)
    expect(await find(store, hashOf(record))).toEqual(record)
  })

  test('finds nothing for an id and a hash that nobody has', async (store) => {
    const lettered = createSecretRecord({ keyHash: `${hashOf(createKeyRecord()).slice(0, -2)}af` })
    const record = await insert(store, { secrets: [lettered] })
    expect(await store.get(createKeyRecord().id)).toBeUndefined()
    expect(await find(store, hashOf(createKeyRecord()))).toBeUndefined()
    expect(await find(store, hashOf(record).toUpperCase())).toBeUndefined()
    expect(await find(store, `${hashOf(record)} `)).toBeUndefined()
    expect(await find(store, '')).toBeUndefined()
  })

  test('tells ids apart by case', async (store) => {
    const record = await insert(store, { id: `wk_abc${randomBase62(13)}` })
    expect(await store.get(record.id.replace('abc', 'ABC'))).toBeUndefined()
  })

  test('keeps every field as it was given', async (store) => {
    const full = createKeyRecord({
      name: 'Ünïcode 🌍 \u202e "quoted" \\ % _ \' ; --',
      sourceType: 'server',
      environment: 'staging-2.eu_1',
      status: 'revoked',
      rateLimitEps: 0.125,
      allowedEventTypes: ['track', 'identify'],
      allowedEventNames: ['billing/*', 'Größe'],
      deniedEventNames: ['x'],
      allowedOrigins: [],
      allowedIps: ['10.0.0.0/8', '2001:db8::/32'],
      deniedIps: ['10.0.0.1/32'],
      expiresAt: 1_800_000_000_123,
      metadata: { team: 'growth', nested: { list: [1, null, 'x', { deep: true }], big: 1e21 }, '': 0 },
      secrets: [
        createSecretRecord({ expiresAt: 1_800_000_000_456, lastUsedAt: 1_768_478_400_789 }),
        createSecretRecord({ start: 'acme_wk_-_Az' }),
        createSecretRecord({ start: '', imported: true }),
      ],
      createdAt: 1_768_478_400_001,
      updatedAt: 1_768_478_400_002,
      revokedAt: 1_768_478_400_003,
      version: 41,
    })
    await insert(store, full)
    expect(await store.get(full.id)).toEqual(full)
    for (const { keyHash } of full.secrets) expect(await find(store, keyHash)).toEqual(full)
  })

  test('keeps whose pause it is, through other changes of the key, until it ends', async (store) => {
    const record = await insert(store)
    expect((await store.get(record.id))?.pausedBy).toBe(null)
    const changes: Partial<KeyRecord>[] = [
      { status: 'paused', pausedBy: 'workspace' },
      { name: 'Renamed' },
      { pausedBy: 'operator' },
      { status: 'active', pausedBy: null },
    ]
    let next = record
    for (const change of changes) {
      next = { ...next, ...change, version: next.version + 1 }
      expectCommitted(await store.replace(next, auditOf('update', next)))
      expect(await store.get(record.id)).toEqual(next)
      expect(await find(store, hashOf(record))).toEqual(next)
    }
  })

  test('keeps lists of a thousand entries in their order', async (store) => {
    const allowedEventNames = Array.from({ length: 1_000 }, (_, index) => `event-${(index * 7_919) % 1_000}`)
    const record = await insert(store, { allowedEventNames })
    expect((await store.get(record.id))?.allowedEventNames).toEqual(allowedEventNames)
  })

  test('inserts no key under an audit entry that exists, also when its own key is gone', async (store) => {
    const [first, second, third] = [createKeyRecord(), createKeyRecord(), createKeyRecord()]
    const audit = auditOf('create', first)
    expectCommitted(await store.insert(first, audit))
    expect(await store.insert(second, { ...auditOf('create', second), id: audit.id })).toBeUndefined()
    expect(await store.get(second.id)).toBeUndefined()
    expectCommitted(await store.remove(first.id, first.version, auditOf('remove', first)))
    expect(await store.insert(third, { ...auditOf('create', third), id: audit.id })).toBeUndefined()
    expect(await store.get(third.id)).toBeUndefined()
  })

  test('inserts no second key with an id or a hash that exists', async (store) => {
    const record = await insert(store)
    const revision = await revisionOf(store)
    const sameId = createKeyRecord({ id: record.id })
    const sameHash = createKeyRecord({
      secrets: [createSecretRecord(), createSecretRecord({ keyHash: hashOf(record) })],
    })
    for (const refused of [sameId, sameHash]) {
      expect(await store.insert(refused, auditOf('create', refused))).toBeUndefined()
    }
    expect(await store.get(record.id)).toEqual(record)
    expect(await store.get(sameHash.id)).toBeUndefined()
    expect(await find(store, hashOf(sameId))).toBeUndefined()
    expect(await find(store, hashOf(sameHash))).toBeUndefined()
    expect(await revisionOf(store)).toBe(revision)
  })

  test('replaces a key by its next version', async (store) => {
    const record = await insert(store)
    const next = {
      ...record,
      name: 'Renamed',
      allowedOrigins: ['https://a.example'],
      updatedAt: record.updatedAt + 5,
      version: 2,
    }
    expectCommitted(await store.replace(next, auditOf('update', next)))
    expect(await store.get(record.id)).toEqual(next)
    expect(await find(store, hashOf(record))).toEqual(next)
  })

  test('refuses any other version, and a key that is not there', async (store) => {
    const record = await insert(store, { version: 7 })
    const revision = await revisionOf(store)
    for (const version of [6, 7, 9]) {
      const stale = { ...record, name: 'Stale', version }
      expect(await store.replace(stale, auditOf('update', stale))).toBeUndefined()
    }
    const missing = createKeyRecord({ version: 2 })
    expect(await store.replace(missing, auditOf('update', missing))).toBeUndefined()
    expect(await store.get(record.id)).toEqual(record)
    expect(await store.get(missing.id)).toBeUndefined()
    expect(await revisionOf(store)).toBe(revision)
  })

  test('finds a rotated key by each of its secrets, and by none that it lost', async (store) => {
    const record = await insert(store)
    const second = createSecretRecord()
    const ended = {
      ...(record.secrets[0] as KeyRecord['secrets'][number]),
      expiresAt: record.createdAt + 1,
    }
    const rotated = { ...record, secrets: [ended, second], version: 2 }
    expectCommitted(await store.replace(rotated, auditOf('rotate', rotated)))
    expect(await find(store, ended.keyHash)).toEqual(rotated)
    expect(await find(store, second.keyHash)).toEqual(rotated)
    const single = { ...rotated, secrets: [second], version: 3 }
    expectCommitted(await store.replace(single, auditOf('end_grace', single)))
    expect(await find(store, ended.keyHash)).toBeUndefined()
    expect(await find(store, second.keyHash)).toEqual(single)
  })

  test('keeps secrets in their order through changes', async (store) => {
    let record = await insert(store, { secrets: Array.from({ length: 5 }, () => createSecretRecord()) })
    for (let change = 0; change < 4; change++) {
      const secrets = [...record.secrets.slice(1), createSecretRecord()]
      record = { ...record, secrets, version: record.version + 1 }
      expectCommitted(await store.replace(record, auditOf('rotate', record)))
      expect(await store.get(record.id)).toEqual(record)
    }
  })

  test('gives a key no hash that belongs to another one', async (store) => {
    const [one, other] = [await insert(store), await insert(store)]
    const revision = await revisionOf(store)
    const thief = {
      ...one,
      secrets: [...one.secrets, createSecretRecord({ keyHash: hashOf(other) })],
      version: 2,
    }
    expect(await store.replace(thief, auditOf('rotate', thief))).toBeUndefined()
    expect(await store.get(one.id)).toEqual(one)
    expect(await find(store, hashOf(other))).toEqual(other)
    expect(await revisionOf(store)).toBe(revision)
  })

  test('removes a key of the version named, and nothing else', async (store) => {
    const [one, other] = [await insert(store), await insert(store)]
    expect(await store.remove(one.id, 2, auditOf('remove', one))).toBeUndefined()
    expect(await store.get(one.id)).toEqual(one)
    expectCommitted(await store.remove(one.id, 1, auditOf('remove', one)))
    expect(await store.get(one.id)).toBeUndefined()
    expect(await find(store, hashOf(one))).toBeUndefined()
    expect(await store.get(other.id)).toEqual(other)
    expect(await store.remove(one.id, 1, auditOf('remove', one))).toBeUndefined()
  })
}
