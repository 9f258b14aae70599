import { describe, expect, it } from 'vitest'
import { createSqlStore, type SqlStore } from '../../../src/stores/sql/index.ts'
import type { KeyRecord } from '../../../src/testing/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { auditEntry } from './audit-entry.ts'
import { describeWithServers } from './servers/describe.ts'
import { follow, makeDatabase, startMariadb } from './servers/own-mariadb.ts'
import { startPostgres } from './servers/own-postgres.ts'

async function insert(store: SqlStore): Promise<KeyRecord> {
  const record = createKeyRecord()
  expect(await store.insert(record, auditEntry())).toBeDefined()
  return record
}

async function expectNoPrimary(store: SqlStore): Promise<void> {
  const questions = [
    () => store.poll({ since: null }),
    () => store.poll({ since: null, keyHash: createKeyRecord().secrets[0]?.keyHash as string }),
    () => store.existing?.page(null, 10),
    () => store.existing?.of(['wk_1']),
  ]
  for (const ask of questions) {
    await expect((async () => ask())()).rejects.toMatchObject({ code: 'store_not_primary' })
  }
}

describeWithServers('postgres', 'a PostgreSQL replica', () => {
  it('answers no question, is refused as soon as it is one, and counts once it is promoted', async () => {
    const primary = await startPostgres()
    const store = createSqlStore({ url: primary.url, notifications: false })
    const record = await insert(store)
    const { position } = await store.poll({ since: null })
    const replica = await primary.replicate()
    const behind = createSqlStore({ url: replica.url, notifications: false })
    await expect.poll(() => behind.get(record.id)).toEqual(record)
    await expectNoPrimary(behind)
    await primary.kill()
    await replica.promote()
    const keyHash = record.secrets[0]?.keyHash as string
    expect(await behind.poll({ since: position, keyHash })).toMatchObject({ history: 'kept', record })
    await Promise.all([store.close(), behind.close()])
  }, 60_000)
})

describeWithServers('postgres', 'a subscriber of PostgreSQL', () => {
  it('answers no question and takes no change until its subscription is disabled', async () => {
    const [publisher, subscriber] = await Promise.all([startPostgres(), startPostgres()])
    const [store, copy] = [publisher, subscriber].map(({ url }) =>
      createSqlStore({ url, notifications: false, schema: 'Ours' }),
    ) as [SqlStore, SqlStore]
    await Promise.all([store.migrate(), copy.migrate()])
    await copy.poll({ since: null })
    const record = await insert(store)
    const [{ tables } = {}] = await subscriber.query(
      `select string_agg(format('%I.%I', schemaname, tablename), ', ') as tables from pg_tables where schemaname = 'Ours'`,
    )
    await publisher.query('create publication ours for all tables')
    await subscriber.query(`truncate ${tables}`)
    await subscriber.query(
      `create subscription ours connection 'host=127.0.0.1 port=${publisher.port} user=postgres' publication ours`,
    )
    await expect.poll(() => copy.get(record.id)).toEqual(record)
    await expectNoPrimary(copy)
    await subscriber.query('alter subscription ours disable')
    expect(await copy.poll({ since: null })).toMatchObject({ history: 'kept' })
    await Promise.all([store.close(), copy.close()])
  }, 60_000)
})

describeWithServers('mariadb', 'a MariaDB replica', () => {
  it('answers no question, running or stopped, and counts once it is promoted; a primary may be read-only', async () => {
    const [primary, replica] = await Promise.all([startMariadb(), startMariadb()])
    await primary.query("create user replication@'127.0.0.1'")
    await primary.query("grant replication slave on *.* to replication@'127.0.0.1'")
    await makeDatabase(primary)
    await follow(replica, primary.port)
    const store = createSqlStore({ url: primary.url })
    const record = await insert(store)
    const { position } = await store.poll({ since: null })
    const keyHash = record.secrets[0]?.keyHash as string

    const behind = createSqlStore({ url: replica.url })
    await expect
      .poll(() => (async () => behind.get(record.id))().then(Boolean, () => false), { timeout: 20_000 })
      .toBe(true)
    await expectNoPrimary(behind)
    await replica.query('stop slave')
    await expectNoPrimary(behind)

    // Maintenance, or a disk that is full: nobody can change anything, and everybody goes on.
    await primary.query('set global read_only = 1')
    expect(await store.poll({ since: position, keyHash })).toMatchObject({ history: 'kept', record })
    const late = createSqlStore({ url: primary.url })
    expect(await late.poll({ since: null, keyHash })).toMatchObject({ record })
    await expect(insert(late)).rejects.toMatchObject({ code: 'store_unavailable' })

    await primary.kill()
    await replica.query('reset slave all')
    await replica.query('set global read_only = 0')
    expect(await behind.poll({ since: position, keyHash })).toMatchObject({ history: 'kept', record })
    await insert(behind)
    await replica.query('set global read_only = 1')
    expect(await behind.poll({ since: position, keyHash })).toMatchObject({ history: 'kept', record })
    await Promise.all([store, late, behind].map((one) => one.close()))
  }, 120_000)
})

describe('SQLite', () => {
  it('is always the primary', async () => {
    const store = createSqlStore({ url: 'sqlite::memory:' })
    expect((await store.poll({ since: null })).history).toBe('kept')
    await store.close()
  })
})
