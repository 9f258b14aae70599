import { join } from 'node:path'
import { type Dialect, Kysely, MysqlDialect, PostgresDialect, type RawBuilder, sql } from 'kysely'
import { createPool } from 'mysql2'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'
import { createSqlStore, type SqlStore } from '../../src/stores/sql/index.ts'
import { openSqlite } from '../../src/stores/sql/sqlite-connection.ts'
import { createKeyRecord } from '../../src/testing/index.ts'
import { describeWithService } from '../services.ts'
import { auditEntry } from '../stores/sql/audit-entry.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from '../stores/sql/databases.ts'

/** A database, and a connection to it as an older process has one. */
interface Opened {
  url: string
  db: Kysely<unknown>
}

const newInput = () => ({ name: 'iOS', sourceType: 'mobile' as const, key: randomBase62(30) })
type Input = ReturnType<typeof newInput>

/** The id of the key that was made, or the code of the refusal. */
async function importOne(keys: WriteKeys, input: Input): Promise<string> {
  const [result] = (await keys.import([input])).results
  return result?.ok === true ? result.writeKey.id : (result?.code ?? '')
}

async function start({ url, db }: Opened) {
  const tablePrefix = `e${randomBase62(6).toLowerCase()}_`
  const open = (): { store: SqlStore; keys: WriteKeys } => {
    const store = createSqlStore({ url, tablePrefix })
    const keys = createWriteKeys({ store, importedKeys: /^[0-9A-Za-z]{30}$/, logger: false })
    onTestFinished(() => keys.close())
    return { store, keys }
  }
  const run = async <Row>(statement: RawBuilder<Row>) => (await statement.execute(db)).rows
  const table = (name: string) => sql.id(tablePrefix + name)
  const { store, keys } = open()
  await store.migrate()
  await store.setLease?.(20)
  return { store, keys, open, run, table }
}

function remembersEndedSecrets(opened: () => Promise<Opened>): void {
  it('comes with an upgrade from version 8, for keys that are there already, and shuts nobody out', async () => {
    const { keys, open, run, table } = await start(await opened())
    const inputs = Array.from({ length: 4 }, newInput)
    const ids: string[] = []
    for (const input of inputs) ids.push(await importOne(keys, input))
    await run(sql`drop table ${table('ended_secrets')}`)
    await run(sql`update ${table('meta')} set schema_version = 8, compatible_version = 4`)
    const upgraded = open()
    await upgraded.store.migrate()
    const [removed, revoked, rotated] = ids as [string, string, string]
    await upgraded.keys.remove(removed)
    await upgraded.keys.revoke(revoked)
    await upgraded.keys.rotate(rotated, { gracePeriodHours: 0 })
    const outcomes: string[] = []
    for (const input of inputs) outcomes.push(await importOne(upgraded.keys, input))
    expect(outcomes).toEqual(['secret_ended', 'conflict', 'secret_ended', 'conflict'])
    const [row] = await run(
      sql<{
        v: unknown
        c: unknown
      }>`select schema_version as v, compatible_version as c from ${table('meta')}`,
    )
    expect([Number(row?.v), Number(row?.c)]).toEqual([9, 4])
  })

  it('knows nothing of what code of version 8 removes', async () => {
    const { keys, run, table } = await start(await opened())
    const input = newInput()
    const id = await importOne(keys, input)
    await run(sql`delete from ${table('keys')} where id = ${id}`)
    await run(sql`delete from ${table('secrets')} where key_id = ${id}`)
    expect(await importOne(keys, input)).toMatch(/^wk_/)
  })

  it('takes a secret that code of version 8 has imported again for one that exists, until it ends', async () => {
    const { store, keys, run, table } = await start(await opened())
    const input = newInput()
    const id = await importOne(keys, input)
    await run(
      sql`insert into ${table('ended_secrets')} (key_hash, ended_at) select key_hash, 1 from ${table('secrets')}`,
    )
    expect(await importOne(keys, input)).toBe('conflict')
    expect(await store.ended?.([(await store.get(id))?.secrets[0]?.keyHash ?? ''])).toEqual(new Map())
    expect(await keys.update(id, { name: 'Renamed' })).toMatchObject({ name: 'Renamed' })
    await keys.rotate(id)
    await keys.remove(id)
    expect(await importOne(keys, input)).toBe('secret_ended')
  })
}

/** @param waiting returns a row when somebody waits for a lock in this database. */
function waitsForAnEnd(opened: () => Promise<Opened>, waiting: RawBuilder<unknown>): void {
  it('makes no key with a secret that is just ending, but waits and refuses it', async () => {
    const ended = createKeyRecord()
    const { store, run, table } = await start(await opened())
    await store.insert(ended, auditEntry())
    const { keyHash } = ended.secrets[0] as (typeof ended.secrets)[number]
    const rival = createKeyRecord()
    const record = { ...rival, secrets: rival.secrets.map((secret) => ({ ...secret, keyHash })) }
    // As another process ends it: everything but the commit.
    await run(sql`begin`)
    await run(sql`delete from ${table('keys')} where id = ${ended.id}`)
    await run(
      sql`insert into ${table('ended_secrets')} (key_hash, ended_at) select key_hash, 5 from ${table('secrets')}`,
    )
    await run(sql`delete from ${table('secrets')} where key_id = ${ended.id}`)
    const inserting = store.insert(record, auditEntry())
    // MariaDB looks anew only when nobody has asked for a tenth of a second.
    const patience = { timeout: 10_000, interval: 300 }
    await expect.poll(async () => (await run(waiting)).length, patience).toBeGreaterThan(0)
    await run(sql`commit`)
    expect(await inserting).toBeUndefined()
    expect(await store.ended?.([keyHash])).toEqual(new Map([[keyHash, 5]]))
    expect((await store.poll({ since: null, keyHash })).record).toBeUndefined()
  })
}

describe('SQLite', () => {
  const folder = useFolder()
  remembersEndedSecrets(async () => {
    const file = join(folder, `${randomBase62(8)}.db`)
    const store = createSqlStore({ url: `sqlite:${file}` })
    await store.migrate()
    await store.close()
    const { writer, close } = await openSqlite(file)
    onTestFinished(close)
    return { url: `sqlite:${file}`, db: writer }
  })
})

function connect(url: string, dialect: Dialect): Opened {
  const db = new Kysely<unknown>({ dialect })
  onTestFinished(() => db.destroy())
  return { url, db }
}

describeWithService('postgres', 'PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  const open = async () =>
    connect(
      database.url,
      new PostgresDialect({ pool: new pg.Pool({ connectionString: database.url, max: 1 }) }),
    )
  remembersEndedSecrets(open)
  waitsForAnEnd(
    open,
    sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
})

describeWithService('mysql', 'MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  const open = async () =>
    connect(database.url, new MysqlDialect({ pool: createPool({ uri: database.url, connectionLimit: 1 }) }))
  remembersEndedSecrets(open)
  waitsForAnEnd(
    open,
    sql`select 1 from information_schema.innodb_trx t join information_schema.processlist p on p.id = t.trx_mysql_thread_id
        where t.trx_state = 'LOCK WAIT' and p.db = database()`,
  )
})
