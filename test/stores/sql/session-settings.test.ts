import { createPool } from 'mysql2'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../../src/index.ts'
import type { KeyRecord } from '../../../src/keys/key-record.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { beginWithLease, mysqlDatabase, postgresDatabase } from './databases.ts'

const leaseMs = 60

async function verify(keys: WriteKeys, key: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const body = { type: 'track', event: 'Signed up', userId: 'u1' }
  const verdict = await keys.verify({ method: 'POST', path: '/v1/track', headers, body })
  return verdict.ok ? 'accepted' : verdict.reason
}

describeWithService('mysql', 'a poll over a pool of MariaDB', (address) => {
  it.each(['read uncommitted', 'serializable'])(
    'whose sessions are %s shows nothing of a change under way, and does not wait for it',
    async (level) => {
      const url = await mysqlDatabase(address)
      const pool = createPool({ uri: url, connectionLimit: 2 })
      pool.on('connection', (connection) =>
        connection.query(`set session transaction isolation level ${level}`),
      )
      onTestFinished(() => pool.promise().end())
      const store = createSqlStore({ pool })
      await store.migrate()
      const record = createKeyRecord()
      const entry = { action: 'create', actor: null, address: null, keyId: null } as const
      await store.insert(record, { ...entry, id: 'aud_1', at: 0, before: null, after: null })
      const { position } = await store.poll({ since: null })
      const writer = createPool({ uri: url, connectionLimit: 1 })
      onTestFinished(() => writer.promise().end())
      const run = (statement: string) => writer.promise().query(statement)
      await run('begin')
      await run(`update writekey_keys set status = 'revoked', version = 2`)
      await run(`insert into writekey_changes (revision, key_id, mark) values (3, '${record.id}', 'x')`)
      await run(`update writekey_meta set revision = 3, mark = 'x'`)
      const keyHash = record.secrets[0]?.keyHash as string
      expect(await store.poll({ since: position, keyHash })).toMatchObject({ position, changed: [], record })
      await run('rollback')
    },
  )
})

describeWithService('mysql', 'a pool of MariaDB', (address) => {
  it.each([
    'sql_select_limit = 0',
    'sql_select_limit = 1',
    'completion_type = 1',
    'completion_type = 2',
    'autocommit = 0, completion_type = 1',
    'foreign_key_checks = 0',
  ])(
    'whose sessions have %s reads and keeps every secret of a key, and leaves the setting',
    async (setting) => {
      const url = await mysqlDatabase(address)
      const pool = createPool({ uri: url, connectionLimit: 2 })
      pool.on('connection', (connection) => connection.query(`set ${setting}`))
      onTestFinished(() => pool.promise().end())
      await createSqlStore({ pool }).migrate()
      await beginWithLease(url, leaseMs)
      const keys = createWriteKeys({ store: createSqlStore({ pool }), cache: { leaseMs }, logger: false })
      const elsewhere = createWriteKeys({ store: createSqlStore({ url }), cache: { leaseMs }, logger: false })
      onTestFinished(async () => {
        await Promise.all([keys.close(), elsewhere.close()])
      })
      const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
      for (let count = 0; count < 3; count++) await keys.create({ name: `${count}`, sourceType: 'web' })
      const { key: second } = await keys.rotate(writeKey.id, { gracePeriodHours: 24 })
      expect(await keys.list()).toMatchObject({ total: 4, data: { length: 4 } })
      await keys.update(writeKey.id, { name: 'Site' })
      for (const one of [keys, elsewhere]) {
        expect([await verify(one, key), await verify(one, second)]).toEqual(['accepted', 'accepted'])
        await one.flush()
      }
      expect((await keys.usage(writeKey.id)).acceptedTotal).toBe(4)
      await keys.revoke(writeKey.id)
      expect([await verify(keys, key), await verify(elsewhere, second)]).toEqual([
        'revoked_key',
        'revoked_key',
      ])
      for (const one of setting.split(', ')) {
        const [name, value] = one.split(' = ')
        // At most one row, also where the limit is none.
        const [rows] = await pool.promise().query(`select @@${name} as value limit 1`)
        expect(String((rows as { value: unknown }[])[0]?.value)).toMatch(
          value === '1' ? /^(1|CHAIN)$/ : value === '2' ? /^(2|RELEASE)$/ : /^0$/,
        )
      }
    },
  )
})

