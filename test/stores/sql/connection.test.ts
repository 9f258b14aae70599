import { Kysely, MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'
import pg from 'pg'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { type AuditEntry, createWriteKeys } from '../../../src/index.ts'
import { parseListQuery } from '../../../src/keys/list-query.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { startProxy, type TcpProxy } from '../../long/processes/proxy.ts'
import { describeWithService } from '../../services.ts'
import { type TestDatabase, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

const auditEntry = (): AuditEntry => ({
  id: `aud_${randomBase62(16)}`,
  at: 0,
  action: 'update',
  actor: "O'Brien \\ 🌍",
  address: null,
  keyId: null,
  before: null,
  after: { name: "O'Brien" },
})

const newTablePrefix = () => `s${randomBase62(6).toLowerCase()}_`

/** The database through a proxy that can cut and swallow. */
async function proxied(
  database: TestDatabase,
  onFinished: TestContext['onTestFinished'] = onTestFinished,
): Promise<{ url: string; proxy: TcpProxy }> {
  const target = new URL(database.url)
  const proxy = await startProxy(target.hostname, Number(target.port))
  onFinished(() => proxy.close())
  const url = new URL(target)
  url.port = String(proxy.port)
  return { url: url.href, proxy }
}

/** Tests that wait for seconds do so side by side: they come one after the other. */
function connections(database: TestDatabase): void {
  it('that were cut while idle are replaced without anybody noticing, all of a pool', async () => {
    const { url, proxy } = await proxied(database)
    const store = createSqlStore({ url })
    onTestFinished(() => store.close())
    const record = createKeyRecord()
    await store.insert(record, auditEntry())
    const fillPool = () =>
      Promise.all(
        Array.from({ length: 8 }, async () => [
          await store.poll({ since: null }),
          await store.get(record.id),
        ]),
      )
    for (let round = 0; round < 3; round++) {
      await fillPool()
      // In one turn of the event loop, as in a process that was frozen: nobody has heard yet.
      proxy.cut(true)
      proxy.cut(false)
      const polled = store.poll({ since: null, keyHash: record.secrets[0]?.keyHash as string })
      const changed = store.insert(createKeyRecord(), auditEntry())
      expect((await polled).record).toEqual(record)
      expect(await changed).toBeDefined()
    }
  })

  it('that were cut while idle cost no request its answer', async () => {
    const { url, proxy } = await proxied(database)
    const told: string[] = []
    const keys = createWriteKeys({
      store: createSqlStore({ url, notifications: false }),
      onEvent: ({ type }) => told.push(type),
    })
    onTestFinished(() => keys.close())
    const made = [
      await keys.create({ name: 'First', sourceType: 'server' }),
      await keys.create({ name: 'Second', sourceType: 'server' }),
    ]
    for (const { key } of made) {
      proxy.cut(true)
      proxy.cut(false)
      const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
      const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers, ip: '192.0.2.7' })
      expect(verdict.ok).toBe(true)
    }
    expect(told.filter((type) => type.startsWith('store_'))).toEqual([])
  })

  it.concurrent('that hang keep nobody from closing for more than five seconds', async (test) => {
    const { expect, onTestFinished } = test
    const { url, proxy } = await proxied(database, onTestFinished)
    const store = createSqlStore({ url })
    await store.poll({ since: null })
    await store.list(parseListQuery({ limit: 1 }))
    proxy.blackhole(true)
    const hanging = [store.insert(createKeyRecord(), auditEntry()), store.list(parseListQuery({ limit: 1 }))]
    const failed = Promise.allSettled(hanging)
    const began = performance.now()
    await store.close()
    expect(performance.now() - began).toBeLessThan(5_000)
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
}

describeWithService('postgres', 'connections to PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  connections(database)

  it.concurrent('that hang fail a management call in a third of the time that one which waits for a lock has', async (test) => {
    const { expect, onTestFinished } = test
    const silent = await proxied(database, onTestFinished)
    silent.proxy.blackhole(true)
    const never = createSqlStore({ url: silent.url, notifications: false })
    const { url, proxy } = await proxied(database, onTestFinished)
    const store = createSqlStore({ url, notifications: false })
    onTestFinished(async () => {
      await Promise.all([never.close(), store.close()])
    })
    await store.list(parseListQuery({ limit: 1 }))
    proxy.blackhole(true)
    const began = performance.now()
    const calls = [never.list(parseListQuery({ limit: 1 })), store.list(parseListQuery({ limit: 1 }))]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'store_timeout' })
    expect(performance.now() - began).toBeLessThan(12_000)
  })

  it.concurrent('wait for a lock longer than for a server that is silent', async (test) => {
    const { expect, onTestFinished } = test
    // Tables of its own: nobody else waits for them.
    const tablePrefix = newTablePrefix()
    const store = createSqlStore({ url: database.url, notifications: false, tablePrefix })
    onTestFinished(() => store.close())
    const record = createKeyRecord()
    await store.insert(record, auditEntry())
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    onTestFinished(() => client.end())
    await client.query('begin')
    await client.query(`lock table ${tablePrefix}meta`)
    const changed = store.replace({ ...record, name: 'New', version: record.version + 1 }, auditEntry())
    await new Promise((resolve) => setTimeout(resolve, 5_500))
    await client.query('commit')
    expect(await changed).toBeDefined()
  })

  it('are left to questions where the server takes few: hints give theirs up', async () => {
    const owner = createSqlStore({ url: database.url, notifications: false })
    onTestFinished(() => owner.close())
    await owner.poll({ since: null })
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const role = `writekey_test_${randomBase62(8).toLowerCase()}`
    onTestFinished(async () => {
      await client.query(`drop owned by ${role}; drop role ${role}`)
      await client.end()
    })
    await client.query(
      `create role ${role} login connection limit 2; grant select on all tables in schema public to ${role}`,
    )
    const url = new URL(database.url)
    url.username = role
    const store = createSqlStore({ url: url.href })
    onTestFinished(() => store.close())
    const heard = new Promise<void>((listens) => store.watch?.(() => listens()))
    await heard
    const lost = new Promise<unknown>((told) => store.watch?.(() => {}, told))
    // One for looking at the tables, one for hints, none for these.
    const polls = [store.poll({ since: null }), store.poll({ since: null })]
    expect(await Promise.all(polls)).toMatchObject([{ changed: 'all' }, { changed: 'all' }])
    expect(await lost).toMatchObject({ message: expect.stringContaining('[53300]') })
  })

  it('tell once that hints are lost, and when they are back', async () => {
    const { url, proxy } = await proxied(database)
    const store = createSqlStore({ url: database.url, notifications: url })
    onTestFinished(() => store.close())
    const told: string[] = []
    let heard = 0
    store.watch?.(
      () => heard++,
      (error) => told.push((error as Error).message),
      () => told.push('restored'),
    )
    await expect.poll(() => heard).toBe(1)
    proxy.cut(true)
    await expect.poll(() => told).toHaveLength(1)
    // Several attempts fail meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 500))
    proxy.cut(false)
    await expect.poll(() => told, { timeout: 10_000 }).toHaveLength(2)
    expect(told[0]).toMatch(/^The database failed: /)
    expect(told[1]).toBe('restored')
  })
})

