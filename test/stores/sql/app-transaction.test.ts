import { join } from 'node:path'
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { createPool } from 'mysql2'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeyEvent } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { describeWithService } from '../../services.ts'
import { beginWithLease, mysqlDatabase, postgresDatabase, useFolder } from './databases.ts'

const leaseMs = 100

/** The one connection that an application has given to the store, and what it does with it itself. */
interface GivenConnection {
  db: Kysely<unknown>
  /** Runs a statement of the application's over that connection. */
  run(statement: string): unknown
}

/** An app that verifies over its own connection, while somebody else manages the keys over the URL. */
async function start(url: string, { db, run }: GivenConnection) {
  const store = createSqlStore({ db })
  await store.migrate()
  await beginWithLease(url, leaseMs)
  const elsewhere = createWriteKeys({ store: createSqlStore({ url }), cache: { leaseMs } })
  const events: WriteKeyEvent[] = []
  const keys = createWriteKeys({
    store,
    cache: { leaseMs },
    onEvent: (event) => events.push(event),
  })
  onTestFinished(async () => {
    // In turn: in one thread, whoever waits for the file's lock holds up the one who has it.
    await keys.close()
    await elsewhere.close()
    await db.destroy()
  })
  const { writeKey, key } = await elsewhere.create({ name: 'Web', sourceType: 'web' })
  const verify = async () => {
    const verdict = await keys.verify({
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      body: { event: 'Seen' },
    })
    return verdict.ok ? 'accepted' : verdict.reason
  }
  const codes = () =>
    events.flatMap((event) =>
      event.type === 'store_error' ? [(event.error as { code?: string } | undefined)?.code] : [],
    )
  expect(await verify()).toBe('accepted')
  return { keys, elsewhere, run, writeKey, verify, codes }
}

function refusesOldStates(
  open: () => Promise<[url: string, GivenConnection]>,
  begin: readonly string[],
): void {
  it('answers 503 rather than from an old state, says why, and goes on when the transaction has ended', async () => {
    const { elsewhere, run, writeKey, verify, codes } = await start(...(await open()))
    for (const statement of begin) await run(statement)
    await elsewhere.revoke(writeKey.id)
    expect(await verify()).toBe('store_unavailable')
    expect(new Set(codes())).toEqual(new Set(['store_in_transaction']))
    await run('rollback')
    await expect.poll(verify).toBe('revoked_key')
  })

  it('adds no change to a transaction of the application, and does not end it', async () => {
    const { keys, run, writeKey, verify } = await start(...(await open()))
    for (const statement of begin) await run(statement)
    await run('create table of_the_app (id integer)')
    for (const change of [
      () => keys.revoke(writeKey.id),
      () => keys.create({ name: 'x', sourceType: 'web' }),
    ]) {
      await expect(change()).rejects.toMatchObject({ code: 'store_in_transaction' })
    }
    await run('rollback')
    await run('create table of_the_app (id integer)')
    await expect.poll(verify).toBe('accepted')
  })
}

describe('a store over a SQLite handle that is inside a transaction of the application', () => {
  const folder = useFolder()
  let count = 0
  const open = async (): Promise<[string, GivenConnection]> => {
    const file = join(folder, `${count++}.db`)
    const handle = new Database(file)
    handle.exec('pragma journal_mode = wal')
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: handle as never }) })
    return [`sqlite:${file}`, { db, run: (statement) => handle.exec(statement) }]
  }
  refusesOldStates(open, ['begin', 'select count(*) from writekey_keys'])
})