describeWithService('mysql', 'a pool of MariaDB', (address) => {
  it.each(['ORACLE', 'EMPTY_STRING_IS_NULL'])(
    'whose sessions have sql_mode %s is refused by name',
    async (mode) => {
      const url = await mysqlDatabase(address)
      await createSqlStore({ url }).poll({ since: null })
      const pool = createPool({ uri: url, connectionLimit: 2 })
      pool.on('connection', (connection) => connection.query(`set sql_mode = '${mode}'`))
      onTestFinished(() => pool.promise().end())
      const store = createSqlStore({ pool })
      for (const call of [store.migrate(), store.poll({ since: null })])
        await expect(call).rejects.toMatchObject({ message: expect.stringContaining(`sql_mode ${mode}`) })
    },
  )

  it('whose sessions have sql_safe_updates forgets old counts', async () => {
    const url = await mysqlDatabase(address)
    const made = createSqlStore({ url })
    onTestFinished(() => made.close())
    await made.poll({ since: null })
    const pool = createPool({ uri: url, connectionLimit: 2 })
    pool.on('connection', (connection) => connection.query('set sql_safe_updates = 1'))
    onTestFinished(() => pool.promise().end())
    expect(await createSqlStore({ pool }).usage.prune({ keptMs: 86_400_000, now: Date.now() })).toBe(false)
  })
})

describeWithService('postgres', 'PostgreSQL with extra_float_digits', (address) => {
  it.each([0, -15])('of %i reads rates as they were written', async (digits) => {
    const url = await postgresDatabase(address)
    const setting = `-c extra_float_digits=${digits}`
    const pool = new pg.Pool({ connectionString: url, max: 2, options: setting })
    onTestFinished(() => pool.end())
    const rates = { rateLimitEps: 1234.5678901234567, senderRateLimitEps: 0.1 + 0.2 }
    const stores = [
      createSqlStore({ url: `${url}?options=${encodeURIComponent(setting)}` }),
      createSqlStore({ pool }),
    ]
    for (const store of stores) {
      const keys = createWriteKeys({ store, logger: false })
      onTestFinished(() => keys.close())
      const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web', ...rates })
      const found = (await store.get(writeKey.id)) as KeyRecord
      expect(found).toMatchObject(rates)
      expect((await keys.list()).data).toContainEqual(expect.objectContaining({ id: writeKey.id, ...rates }))
      const keyHash = found.secrets[0]?.keyHash as string
      expect((await store.poll({ since: null, keyHash })).record).toEqual(found)
      expect(await keys.update(writeKey.id, { name: 'Site' })).toMatchObject({ version: 2, ...rates })
      expect(await store.get(writeKey.id)).toMatchObject(rates)
    }
  })
})

describeWithService('postgres', 'a tiny statement_timeout of PostgreSQL', (address) => {
  it('is an error that names it, and no key is accepted meanwhile', async () => {
    const url = await postgresDatabase(address)
    const made = createSqlStore({ url })
    await made.migrate()
    await made.close()
    await beginWithLease(url, leaseMs)
    const pool = new pg.Pool({ connectionString: url, max: 2, options: '-c statement_timeout=30' })
    const locker = new pg.Client({ connectionString: url })
    await locker.connect()
    onTestFinished(async () => {
      await locker.end()
      await pool.end()
    })
    const store = createSqlStore({ pool })
    const keys = createWriteKeys({ store, cache: { leaseMs }, logger: false })
    onTestFinished(() => keys.close())
    const { key, writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    expect(await verify(keys, key)).toBe('accepted')
    await locker.query('begin')
    await locker.query('lock table writekey_meta in access exclusive mode')
    await expect(keys.revoke(writeKey.id)).rejects.toMatchObject({ message: /statement timeout/ })
    await expect.poll(() => verify(keys, key)).toBe('store_unavailable')
    await expect(keys.ready()).rejects.toMatchObject({ message: /statement timeout/ })
    await locker.query('rollback')
    await keys.revoke(writeKey.id)
    expect(await verify(keys, key)).toBe('revoked_key')
  })
})
