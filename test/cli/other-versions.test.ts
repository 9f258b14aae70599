import { join } from 'node:path'
import Database from 'libsql'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { describeWithService } from '../services.ts'
import { mysqlDatabase, postgresDatabase, useFolder } from '../stores/sql/databases.ts'
import { openShell } from './shell.ts'

const password = 'a-password-that-nobody-may-see'
const newer = 'update writekey_meta set schema_version = 99, compatible_version = 99'
const older = 'update writekey_meta set schema_version = 1, compatible_version = 1'

/** @param run runs a statement as another tool would */
async function expectOneLine(store: string, run: (statement: string) => unknown): Promise<void> {
  const shell = openShell({ WRITEKEY_STORE: store }, { hasTables: false })
  expect((await shell.run(['migrate'])).code).toBe(0)
  const { key } = await shell.runJson(['create', '--name', 'Shop', '--source-type', 'web'])
  const commands = [['list'], ['audit'], ['create', '--name', 'Web', '--source-type', 'web'], ['check']]

  async function expectToldOnce(told: RegExp, lines: number, alsoOf: string[][]): Promise<void> {
    for (const argv of [...commands, ...alsoOf]) {
      const { code, out, err } = await shell.run(argv, argv[0] === 'check' ? key : '')
      expect([argv[0], code, out, err.trim().split('\n').length]).toEqual([argv[0], 3, '', lines])
      expect(err).toMatch(told)
      for (const secret of [password, key]) expect(err).not.toContain(secret)
    }
    const tail = await shell.tail([])
    expect([tail.code, tail.read().err.trim().split('\n').length]).toEqual([3, lines])
    expect(tail.read().err).toMatch(told)
  }

  await run(older)
  await expectToldOnce(/version 1, this code needs version \d+.*\n.*writekey migrate/, 2, [])
  await run(newer)
  const tooNew = /of version 99 .* install a newer writekey/
  await expectToldOnce(tooNew, 1, [['migrate'], ['migrate', '--dry-run']])
  const server = await shell.serve()
  expect([server.code, server.read().err.trim().split('\n').length]).toEqual([3, 1])
  expect(server.read().err).toMatch(tooNew)
}

describe('tables of another version', () => {
  const folder = useFolder()

  it('are told in one line by every command, on SQLite', async () => {
    const file = join(folder, 'keys.db')
    await expectOneLine(`sqlite:${file}`, (statement) => {
      const database = new Database(file)
      database.exec(statement)
      database.close()
    })
  })
})

describeWithService('postgres', 'tables of another version on PostgreSQL', (address) => {
  it('are told in one line by every command', async () => {
    const url = new URL(await postgresDatabase(address))
    if (url.password === '') url.password = password
    await expectOneLine(url.href, async (statement) => {
      const client = new pg.Client({ connectionString: url.href })
      await client.connect()
      await client.query(statement)
      await client.end()
    })
  })
})

describeWithService('mysql', 'tables of another version on MariaDB', (address) => {
  it('are told in one line by every command, as is a wrong password', async () => {
    const url = new URL(await mysqlDatabase(address))
    await expectOneLine(url.href, async (statement) => {
      const connection = await createConnection(url.href)
      await connection.query(statement)
      await connection.end()
    })
    url.password = password
    const { code, err } = await openShell({}, { hasTables: false }).run(['list', '--store', url.href])
    expect([code, err.trim().split('\n').length]).toEqual([3, 1])
    expect(err).toContain('does not let this user in')
    expect(err).not.toContain(password)
  })
})
