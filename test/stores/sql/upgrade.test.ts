import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  MysqlDialect,
  PostgresDialect,
  SqliteDialect,
} from 'kysely'
import Database from 'libsql'
import { createPool } from 'mysql2'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseListQuery } from '../../../src/keys/list-query.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore, type SqlStore } from '../../../src/stores/sql/index.ts'
import { nameTables } from '../../../src/stores/sql/table-names.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { mysqlDatabase, postgresDatabase, useFolder } from './databases.ts'

/** The tables of version 1 with four keys, as the code of that version made them. */
const dump = (name: 'sqlite' | 'postgres' | 'mysql') =>
  readFileSync(join(import.meta.dirname, 'version-1', `${name}.sql`), 'utf8')

const drops = Object.keys(nameTables({ schema: undefined, prefix: '' }))
  .map((name) => `drop table writekey_${name};`)
  .join('')

const dropsOfVersion1 = ['keys', 'secrets', 'usage', 'activity', 'audit', 'changes', 'leases', 'meta']
  .map((name) => `drop table writekey_${name};`)
  .join('')

/** A database with the tables of version 1. */
interface OldDatabase {
  url: string
  /** Puts the old tables in the place of those there are. */
  restore(): Promise<void>
  /** Runs statements as another tool would. */
  run(statements: string): unknown
  dialect(): Dialect
}

/** A connection that is gone after so many statements, as that of a process that was killed. */
function dyingAfter(statements: number, dialect: Dialect): Dialect {
  let left = statements
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver(): Driver {
      const driver = dialect.createDriver()
      const inner = new WeakMap<DatabaseConnection, DatabaseConnection>()
      return {
        init: () => driver.init(),
        destroy: () => driver.destroy(),
        async acquireConnection() {
          const connection = await driver.acquireConnection()
          const dying: DatabaseConnection = {
            executeQuery(query) {
              if (left-- <= 0) throw new Error('killed')
              return connection.executeQuery(query)
            },
            streamQuery: (query, size) => connection.streamQuery(query, size),
          }
          inner.set(dying, connection)
          return dying
        },
        releaseConnection: (dying) => driver.releaseConnection(inner.get(dying) as DatabaseConnection),
        beginTransaction: () => Promise.reject(new Error('not used')),
        commitTransaction: () => Promise.reject(new Error('not used')),
        rollbackTransaction: () => Promise.reject(new Error('not used')),
      }
    },
  }
}

async function expectUpgraded(store: SqlStore): Promise<void> {
  const { data } = await store.list(parseListQuery({ limit: 10 }))
  expect(data.map(({ name, status, secrets }) => [name, status, secrets.length])).toEqual([
    ['Leaked', 'revoked', 1],
    ['Server', 'active', 2],
    ["Web O'Brien \\ Größe 🌍", 'active', 1],
  ])
  const [leaked, server, web] = data as [(typeof data)[0], (typeof data)[0], (typeof data)[0]]
  expect(web).toMatchObject({
    rateLimitEps: 500,
    allowedEventTypes: ['track', 'page'],
    allowedOrigins: ['https://app.example.com'],
    metadata: { team: 'growth' },
  })
  // A process of the old version had registered 3 s.
  const { position, leaseMs, history } = await store.poll({ since: null })
  expect({ revision: position.revision, leaseMs, history }).toEqual({
    revision: 8,
    leaseMs: 3_000,
    history: 'kept',
  })
  expect(await store.poll({ since: position })).toMatchObject({ history: 'kept', changed: [] })
  for (const { keyHash } of server.secrets) {
    expect((await store.poll({ since: position, keyHash })).record).toEqual(server)
  }
  expect(
    (await store.poll({ since: position, keyHash: leaked.secrets[0]?.keyHash as string })).record,
  ).toEqual(leaked)
  const counts = await store.usage.read({
    keyIds: [server.id],
    from: 1_795_725_900_000,
    to: 1_795_726_200_000,
    bucketMs: 300_000,
  })
  expect(counts).toMatchObject([{ kind: 'accepted', name: 'track', count: 1 }])
  expect((await store.audit.list({ limit: 100 })).data).toHaveLength(7)

  const record = createKeyRecord()
  const entry = { id: `aud_${randomBase62(16)}`, at: 0, action: 'create', actor: null } as const
  const committed = await store.insert(record, {
    ...entry,
    address: null,
    keyId: null,
    before: null,
    after: null,
  })
  expect(committed).toMatchObject({ position: { revision: 9 }, leaseMs: 3_000 })
  expect(await store.poll({ since: position })).toMatchObject({ history: 'kept', changed: [record.id] })
}

