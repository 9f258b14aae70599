import { join } from 'node:path'
import Database from 'libsql'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { describeWithService } from '../../services.ts'
import { mysqlDatabase, postgresDatabase, useFolder } from './databases.ts'

const asked = ['keys', 'secrets', 'changes']

async function makeTables(url: string): Promise<void> {
  const store = createSqlStore({ url })
  await store.migrate()
  await store.close()
}

/** What a process says of itself that would refuse good requests. */
async function stateOf(url: string) {
  const keys = createWriteKeys({ store: createSqlStore({ url }), logger: false })
  onTestFinished(() => keys.close())
  const reason = await keys.ready().catch((error: { code: string; message: string }) => error)
  const { ok } = await keys.health()
  return { reason, ok }
}

describe('ready() rejects, and health() is not ok', () => {
  const folder = useFolder()

  it.each(asked)('where SQLite has lost the table of %s', async (table) => {
    const path = join(folder, `${table}.db`)
    await makeTables(`sqlite:${path}`)
    const file = new Database(path)
    file.exec(`drop table writekey_${table}`)
    file.close()
    expect(await stateOf(`sqlite:${path}`)).toMatchObject({ reason: { code: 'schema_missing' }, ok: false })
  })
})

describeWithService('postgres', 'ready() rejects, and health() is not ok', (address) => {
  it.each(asked)('where PostgreSQL has lost the table of %s', async (table) => {
    const url = await postgresDatabase(address)
    await makeTables(url)
    await run(url, `drop table writekey_${table} cascade`)
    expect(await stateOf(url)).toMatchObject({ reason: { code: 'schema_missing' }, ok: false })
  })

  it.each(asked)('where a role may not read the table of %s, and says which', async (table) => {
    const url = await postgresDatabase(address)
    await makeTables(url)
    const role = `writekey_blind_${randomBase62(8).toLowerCase()}`
    await run(url, `create role ${role} login`)
    onTestFinished(() => run(address, `drop role ${role}`))
    onTestFinished(() => run(url, `drop owned by ${role}`))
    await run(url, `grant select, insert, update, delete on all tables in schema public to ${role}`)
    await run(url, `revoke select on writekey_${table} from ${role}`)
    const asRole = Object.assign(new URL(url), { username: role }).href
    expect(await stateOf(asRole)).toMatchObject({
      reason: { code: 'store_unavailable', message: expect.stringContaining(`writekey_${table}`) },
      ok: false,
    })
  })
})

describeWithService('mysql', 'ready() rejects, and health() is not ok', (address) => {
  it.each(asked)('where MariaDB has lost the table of %s', async (table) => {
    const url = await mysqlDatabase(address)
    await makeTables(url)
    const connection = await createConnection({ uri: url })
    await connection.query('set foreign_key_checks = 0')
    await connection.query(`drop table writekey_${table}`)
    await connection.end()
    expect(await stateOf(url)).toMatchObject({ reason: { code: 'schema_missing' }, ok: false })
  })
})

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(statement)
  await client.end()
}
