import type { AuditAction, AuditEntry, Awaitable, KeyRecord, KeyStore, ListKeysQuery } from '../index.ts'
import { randomBase62 } from '../keys/base62.ts'
import { encodeCursor, parseListQuery } from '../keys/list-query.ts'
import type { StoreHarness } from './store-harness.ts'
import { createKeyRecord, createSecretRecord } from './stored-key.ts'
import type { TestTools } from './test-tools.ts'
import { usageTests } from './usage-tests.ts'

/**
 * What every `KeyStore` does, as tests for your runner. `create` is called for each test.
 *
 * @example
 * ```ts
 * import { describe, expect, it } from 'vitest'
 * import { storeContract } from 'writekey/testing'
 *
 * storeContract({ describe, it, expect }, 'my store', () => createMyStore())
 * ```
 */
export function storeContract(
  { describe, it, expect }: TestTools,
  name: string,
  create: () => Awaitable<KeyStore | StoreHarness>,
): void {
  /** A test on a store of its own. */
  function test(behaviour: string, body: (store: KeyStore, harness: StoreHarness) => Promise<void>): void {
    it(behaviour, async () => {
      const created = await create()
      const harness: StoreHarness = 'store' in created ? created : { store: created }
      try {
        await body(harness.store, harness)
      } finally {
        await (harness.close === undefined ? harness.store.close() : harness.close())
      }
    })
  }

  async function insert(store: KeyStore, changes: Partial<KeyRecord> = {}): Promise<KeyRecord> {
    const record = createKeyRecord(changes)
    expect(await store.insert(record, auditOf('create', record))).toBe(true)
    return record
  }

  const revisionOf = async (store: KeyStore) => (await store.changes(null)).revision

  describe(name, () => {
    test('finds a key by its id and by the hash of its secret', async (store) => {
      const record = await insert(store)
      expect(await store.get(record.id)).toEqual(record)
      expect(await store.findByHash(hashOf(record))).toEqual(record)
    })

    test('finds nothing for an id and a hash that nobody has', async (store) => {
      const record = await insert(store)
      expect(await store.get(createKeyRecord().id)).toBeUndefined()
      expect(await store.findByHash(hashOf(createKeyRecord()))).toBeUndefined()
      expect(await store.findByHash(hashOf(record).toUpperCase())).toBeUndefined()
      expect(await store.findByHash(`${hashOf(record)} `)).toBeUndefined()
      expect(await store.findByHash('')).toBeUndefined()
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
        ],
        createdAt: 1_768_478_400_001,
        updatedAt: 1_768_478_400_002,
        revokedAt: 1_768_478_400_003,
        version: 41,
      })
      await insert(store, full)
      expect(await store.get(full.id)).toEqual(full)
      for (const { keyHash } of full.secrets) expect(await store.findByHash(keyHash)).toEqual(full)
    })

    test('keeps lists of a thousand entries in their order', async (store) => {
      const allowedEventNames = Array.from(
        { length: 1_000 },
        (_, index) => `event-${(index * 7_919) % 1_000}`,
      )
      const record = await insert(store, { allowedEventNames })
      expect((await store.get(record.id))?.allowedEventNames).toEqual(allowedEventNames)
    })

    test('inserts no key under an audit entry that exists, also when its own key is gone', async (store) => {
      const [first, second, third] = [createKeyRecord(), createKeyRecord(), createKeyRecord()]
      const audit = auditOf('create', first)
      expect(await store.insert(first, audit)).toBe(true)
      expect(await store.insert(second, { ...auditOf('create', second), id: audit.id })).toBe(false)
      expect(await store.get(second.id)).toBeUndefined()
      expect(await store.remove(first.id, first.version, auditOf('remove', first))).toBe(true)
      expect(await store.insert(third, { ...auditOf('create', third), id: audit.id })).toBe(false)
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
        expect(await store.insert(refused, auditOf('create', refused))).toBe(false)
      }
      expect(await store.get(record.id)).toEqual(record)
      expect(await store.get(sameHash.id)).toBeUndefined()
      expect(await store.findByHash(hashOf(sameId))).toBeUndefined()
      expect(await store.findByHash(hashOf(sameHash))).toBeUndefined()
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
      expect(await store.replace(next, auditOf('update', next))).toBe(true)
      expect(await store.get(record.id)).toEqual(next)
      expect(await store.findByHash(hashOf(record))).toEqual(next)
    })

    test('refuses any other version, and a key that is not there', async (store) => {
      const record = await insert(store, { version: 7 })
      const revision = await revisionOf(store)
      for (const version of [6, 7, 9]) {
        const stale = { ...record, name: 'Stale', version }
        expect(await store.replace(stale, auditOf('update', stale))).toBe(false)
      }
      const missing = createKeyRecord({ version: 2 })
      expect(await store.replace(missing, auditOf('update', missing))).toBe(false)
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
      expect(await store.replace(rotated, auditOf('rotate', rotated))).toBe(true)
      expect(await store.findByHash(ended.keyHash)).toEqual(rotated)
      expect(await store.findByHash(second.keyHash)).toEqual(rotated)
      const single = { ...rotated, secrets: [second], version: 3 }
      expect(await store.replace(single, auditOf('end_grace', single))).toBe(true)
      expect(await store.findByHash(ended.keyHash)).toBeUndefined()
      expect(await store.findByHash(second.keyHash)).toEqual(single)
    })

    test('keeps secrets in their order through changes', async (store) => {
      let record = await insert(store, { secrets: Array.from({ length: 5 }, () => createSecretRecord()) })
      for (let change = 0; change < 4; change++) {
        const secrets = [...record.secrets.slice(1), createSecretRecord()]
        record = { ...record, secrets, version: record.version + 1 }
        expect(await store.replace(record, auditOf('rotate', record))).toBe(true)
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
      expect(await store.replace(thief, auditOf('rotate', thief))).toBe(false)
      expect(await store.get(one.id)).toEqual(one)
      expect(await store.findByHash(hashOf(other))).toEqual(other)
      expect(await revisionOf(store)).toBe(revision)
    })

    test('removes a key of the version named, and nothing else', async (store) => {
      const [one, other] = [await insert(store), await insert(store)]
      expect(await store.remove(one.id, 2, auditOf('remove', one))).toBe(false)
      expect(await store.get(one.id)).toEqual(one)
      expect(await store.remove(one.id, 1, auditOf('remove', one))).toBe(true)
      expect(await store.get(one.id)).toBeUndefined()
      expect(await store.findByHash(hashOf(one))).toBeUndefined()
      expect(await store.get(other.id)).toEqual(other)
      expect(await store.remove(one.id, 1, auditOf('remove', one))).toBe(false)
    })

    test('lets one of many concurrent changes win', async (store) => {
      const record = await insert(store)
      const rivals = Array.from({ length: 20 }, (_, index) => ({
        ...record,
        name: `Rival ${index}`,
        version: 2,
      }))
      const won = await Promise.all(
        rivals.map(async (rival) => store.replace(rival, auditOf('update', rival))),
      )
      expect(won.filter(Boolean).length).toBe(1)
      expect(await store.get(record.id)).toEqual(rivals[won.indexOf(true)])
    })

    test('lets one of many concurrent inserts of one hash win', async (store) => {
      const keyHash = hashOf(createKeyRecord())
      const rivals = Array.from({ length: 10 }, () =>
        createKeyRecord({ secrets: [createSecretRecord({ keyHash })] }),
      )
      const won = await Promise.all(
        rivals.map(async (rival) => store.insert(rival, auditOf('create', rival))),
      )
      expect(won.filter(Boolean).length).toBe(1)
      expect(await store.findByHash(keyHash)).toEqual(rivals[won.indexOf(true)])
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

    test('raises its revision with every change, and by nothing else', async (store) => {
      const revisions = [await revisionOf(store)]
      const record = await insert(store)
      revisions.push(await revisionOf(store))
      const next = { ...record, version: 2 }
      await store.replace(next, auditOf('update', next))
      revisions.push(await revisionOf(store))
      await store.remove(record.id, 2, auditOf('remove', next))
      revisions.push(await revisionOf(store))
      for (let index = 1; index < revisions.length; index++) {
        expect(revisions[index]).toBeGreaterThan(revisions[index - 1] as number)
      }
      await store.get(record.id)
      await store.findByHash(hashOf(record))
      await store.list(parseListQuery({}))
      expect(await revisionOf(store)).toBe(revisions.at(-1))
    })

    test('says which keys changed since a revision', async (store) => {
      const untouched = await insert(store)
      const [changed, removed] = [await insert(store), await insert(store)]
      const since = await revisionOf(store)
      expect(await store.changes(since)).toEqual({ revision: since, changed: [] })
      const next = { ...changed, version: 2 }
      await store.replace(next, auditOf('update', next))
      await store.remove(removed.id, 1, auditOf('remove', removed))
      const created = await insert(store)
      const { revision, changed: ids } = await store.changes(since)
      expect(revision).toBe(await revisionOf(store))
      if (ids === 'all') return
      for (const { id } of [changed, removed, created]) expect(ids).toContain(id)
      expect(ids.includes(untouched.id)).toBe(false)
    })

    test('does not lose a change to a reader that knows nothing yet', async (store) => {
      const { revision } = await store.changes(null)
      const record = await insert(store)
      const { changed } = await store.changes(revision)
      expect(changed === 'all' || changed.includes(record.id)).toBe(true)
    })

    test('tells watchers of this process before a change returns', async (store) => {
      if (store.scope !== 'process' || store.watch === undefined) return
      const heard: unknown[] = []
      const unwatch = store.watch((keyIds) => heard.push(keyIds))
      const record = await insert(store)
      expect(heard).toEqual([[record.id]])
      unwatch()
      await insert(store)
      expect(heard.length).toBe(1)
    })

    test('lists the newest keys first, page by page, without gaps or repeats', async (store) => {
      const environment = `env-${randomBase62(12)}`
      const records: KeyRecord[] = []
      // Several keys share a moment, so that the id has to decide.
      for (let index = 0; index < 23; index++) {
        records.push(
          await insert(store, { environment, createdAt: 1_768_478_400_000 + Math.floor(index / 5) }),
        )
      }
      const expected = records.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      const listed: KeyRecord[] = []
      let query: ListKeysQuery | undefined = { environment, limit: 4 }
      while (query !== undefined) {
        const page = await store.list(parseListQuery(query))
        listed.push(...page.data)
        const last = page.data.at(-1)
        query = page.more && last !== undefined ? { ...query, cursor: encodeCursor(last) } : undefined
      }
      expect(listed).toEqual(expected)
      expect((await store.list(parseListQuery({ environment, limit: 23 }))).more).toBe(false)
      expect((await store.list(parseListQuery({ environment, limit: 22 }))).more).toBe(true)
    })

    test('lists by status, source type, environment, name and id', async (store) => {
      const environment = `env-${randomBase62(12)}`
      const web = await insert(store, { environment, name: 'Shop (100%_off)' })
      const server = await insert(store, {
        environment,
        name: 'Backend',
        sourceType: 'server',
        status: 'revoked',
      })
      const found = async (query: ListKeysQuery) =>
        (await store.list(parseListQuery({ environment, ...query }))).data
      expect(await found({ status: 'revoked' })).toEqual([server])
      expect(await found({ status: 'active' })).toEqual([web])
      expect(await found({ sourceType: 'server' })).toEqual([server])
      expect(await found({ q: 'sHOP' })).toEqual([web])
      expect(await found({ q: 'end' })).toEqual([server])
      expect(await found({ q: '100%_' })).toEqual([web])
      for (const q of ['%', '_', '(100', 'p (1']) expect(await found({ q })).toEqual([web])
      for (const q of ['s%p', 'B_ckend', '\\', "'", '*', 'Shop (100%_off)x'])
        expect(await found({ q })).toEqual([])
      expect(await found({ q: web.id.slice(0, 12) })).toEqual([web])
      expect(await found({ q: web.id })).toEqual([web])
      expect(await found({ q: web.id.slice(3) })).toEqual([])
      expect(await found({ q: 'shop', status: 'revoked' })).toEqual([])
      expect((await store.list(parseListQuery({ environment: `${environment}x` }))).data).toEqual([])
    })

    test('shows a second process what the first one changed', async (store, { open }) => {
      if (open === undefined) return
      const second = await open()
      try {
        const record = await insert(store)
        const { revision } = await second.changes(null)
        expect(await second.findByHash(hashOf(record))).toEqual(record)
        const revoked = { ...record, status: 'revoked' as const, revokedAt: record.createdAt + 1, version: 2 }
        expect(await store.replace(revoked, auditOf('revoke', revoked))).toBe(true)
        expect(await second.findByHash(hashOf(record))).toEqual(revoked)
        const { changed } = await second.changes(revision)
        expect(changed === 'all' || changed.includes(record.id)).toBe(true)
        const rivals = [store, second].map((handle, index) => ({
          handle,
          next: { ...revoked, name: `${index}`, version: 3 },
        }))
        const won = await Promise.all(
          rivals.map(async ({ handle, next }) => handle.replace(next, auditOf('update', next))),
        )
        expect(won.filter(Boolean).length).toBe(1)
      } finally {
        await second.close()
      }
    })

    test('remembers the longest lease of any other cache', async (store, { open }) => {
      if (store.registerLease === undefined || store.longestLeaseMs === undefined) return
      const [one, two, three] = [randomBase62(12), randomBase62(12), randomBase62(12)]
      const before = await store.longestLeaseMs(one)
      await store.registerLease(one, 300_000)
      expect(await store.longestLeaseMs(one)).toBe(before)
      expect(await store.longestLeaseMs(two)).toBe(300_000)
      const second = await open?.()
      try {
        const elsewhere = second ?? store
        await elsewhere.registerLease?.(two, 400_000)
        expect(await store.longestLeaseMs(one)).toBe(400_000)
        expect(await elsewhere.longestLeaseMs?.(two)).toBe(300_000)
        expect(await elsewhere.longestLeaseMs?.(three)).toBe(400_000)
        await store.registerLease(one, 500_000)
        expect(await elsewhere.longestLeaseMs?.(two)).toBe(500_000)
        await store.releaseLease?.(one)
        await elsewhere.releaseLease?.(two)
        if (store.releaseLease !== undefined) expect(await store.longestLeaseMs(three)).toBe(before)
      } finally {
        await second?.close()
      }
    })

    test('writes one audit entry with each change, and none with a refused one', async (store) => {
      const { audit } = store
      if (audit === undefined) return
      const record = await insert(store)
      const entry = { ...auditOf('update', record), before: { name: 'Web App' }, after: { name: 'Größe 🌍' } }
      expect(await store.replace({ ...record, version: 3 }, auditOf('update', record))).toBe(false)
      expect(await store.replace({ ...record, version: 2 }, entry)).toBe(true)
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

    usageTests(test, insert, expect)
  })
}

function hashOf(record: KeyRecord): string {
  return record.secrets[0]?.keyHash as string
}

function auditOf(action: AuditAction, record: KeyRecord | null): AuditEntry {
  return {
    id: `aud_${randomBase62(16)}`,
    at: 1_768_478_400_000,
    action,
    actor: null,
    address: null,
    keyId: record?.id ?? null,
    before: null,
    after: null,
  }
}
