import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { openShell } from './shell.ts'

const create = ['create', '--name', 'Web App', '--source-type', 'web']

describe('the tables of the command', () => {
  it('are those of --table-prefix or its variable, and what is written is said to be there', async () => {
    const { run, runJson, store } = openShell()
    await run(['migrate', '--table-prefix', 'acme_'])
    const { err } = await run([...create, '--table-prefix', 'acme_'])
    expect(err).toContain(`Written to ${store}, tables acme_…`)
    const elsewhere = openShell({ WRITEKEY_STORE: store, WRITEKEY_TABLE_PREFIX: 'acme_' })
    expect((await elsewhere.runJson(['list'])).data).toHaveLength(1)
    expect((await runJson(['list', '--table-prefix', 'acme_'])).data).toHaveLength(1)
  })

  it('are made by migrate, not by a look at the wrong place', async () => {
    const { run, store } = openShell()
    await run(['migrate', '--table-prefix', 'acme_'])
    for (const command of [['list'], create]) {
      const { code, err } = await run(command)
      expect(code).toBe(3)
      expect(err).toMatch(/tables are missing[\s\S]*writekey migrate/)
    }
    const direct = createSqlStore({ url: store, autoMigrate: false })
    await expect(direct.poll({ since: null })).rejects.toMatchObject({ code: 'schema_missing' })
    await direct.close()
  })
})

describe('writekey migrate --dry-run', () => {
  it('prints the SQL, for a file that is not there as well, and makes nothing', async () => {
    const { run, store, folder } = openShell()
    const { code, out } = await run(['migrate', '--dry-run', '--table-prefix', 'acme_'])
    expect(code).toBe(0)
    expect(out).toMatch(/^create table if not exists "acme_keys" \([^\n]*\);\n/)
    expect(readdirSync(folder)).toEqual([])
    await run(['migrate'])
    const again = await run(['migrate', '--dry-run'])
    expect([again.code, again.out]).toEqual([0, ''])
    expect(again.err).toContain(`The tables in ${store} are up to date.`)
    expect((await run(['migrate', '--dry-run', 'now'])).code).toBe(2)
  })
})

describe('writekey serve on a port that is in use', () => {
  it('makes neither key nor token, which would never be shown', async () => {
    const shell = openShell()
    const before = process.cwd()
    process.chdir(shell.folder)
    const busy = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => busy.once('listening', resolve))
    try {
      const { code } = await shell.serve({ PORT: String((busy.address() as AddressInfo).port) })
      expect(code).toBe(3)
      expect(existsSync(join(shell.folder, '.data')) ? readdirSync(join(shell.folder, '.data')) : []).toEqual(
        [],
      )
      expect((await shell.runJson(['list'])).data).toEqual([])
    } finally {
      busy.close()
      process.chdir(before)
    }
  })
})