describeWithService('mysql', 'connections to MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  connections(database)

  it.concurrent('that hang fail a management call in a third of the time that one which waits for a lock has', async (test) => {
    const { expect, onTestFinished } = test
    const { url, proxy } = await proxied(database, onTestFinished)
    const store = createSqlStore({ url })
    onTestFinished(() => store.close())
    await store.list(parseListQuery({ limit: 1 }))
    proxy.blackhole(true)
    const began = performance.now()
    const call = store.list(parseListQuery({ limit: 1 }))
    await expect(call).rejects.toMatchObject({ code: 'store_timeout' })
    expect(performance.now() - began).toBeLessThan(12_000)
  })

  it.concurrent('wait for a lock longer than for a server that is silent', async (test) => {
    const { expect, onTestFinished } = test
    // Tables of its own: nobody else waits for them.
    const tablePrefix = newTablePrefix()
    const store = createSqlStore({ url: database.url, tablePrefix })
    onTestFinished(() => store.close())
    const record = createKeyRecord()
    await store.insert(record, auditEntry())
    const pool = createPool({ uri: database.url, connectionLimit: 1 }).promise()
    onTestFinished(() => pool.end())
    const client = await pool.getConnection()
    await client.query(`lock tables ${tablePrefix}meta write`)
    const changed = store.replace({ ...record, name: 'New', version: record.version + 1 }, auditEntry())
    await new Promise((resolve) => setTimeout(resolve, 5_500))
    await client.query('unlock tables')
    client.release()
    expect(await changed).toBeDefined()
  })

  describe('of an application, whose sessions it sets', () => {
    it.concurrent.for([
      "sql_mode = 'NO_BACKSLASH_ESCAPES'",
      "sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,ONLY_FULL_GROUP_BY'",
      "sql_mode = ''",
      'names latin1',
      "names latin1, session sql_mode = 'NO_BACKSLASH_ESCAPES'",
      'character_set_results = ascii',
      'autocommit = 0',
      'session transaction isolation level serializable',
    ])('with %s harm no name and hide no change', async (setting, test) => {
      const { expect, onTestFinished } = test
      const pool = createPool({ uri: database.url, connectionLimit: 3 })
      pool.on('connection', (connection) => connection.query(`set ${setting}`))
      const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) })
      onTestFinished(() => db.destroy())
      const tablePrefix = newTablePrefix()
      const store = createSqlStore({ db, tablePrefix })
      await store.migrate()
      const other = createSqlStore({ url: database.url, tablePrefix })
      onTestFinished(() => other.close())

      for (const name of [
        "O'Brien",
        'back\\slash\\',
        'quote " ` \' --',
        'Größe 🌍 ',
        '%_;\u0000\u001a',
        "\\'; x",
      ]) {
        const record = createKeyRecord({ name, metadata: { [name]: name }, allowedEventNames: [name] })
        expect(await store.insert(record, auditEntry())).toBeDefined()
        expect(await store.get(record.id)).toEqual(record)
        expect(await other.get(record.id)).toEqual(record)
        const { position } = await store.poll({ since: null })
        // Past the parser, which refuses control characters: the store's own quoting is what is tried.
        const query = { ...parseListQuery({ limit: 10 }), q: name.slice(0, 4) }
        expect((await store.list(query)).data).toContainEqual(record)
        // What another process commits is seen over every connection of the pool.
        const next = { ...record, name: `${name}!`, version: 2 }
        expect(await other.replace(next, auditEntry())).toBeDefined()
        const keyHash = record.secrets[0]?.keyHash as string
        const seen = await Promise.all(
          Array.from({ length: 6 }, async () => store.poll({ since: position, keyHash })),
        )
        for (const answer of seen) expect(answer).toMatchObject({ changed: [record.id], record: next })
      }
      const { data } = await store.audit.list({ limit: 1 })
      expect(data[0]).toMatchObject({ actor: "O'Brien \\ 🌍", after: { name: "O'Brien" } })
    })
  })
})
