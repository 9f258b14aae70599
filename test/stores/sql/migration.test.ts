import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CamelCasePlugin, Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { KeyStore } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { toStoreError } from '../../../src/stores/sql/driver-errors.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { openSqlite } from '../../../src/stores/sql/sqlite-connection.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { auditEntry } from './audit-entry.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

async function insertAndFind(store: KeyStore): Promise<void> {
  const record = createKeyRecord()
  expect(await store.insert(record, auditEntry())).toBeDefined()
  expect(await store.get(record.id)).toEqual(record)
}

/** What holds on every engine. */
function migrates(url: () => string): void {
  it('migrates once when ten stores start at the same moment', async () => {
    const tablePrefix = `t${randomBase62(6).toLowerCase()}_`
    const stores = Array.from({ length: 10 }, () => createSqlStore({ url: url(), tablePrefix }))
    await Promise.all(stores.map((store) => store.migrate()))
    await Promise.all(stores.map(insertAndFind))
    expect((await stores[0]?.poll({ since: null }))?.position.revision).toBe(11)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('keeps stores with different prefixes apart', async () => {
    const [one, other] = ['one_', 'other_'].map((tablePrefix) => createSqlStore({ url: url(), tablePrefix }))
    const record = createKeyRecord()
    await one?.insert(record, auditEntry())
    expect(await other?.get(record.id)).toBeUndefined()
    await Promise.all([one?.close(), other?.close()])
  })
}

describe('SQLite', () => {
  const folder = useFolder()
  const newFile = () => join(folder, `${randomBase62(8)}.db`)

  const shared = newFile()
  migrates(() => `sqlite:${shared}`)

  it('makes the folder of its file, and opens it durably', async () => {
    const file = join(folder, 'deep', 'er', 'keys.db')
    const store = createSqlStore({ url: `sqlite:${file}` })
    await insertAndFind(store)
    expect(existsSync(file)).toBe(true)
    await store.close()
    const { writer, close } = await openSqlite(file)
    const value = async (pragma: string) =>
      Object.values((await sql.raw(`pragma ${pragma}`).execute(writer)).rows[0] as object)[0]
    expect(await value('journal_mode')).toBe('wal')
    expect(await value('synchronous')).toBe(2)
    await close()
  })

  it('means the file of a relative path as it was at construction', async () => {
    const file = newFile()
    const before = process.cwd()
    process.chdir(dirname(file))
    const store = createSqlStore({ url: `sqlite:${basename(file)}` })
    process.chdir(before)
    await insertAndFind(store)
    await store.close()
    expect(existsSync(file)).toBe(true)
  })

  it('asks for migrate() in an application’s own database, and then works there', async () => {
    const { writer, close } = await openSqlite(newFile())
    const store = createSqlStore({ db: writer })
    await expect(store.get('wk_1')).rejects.toMatchObject({ code: 'schema_missing', message: /migrate\(\)/ })
    await store.migrate()
    await insertAndFind(store)
    await store.close()
    expect((await sql`select 1`.execute(writer)).rows.length).toBe(1)
    await close()
  })

  it('refuses tables of a later version, and writes nothing to them', async () => {
    const url = `sqlite:${newFile()}`
    const first = createSqlStore({ url })
    await insertAndFind(first)
    await first.close()
    const { writer, close } = await openSqlite(url.slice(7))
    await sql`update writekey_meta set schema_version = 99, compatible_version = 98`.execute(writer)
    const dump = async () =>
      JSON.stringify((await sql`select * from writekey_meta, sqlite_master`.execute(writer)).rows)
    const before = await dump()
    const store = createSqlStore({ url })
    for (const call of [
      () => store.migrate(),
      () => store.poll({ since: null }),
      () => store.insert(createKeyRecord(), auditEntry()),
      () => store.setLease?.(1_000),
    ]) {
      await expect((async () => call())()).rejects.toMatchObject({ code: 'schema_too_new' })
    }
    expect(await dump()).toBe(before)
    await store.close()
    await close()
  })

  it('never brings a revoked key back, even for a caller with the right version', async () => {
    const store = createSqlStore({ url: 'sqlite::memory:' })
    const revoked = createKeyRecord({ status: 'revoked', revokedAt: 1 })
    await store.insert(revoked, auditEntry())
    const alive = { ...revoked, status: 'active' as const, revokedAt: null, version: 2 }
    expect(await store.replace(alive, auditEntry())).toBeUndefined()
    expect(await store.get(revoked.id)).toEqual(revoked)
    await store.close()
  })

  it('reads what others have committed after it was refused a lock many times', async () => {
    const url = `sqlite:${newFile()}`
    const [one, other] = [createSqlStore({ url }), createSqlStore({ url })]
    await one.migrate()
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const record = createKeyRecord()
        const entry = () => auditEntry()
        expect(await one.insert(record, entry())).toBeDefined()
        expect(await other.get(record.id)).toEqual(record)
        const next = { ...record, version: 2 }
        const won = await Promise.all([one.replace(next, entry()), other.replace(next, entry())])
        expect(won.filter(Boolean)).toHaveLength(1)
      }),
    )
    expect((await other.poll({ since: null })).position.revision).toBe(41)
    await Promise.all([one.close(), other.close()])
  })

  it.each(['', 'keys.db', 'sqlite:', 'redis://x', 'postgres:', 'mysql//u:sesame@h/d', 5])(
    'refuses the url %j without repeating it',
    (url) => {
      expect(() => createSqlStore({ url: url as string })).toThrow(/must be sqlite:PATH/)
      expect(() => createSqlStore({ url: url as string })).not.toThrow(/sesame/)
    },
  )

  it('takes an option that is undefined for left out', async () => {
    await createSqlStore({ url: 'sqlite::memory:', db: undefined, dialect: undefined } as never).close()
  })

  it('refuses a store that is said twice, or not at all', () => {
    for (const options of [{ url: 'sqlite::memory:', dialect: 'sqlite' }, {}, { db: undefined }]) {
      expect(() => createSqlStore(options as never)).toThrow(
        expect.objectContaining({ code: 'invalid_config' }),
      )
    }
  })

  it('refuses unknown options and names that are none', () => {
    expect(() => createSqlStore({ url: 'sqlite::memory:', tablePrefix: 'a; drop' })).toThrow(/tablePrefix/)
    expect(() => createSqlStore({ url: 'sqlite::memory:', schema: '"' })).toThrow(/schema/)
    expect(() => createSqlStore({ url: 'sqlite::memory:', prefix: 'a' } as never)).toThrow(/"prefix"/)
    expect(() => createSqlStore({ db: {} as never })).toThrow(/Kysely/)
  })

  it('shows of a driver’s error what helps, and no value of a row', () => {
    const hash = 'ab'.repeat(32)
    const shown = (error: object) => toStoreError(error).message
    expect(shown({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:5432' })).toBe(
      'The database failed: connect ECONNREFUSED 127.0.0.1:5432 [ECONNREFUSED]',
    )
    expect(shown({ code: '23505', message: `key (${hash}) exists`, detail: hash })).not.toContain('abab')
    expect(
      shown({ errno: 1064, code: 'ER_PARSE_ERROR', sqlMessage: hash, message: `near x'${hash}'`, sql: hash }),
    ).not.toContain('abab')
    expect(toStoreError({ message: 'x', sql: hash }).cause).toBeUndefined()
  })
})

describeWithService('postgres', 'PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  migrates(() => database.url)

  it('works in a schema of an application, over its pool, with its plugins', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 2 })
    const db = new Kysely<unknown>({
      dialect: new PostgresDialect({ pool }),
      plugins: [new CamelCasePlugin()],
    })
    const store = createSqlStore({ db, schema: 'billing' })
    await store.migrate()
    await insertAndFind(store)
    const { rows } = await sql`select count(*)::int as n from billing.writekey_keys`.execute(db)
    expect(rows).toEqual([{ n: 1 }])
    await store.close()
    await db.destroy()
  })

  it('stays alive when the server ends its connections, idle and listening ones', async () => {
    const store = createSqlStore({ url: database.url })
    const heard: unknown[] = []
    const unwatch = store.watch?.((keyIds) => heard.push(keyIds))
    await insertAndFind(store)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await expect.poll(() => heard.includes(undefined)).toBe(true)
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await expect
      .poll(() =>
        insertAndFind(store).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
    // It listens again: what another process writes is heard of.
    const other = createSqlStore({ url: database.url, notifications: false })
    const record = createKeyRecord()
    await expect.poll(() => heard.filter((keyIds) => keyIds === undefined).length).toBeGreaterThan(1)
    await other.insert(record, auditEntry())
    await expect
      .poll(() => heard.some((keyIds) => Array.isArray(keyIds) && keyIds.includes(record.id)))
      .toBe(true)
    unwatch?.()
    await client.end()
    await Promise.all([store.close(), other.close()])
  })
})

describeWithService('mysql', 'MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  migrates(() => database.url)

  it('compares ids and hashes exactly, whatever the database’s own character set', async () => {
    const store = createSqlStore({ url: database.url })
    await store.migrate()
    const { createConnection } = await import('mysql2/promise')
    const connection = await createConnection({ uri: database.url })
    const [rows] = await connection.query(
      `select column_name as c, data_type as t, collation_name as n from information_schema.columns
       where table_schema = database() and table_name in ('writekey_keys', 'writekey_secrets', 'writekey_audit')`,
    )
    const columns = new Map((rows as { c: string; t: string; n: string | null }[]).map((row) => [row.c, row]))
    for (const name of ['id', 'key_id', 'status', 'environment'])
      expect(columns.get(name)?.n).toBe('ascii_bin')
    expect(columns.get('name')?.n).toBe('utf8mb4_bin')
    expect(columns.get('key_hash')?.t).toBe('binary')
    await connection.end()
    await store.close()
  })
})
