import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { openShell } from './shell.ts'

const create = ['create', '--name', 'Web App', '--source-type', 'web']
const id = 'wk_0123456789abcdef'
const commandsOnStore = [
  create,
  ['import'],
  ['list'],
  ['show', id],
  ['update', id, '--name', 'x'],
  ['rotate', id],
  ['pause', id],
  ['resume', id],
  ['revoke', id, '--yes'],
  ['delete', id, '--yes'],
  ['usage', id],
  ['usage'],
  ['tail'],
  ['audit'],
]

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

  it('are made by migrate alone: other commands say where they are missing', async () => {
    const { run, store, folder } = openShell({ WRITEKEY_IMPORTED_KEYS: '^[a-z]{32}$' }, { hasTables: false })
    const line = JSON.stringify({ name: 'A', source_type: 'web', key: 'k'.repeat(32) })
    const everything = [...commandsOnStore, ['import', '--dry-run']]
    for (const command of everything) {
      const { code, out, err } = await run(command, line)
      expect([command, code, out]).toEqual([command, 3, ''])
      expect(err).toContain(`There is no store at ${join(folder, 'keys.db')}`)
      expect(err).toContain(`writekey migrate --store ${store}`)
    }
    expect(readdirSync(folder)).toEqual([])

    await run(['migrate', '--table-prefix', 'acme_'])
    for (const command of everything) {
      const { code, err } = await run(command, line)
      expect([command, code]).toEqual([command, 3])
      expect(err).toContain(`${store}: The tables are missing`)
      expect(err).toContain('writekey migrate, with the same --store')
    }
    const direct = createSqlStore({ url: store, autoMigrate: false })
    await expect(direct.poll({ since: null })).rejects.toMatchObject({ code: 'schema_missing' })
    await direct.close()
    await run(['migrate'])
    expect((await run(['import', '--dry-run'], line)).err).toBe('')
    for (const command of [['import'], create])
      expect((await run(command, line)).err).toContain(`Written to ${store}`)
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
