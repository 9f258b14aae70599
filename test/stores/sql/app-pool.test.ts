import { createPool } from 'mysql2'
import { createPool as createPromisePool } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../../src/index.ts'
import { createSqlStore, type SqlStorePoolOptions } from '../../../src/stores/sql/index.ts'
import { describeWithService } from '../../services.ts'
import { beginWithLease, type TestDatabase, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

type Pool = SqlStorePoolOptions['pool']

const leaseMs = 100

async function verify(keys: WriteKeys, key: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers, ip: '192.0.2.7' })
  return verdict.ok ? 'accepted' : verdict.reason
}

/** @param select runs a statement of the application's over the pool. */
function servesKeysOver(
  tablePrefix: string,
  { url }: TestDatabase,
  open: () => { pool: Pool; select(): Promise<unknown> },
): void {
  it('keeps keys beside the application, which goes on using the pool when the store is closed', async () => {
    const { pool, select } = open()
    const store = createSqlStore({ pool, tablePrefix })
    const keys = createWriteKeys({ store, cache: { leaseMs }, logger: false })
    await expect(keys.create({ name: 'Web', sourceType: 'web' })).rejects.toMatchObject({
      code: 'schema_missing',
    })
    await store.migrate()
    await beginWithLease(url, leaseMs, tablePrefix)
    const { writeKey, key } = await keys.create({ name: 'Größe 🌍', sourceType: 'web' })
    expect(await verify(keys, key)).toBe('accepted')
    expect((await keys.get(writeKey.id)).name).toBe('Größe 🌍')
    await keys.revoke(writeKey.id)
    expect(await verify(keys, key)).toBe('revoked_key')
    await keys.close()
    expect(await select()).toBeDefined()
  })
}

describeWithService('postgres', 'a store over a pool of pg', (address) => {
  const database = usePostgresDatabase(address)
  function openPool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: database.url, ...options })
    pool.on('error', () => {})
    onTestFinished(() => pool.end())
    return pool
  }

  servesKeysOver('keys_', database, () => {
    const pool = openPool()
    return { pool, select: () => pool.query('select 1') }
  })

  it('hears of changes over a client like those of the pool', async () => {
    const pool = openPool()
    const store = createSqlStore({ pool, notifications: true, tablePrefix: 'heard_' })
    await store.migrate()
    const elsewhere = createSqlStore({ url: database.url, tablePrefix: 'heard_' })
    const changer = createWriteKeys({ store: elsewhere, logger: false })
    onTestFinished(async () => {
      await Promise.all([store.close(), changer.close()])
    })
    const heard: unknown[] = []
    store.watch?.((keyIds) => heard.push(keyIds?.[0]))
    await expect.poll(() => heard).toEqual([undefined])
    const { writeKey } = await changer.create({ name: 'Web', sourceType: 'web' })
    await expect.poll(() => heard).toContain(writeKey.id)
  })

  it('leaves no listeners on the clients of the pool', async () => {
    const pool = openPool({ max: 1 })
    const before = await pool.connect()
    before.release()
    const count = before.listenerCount('error')
    const store = createSqlStore({ pool })
    await store.migrate()
    for (let round = 0; round < 20; round++) await store.poll({ since: null })
    const after = await pool.connect()
    after.release()
    expect(after).toBe(before)
    expect(after.listenerCount('error')).toBe(count)
  })

  it('takes a pool of the application that knows only the promise of connect', async () => {
    const inner = openPool({ max: 1 })
    const pool = { connect: () => inner.connect(), totalCount: 1 }
    const store = createSqlStore({ pool })
    await store.migrate()
    expect(await store.poll({ since: null })).toBeDefined()
    const held = await inner.connect()
    await expect(store.poll({ since: null })).rejects.toMatchObject({ code: 'store_timeout' })
    held.release()
    expect(await store.poll({ since: null })).toBeDefined()
  })

  it('reports a function for notifications that makes no client', async () => {
    const store = createSqlStore({ pool: openPool(), notifications: () => undefined as never })
    onTestFinished(() => store.close())
    const lost: unknown[] = []
    store.watch?.(
      () => {},
      (error) => lost.push(error),
    )
    await expect.poll(() => lost).toMatchObject([{ message: /notifications makes no client of pg/ }])
  })

  it('survives a connection that ends in the middle of a statement', async () => {
    const pool = openPool({ max: 1 })
    const store = createSqlStore({ pool })
    await store.migrate()
    await store.poll({ since: null })
    const locker = new pg.Client({ connectionString: database.url })
    await locker.connect()
    onTestFinished(() => locker.end())
    await locker.query('begin')
    await locker.query('lock table writekey_meta')
    const waiting = store.poll({ since: null })
    await expect
      .poll(async () => {
        const ended = await locker.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        )
        return ended.rowCount
      })
      .toBe(1)
    await locker.query('rollback')
    await Promise.allSettled([waiting])
    expect(await store.poll({ since: null })).toBeDefined()
  })

  it('answers in time when the application holds every connection', async () => {
    const pool = openPool({ max: 1 })
    const store = createSqlStore({ pool })
    await store.migrate()
    await store.poll({ since: null })
    const held = await pool.connect()
    await expect(store.poll({ since: null })).rejects.toMatchObject({ code: 'store_timeout' })
    held.release()
    expect(await store.poll({ since: null })).toBeDefined()
    expect([pool.waitingCount, pool.idleCount]).toEqual([0, 1])
  })
})

