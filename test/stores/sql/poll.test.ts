import { sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import type { ExistingSecret } from '../../../src/stores/key-store.ts'
import type { SqlStore } from '../../../src/stores/sql/index.ts'
import type { KeyRecord } from '../../../src/testing/index.ts'
import { createKeyRecord, createSecretRecord } from '../../../src/testing/stored-key.ts'
import { auditEntry } from './audit-entry.ts'
import { describeStoresByHand, type StoreByHand } from './stores-by-hand.ts'

async function insert(store: SqlStore, record: KeyRecord = createKeyRecord()): Promise<KeyRecord> {
  expect(await store.insert(record, auditEntry())).toBeDefined()
  return record
}

/** A store of this test alone, and its tables as somebody sees them who writes by hand. */
interface Opened extends StoreByHand {
  prefix: string
}

function polls(open: (tablePrefix: string) => Promise<StoreByHand>): void {
  async function start(): Promise<Opened> {
    const prefix = `p${randomBase62(6).toLowerCase()}_`
    const opened = await open(prefix)
    await opened.store.migrate()
    onTestFinished(() => opened.store.close())
    return { ...opened, prefix }
  }
  const table = (prefix: string, name: string) => sql.id(prefix + name)

  it('knows the first revision by its mark', async () => {
    const { store } = await start()
    const { position } = await store.poll({ since: null })
    expect(position.revision).toBe(1)
    expect(position.mark).toMatch(/^\w{16}$/)
    expect(await store.poll({ since: position })).toMatchObject({ history: 'kept', changed: [], position })
    expect(await store.poll({ since: { ...position, mark: randomBase62(16) } })).toMatchObject({
      history: 'lost',
      changed: 'all',
    })
  })

  it('tells a change, a look-up and the position in one answer', async () => {
    const { store } = await start()
    const record = createKeyRecord({ secrets: [createSecretRecord(), createSecretRecord()] })
    const { position: since } = await store.poll({ since: null })
    const committed = await store.insert(record, auditEntry())
    await insert(store)
    const keyHash = record.secrets[1]?.keyHash as string
    const answer = await store.poll({ since, keyHash })
    expect(answer.changed).toHaveLength(2)
    expect(answer.record).toEqual(record)
    expect(answer.history).toBe('kept')
    expect(answer.position.revision).toBe(3)
    expect(await store.poll({ since: committed?.position ?? null, keyHash })).toMatchObject({ record })
    expect(await store.poll({ since: answer.position, keyHash })).toMatchObject({ record, changed: [] })
    expect(await store.poll({ since: null, keyHash })).toMatchObject({ record, changed: 'all' })
    expect((await store.poll({ since: answer.position, keyHash: randomHash() })).record).toBeUndefined()
  })

  it('says pruned, not lost, of what is too old to tell', async () => {
    const { store, db, prefix } = await start()
    const { position } = await store.poll({ since: null })
    await sql`update ${table(prefix, 'meta')} set revision = 20479`.execute(db)
    await insert(store)
    expect(await store.poll({ since: position })).toMatchObject({ history: 'pruned', changed: 'all' })
    expect(await store.poll({ since: { revision: 20_480, mark: 'x' } })).toMatchObject({ history: 'lost' })
  })

  it('knows the newest revision when the list of changes has been emptied', async () => {
    const { store, db, prefix } = await start()
    const { position: first } = await store.poll({ since: null })
    const record = await insert(store)
    const { position } = await store.poll({ since: null })
    await sql`delete from ${table(prefix, 'changes')}`.execute(db)
    const keyHash = record.secrets[0]?.keyHash as string
    const answer = await store.poll({ since: position, keyHash })
    expect(answer).toMatchObject({ history: 'kept', changed: [], position, record })
    expect(await store.poll({ since: first })).toMatchObject({ history: 'lost', changed: 'all' })
  })

  it('says that any key may have changed when somebody has deleted part of the list of changes', async () => {
    const { store, db, prefix } = await start()
    const { position: since } = await store.poll({ since: null })
    const records: KeyRecord[] = []
    for (let index = 0; index < 4; index++) records.push(await insert(store))
    const keyHash = records[0]?.secrets[0]?.keyHash as string
    const changes = table(prefix, 'changes')
    const rows = await sql<Record<string, unknown>>`select * from ${changes} where revision > 1`.execute(db)
    const { position: newest } = await store.poll({ since: null })
    for (const holes of [[2], [3, 4], [5], [2, 3, 4, 5]]) {
      await sql`delete from ${changes} where revision in (${sql.join(holes)})`.execute(db)
      // Still of this history: a change that waits to be told is not made again.
      expect(await store.poll({ since })).toMatchObject({ history: 'kept', changed: 'all' })
      const answer = await store.poll({ since, keyHash })
      expect(answer).toMatchObject({ history: 'kept', changed: 'all', position: newest, record: records[0] })
      for (const { revision, mark, key_id } of rows.rows.filter((row) =>
        holes.includes(Number(row.revision)),
      ))
        await sql`insert into ${changes} (revision, mark, key_id) values (${revision}, ${mark}, ${key_id})`.execute(
          db,
        )
    }
    expect((await store.poll({ since })).changed).toHaveLength(4)
  })

  it('lets no process keep a key whose revocation is missing from the list of changes', async () => {
    const { store, db, prefix } = await start()
    let hidden = Promise.resolve()
    const keys = createWriteKeys({
      store: { ...store, poll: (question) => hidden.then(() => store.poll(question)), close() {} },
      logger: false,
    })
    onTestFinished(() => keys.close())
    const { writeKey, key } = await keys.create({ name: 'Web', sourceType: 'web' })
    const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
    const verify = () => keys.verify({ method: 'GET', path: '/v1/track', headers })
    expect((await verify()).ok).toBe(true)
    let show = () => {}
    hidden = new Promise((resolve) => {
      show = resolve
    })
    const record = (await store.get(writeKey.id)) as KeyRecord
    const revoked = { ...record, status: 'revoked', revokedAt: 1, version: record.version + 1 } as const
    expect(await store.replace(revoked, auditEntry())).toBeDefined()
    await insert(store)
    await sql`delete from ${table(prefix, 'changes')} where key_id = ${record.id}`.execute(db)
    show()
    await expect.poll(verify, { interval: 5 }).toMatchObject({ reason: 'revoked_key' })
  })

  it('stops when the tables have moved on to a version that this code cannot run on', async () => {
    const { store, db, prefix } = await start()
    await sql`update ${table(prefix, 'meta')} set schema_version = 99`.execute(db)
    expect(await store.poll({ since: null })).toMatchObject({ history: 'kept' })
    await sql`update ${table(prefix, 'meta')} set compatible_version = 99`.execute(db)
    await expect(store.poll({ since: null })).rejects.toMatchObject({ code: 'schema_too_new' })
  })

  it('pages through what exists, in order and whole', async () => {
    const { store } = await start()
    const records: KeyRecord[] = []
    for (let index = 0; index < 7; index++) records.push(await insert(store))
    const expected = records.map(({ id, secrets }) => ({ keyId: id, keyHash: secrets[0]?.keyHash as string }))
    expected.sort((a, b) => (a.keyHash < b.keyHash ? -1 : 1))
    const found: unknown[] = []
    let after: string | null = null
    for (;;) {
      const page: readonly ExistingSecret[] = (await store.existing?.page(after, 3)) ?? []
      if (page.length === 0) break
      found.push(...page)
      after = page.at(-1)?.keyHash ?? null
    }
    expect(found).toEqual(expected)
    const [first] = records as [KeyRecord]
    await store.remove(first.id, 1, auditEntry())
    const ids = [...records.map(({ id }) => id), 'wk_nobody']
    const left = await store.existing?.of(ids)
    expect(left?.map(({ keyId }) => keyId).toSorted()).toEqual(
      records
        .slice(1)
        .map(({ id }) => id)
        .toSorted(),
    )
    expect(await store.existing?.of([])).toEqual([])
  })

  it('lengthens the lease at once, and shortens it for polls before it does for changes', async () => {
    const { store } = await start()
    const leases = async () => {
      const committed = await store.insert(createKeyRecord(), auditEntry())
      return [(await store.poll({ since: null })).leaseMs, committed?.leaseMs]
    }
    const [firstMs] = await leases()
    const unit = firstMs === 100 ? 10 : 100
    await store.setLease?.(8 * unit)
    expect(await leases()).toEqual([8 * unit, 8 * unit])
    const lowering = store.setLease?.(4 * unit)
    await expect.poll(async () => (await leases())[0], { interval: 5 }).toBe(4 * unit)
    if (unit === 100) expect((await leases())[1]).toBe(8 * unit)
    await lowering
    expect(await leases()).toEqual([4 * unit, 4 * unit])
  })

  it('leaves the lease to whoever has set it last', async () => {
    const { store } = await start()
    const changeLease = async () => (await store.insert(createKeyRecord(), auditEntry()))?.leaseMs
    await store.setLease?.(100)
    const lowering = store.setLease?.(50)
    await expect.poll(async () => (await store.poll({ since: null })).leaseMs, { interval: 2 }).toBe(50)
    await store.setLease?.(80)
    await lowering
    expect((await store.poll({ since: null })).leaseMs).toBe(80)
    expect(await changeLease()).toBe(80)
  })
}

const randomHash = () => createSecretRecord().keyHash

describeStoresByHand('polls', polls, { notifications: false })