function upgrades(open: () => Promise<OldDatabase>): void {
  it('keeps every key, secret, count and entry, when ten processes migrate at once', async () => {
    const { url } = await open()
    const stores = Array.from({ length: 10 }, () => createSqlStore({ url }))
    await Promise.all(stores.map((store) => store.migrate()))
    await expectUpgraded(stores[3] as SqlStore)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('is planned as statements, which do the same when another tool runs them', async () => {
    const { url, run } = await open()
    const store = createSqlStore({ url, autoMigrate: false })
    onTestFinished(() => store.close())
    const statements = await store.planMigration()
    await expect(store.poll({ since: null })).rejects.toMatchObject({ code: 'schema_outdated' })
    expect(await store.planMigration({ finish: true })).toHaveLength(statements.length + 1)
    await run(`${statements.join(';\n')};`)
    expect(await store.planMigration()).toEqual([])
    await expectUpgraded(store)
    expect(await store.planMigration({ finish: true })).toHaveLength(1)
  })

  it('is planned for a database without tables too', async () => {
    const { url, run } = await open()
    await run(dropsOfVersion1)
    const store = createSqlStore({ url, autoMigrate: false })
    onTestFinished(() => store.close())
    const statements = await store.planMigration()
    expect(statements[0]).toMatch(/^create table if not exists .writekey_keys. \(/)
    await run(`${statements.join(';\n')};`)
    expect(await store.planMigration({ finish: true })).toEqual([])
    const { position } = await store.poll({ since: null })
    expect(position.revision).toBe(1)
    expect(position.mark).toHaveLength(16)
  })

  it('goes on where a process was killed, whichever statement was its last', async () => {
    const { url, dialect } = await open()
    let deaths = 0
    for (let statements = 1; ; statements++) {
      const db = new Kysely<unknown>({ dialect: dyingAfter(statements, dialect()) })
      const migrated = await createSqlStore({ db })
        .migrate()
        .then(
          () => true,
          (error) => {
            expect(error.message).toContain('killed')
            return false
          },
        )
      await db.destroy()
      if (migrated) break
      deaths++
    }
    expect(deaths).toBeGreaterThan(8)
    const store = createSqlStore({ url })
    await expectUpgraded(store)
    await store.close()
  })

  it('is done again when they are restored under a process that runs', async () => {
    const { url, restore } = await open()
    const store = createSqlStore({ url })
    onTestFinished(() => store.close())
    const { position } = await store.poll({ since: null })
    await restore()
    const asked = () => store.poll({ since: { ...position, revision: 9 } })
    await expect.poll(async () => (await asked()).history).toBe('lost')
    await expectUpgraded(store)
  })

  it('waits for migrate() in an application’s own database', async () => {
    const { dialect } = await open()
    const db = new Kysely<unknown>({ dialect: dialect() })
    onTestFinished(() => db.destroy())
    const store = createSqlStore({ db })
    await expect((async () => store.poll({ since: null }))()).rejects.toMatchObject({
      code: 'schema_outdated',
      message: /migrate\(\)/,
    })
    await store.migrate()
    await expectUpgraded(store)
  })
}

describe('SQLite tables of version 1', () => {
  const folder = useFolder()
  upgrades(async () => {
    const file = join(folder, `${randomBase62(8)}.db`)
    const run = (statements: string) => {
      const database = new Database(file)
      database.exec(statements)
      database.close()
    }
    run(dump('sqlite'))
    return {
      url: `sqlite:${file}`,
      run,
      restore: async () => run(drops + dump('sqlite')),
      dialect: () => new SqliteDialect({ database: openAsKilled(file) as never }),
    }
  })
})

/** What a killed process leaves open is undone; libsql would keep the lock for as long as this process lives. */
function openAsKilled(file: string) {
  const database = new Database(file)
  return {
    prepare: (sql: string) => database.prepare(sql),
    close() {
      if (database.inTransaction) database.exec('rollback')
      database.close()
    },
  }
}

describeWithService('postgres', 'PostgreSQL tables of version 1', (address) => {
  upgrades(async () => {
    const url = await postgresDatabase(address)
    const run = async (statements: string) => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(statements)
      await client.end()
    }
    await run(dump('postgres'))
    return {
      url,
      run,
      restore: () => run(drops + dump('postgres')),
      dialect: () => new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 2 }) }),
    }
  })
})

describeWithService('mysql', 'MariaDB tables of version 1', (address) => {
  upgrades(async () => {
    const url = await mysqlDatabase(address)
    const run = async (statements: string) => {
      const connection = await createConnection({ uri: url, multipleStatements: true })
      await connection.query(statements)
      await connection.end()
    }
    await run(dump('mysql'))
    const restore = () => run(drops + dump('mysql'))
    return {
      url,
      run,
      restore,
      dialect: () => new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: 2 }) }),
    }
  })
})