describeWithService('mysql', 'a store over a pool of mysql2', (address) => {
  const database = useMysqlDatabase(address)

  describe('with callbacks', () =>
    servesKeysOver('callbacks_', database, () => {
      const pool = createPool({ uri: database.url })
      onTestFinished(() => pool.promise().end())
      return { pool, select: () => pool.promise().query('select 1') }
    }))

  it('survives a second error of a connection, which mysql2 listens for no longer', async () => {
    const pool = createPool({ uri: database.url, connectionLimit: 1 })
    onTestFinished(() => pool.promise().end())
    const made: { emit(event: 'error', error: Error): unknown; listenerCount(event: 'error'): number }[] = []
    pool.on('connection', (connection) => made.push(connection))
    const store = createSqlStore({ pool, tablePrefix: 'twice_' })
    await store.migrate()
    for (let round = 0; round < 20; round++) await store.poll({ since: null })
    expect(made).toHaveLength(1)
    expect(made[0]?.listenerCount('error')).toBeLessThan(3)
    for (const message of ['Connection was killed', 'write EPIPE']) made[0]?.emit('error', new Error(message))
    expect(await store.poll({ since: null })).toBeDefined()
  })

  describe('with promises', () => {
    servesKeysOver('promises_', database, () => {
      const pool = createPromisePool({ uri: database.url, namedPlaceholders: true })
      onTestFinished(() => pool.end())
      return { pool, select: () => pool.query('select 1') }
    })
  })
})

describe('the option pool', () => {
  it.each([
    ['a client', { connect() {}, query() {} }],
    ['a cluster', { getConnection() {}, of() {} }],
    ['a URL', 'postgres://user:secret@localhost/app'],
    ['nothing', null],
  ])('is refused when it is %s', (_, pool) => {
    expect(() => createSqlStore({ pool } as never)).toThrow(
      /^pool must be a Pool of pg, or what createPool\(\) of mysql2 or mysql2\/promise makes; received (?!.*secret)/,
    )
  })

  it('stands alone', () => {
    const pool = { connect: async () => {}, totalCount: 0 }
    const refused: [object, RegExp][] = [
      [{ pool, url: 'sqlite::memory:' }, /takes one of url, pool and db; received url and pool/],
      [{ pool, autoMigrate: true }, /^autoMigrate belongs to url/],
      [{ pool, driver: pg }, /^driver belongs to url/],
      [{ pool, dialect: 'postgres' }, /^dialect belongs to db/],
      [{ pool, notifications: 'postgres://elsewhere' }, /^notifications must be true, false, or a function/],
      [{}, /received none of them/],
    ]
    for (const [options, message] of refused) expect(() => createSqlStore(options as never)).toThrow(message)
  })
})