describe('a store over a SQLite handle with a statement that is not finished', () => {
  const folder = useFolder()
  let count = 0
  const rows = `with recursive counted (number) as (select 1 union all select number + 1 from counted where number < 1000)
    select number from counted`

  async function open() {
    const file = join(folder, `${count++}.db`)
    const handle = new Database(file)
    handle.exec('pragma journal_mode = wal')
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: handle as never }) })
    const app = await start(`sqlite:${file}`, { db, run: (statement) => handle.exec(statement) })
    handle.exec(`create table if not exists of_the_app as ${rows}`)
    const iterate = () => handle.prepare('select * from of_the_app').iterate() as IterableIterator<unknown>
    return { ...app, iterate }
  }

  it('answers 503 rather than from an old state, says why, changes nothing, and goes on when it is finished', async () => {
    const { keys, elsewhere, writeKey, verify, codes, iterate } = await open()
    const loop = iterate()
    loop.next()
    await elsewhere.revoke(writeKey.id)
    expect(await verify()).toBe('store_unavailable')
    expect(new Set(codes())).toEqual(new Set(['store_in_transaction']))
    await expect(keys.create({ name: 'x', sourceType: 'web' })).rejects.toMatchObject({
      code: 'store_in_transaction',
    })
    expect([...loop]).toHaveLength(999)
    await expect.poll(verify).toBe('revoked_key')
  })

  it('is not in the way of statements that are finished', async () => {
    const { keys, writeKey, verify, iterate } = await open()
    expect([...iterate()]).toHaveLength(1_000)
    await keys.update(writeKey.id, { name: 'New' })
    expect(await verify()).toBe('accepted')
  })
})

describeWithService('postgres', 'a store over a PostgreSQL connection', (address) => {
  async function open(isolation?: string): Promise<[string, GivenConnection]> {
    const url = await postgresDatabase(address)
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    if (isolation !== undefined) await pool.query(`set default_transaction_isolation = '${isolation}'`)
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
    return [url, { db, run: (statement) => pool.query(statement) }]
  }

  describe('that is inside a transaction of the application', () => {
    refusesOldStates(open, ['begin isolation level repeatable read', 'select 1'])
  })

  it.each(['repeatable read', 'serializable'])(
    'knows no key less inside a %s transaction: nothing is read from its snapshot',
    async (level) => {
      const { keys, elsewhere, run } = await start(...(await open()))
      await run(`begin isolation level ${level}`)
      await run('select count(*) from writekey_keys')
      const { writeKey, key } = await elsewhere.create({ name: 'Made since', sourceType: 'web' })
      const { id } = writeKey
      for (const ask of [
        () => keys.get(id),
        () => keys.find(key),
        () => keys.list(),
        () => keys.pause(id),
        () => keys.resume(id),
        () => keys.revoke(id),
        () => keys.remove(id),
        () => keys.rotate(id),
        () => keys.update(id, { name: 'New' }),
        () => keys.usage(id),
      ])
        await expect(ask()).rejects.toMatchObject({ code: 'store_in_transaction' })
      await run('rollback')
      expect((await keys.get(id))?.name).toBe('Made since')
    },
  )

  it('sees what is committed inside one whose statements do, and changes nothing there', async () => {
    const { keys, elsewhere, run, writeKey, verify } = await start(...(await open()))
    await run('begin')
    await run('select 1')
    await expect(keys.update(writeKey.id, { name: 'New' })).rejects.toMatchObject({
      code: 'store_in_transaction',
    })
    await elsewhere.revoke(writeKey.id)
    expect(await verify()).toBe('revoked_key')
    await run('rollback')
  })

  it.each(['repeatable read', 'serializable'])(
    'works where transactions are %s by default',
    async (level) => {
      const { keys, elsewhere, writeKey, verify } = await start(...(await open(level)))
      await keys.update(writeKey.id, { name: 'New' })
      expect(await verify()).toBe('accepted')
      await elsewhere.revoke(writeKey.id)
      expect(await verify()).toBe('revoked_key')
    },
  )
})

describeWithService('mysql', 'a store over a MariaDB connection', (address) => {
  it.each([
    ['is inside a transaction', ['start transaction with consistent snapshot']],
    ['has autocommit=0', ['set autocommit = 0', 'select count(*) from writekey_keys']],
    [
      'has both, and locks what it reads',
      ['set session transaction isolation level serializable', 'set autocommit = 0', 'begin'],
    ],
  ])('sees a revocation when the connection %s', async (_, statements) => {
    const url = await mysqlDatabase(address)
    const pool = createPool({ uri: url, connectionLimit: 1 })
    const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) })
    const run = (statement: string) => pool.promise().query(statement)
    const { elsewhere, writeKey, verify } = await start(url, { db, run })
    for (const statement of statements) await run(statement)
    await elsewhere.revoke(writeKey.id)
    expect(await verify()).toBe('revoked_key')
  })
})
