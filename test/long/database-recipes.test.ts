import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { settableFields } from '../../src/keys/settable-fields.ts'
import { toSnakeCase } from '../../src/runtime/letter-case.ts'
import { root } from '../docs/code-blocks.ts'
import { blockWith } from '../docs/running-blocks.ts'
import { freePort } from '../free-port.ts'
import {
  answerOf,
  type DeployedApp,
  deployApp,
  fileOf,
  replaced,
  type Started,
} from '../recipes/deployed-app.ts'
import { describeWithService } from '../services.ts'
import { postgresDatabase } from '../stores/sql/databases.ts'
import { describeWithServers } from '../stores/sql/servers/describe.ts'
import {
  accountOf,
  findProgram,
  folderFor,
  removeFolder,
  runServer,
} from '../stores/sql/servers/own-server.ts'

/** The recipes for the database, each done as its reader would, with the blocks of its page. */
describeWithService('postgres', 'the recipes for the database', (address) => {
  const page = (name: string) => `docs/recipes/${name}.md`
  const line = (name: string, text: string) => blockWith(page(name), 'sh', text).code.trim()
  const nowhere = 'redis://127.0.0.1:1'
  let app: DeployedApp
  beforeAll(async () => {
    app = await deployApp()
  }, 120_000)
  afterAll(() => app.remove())

  async function useDatabase() {
    const url = await postgresDatabase(address)
    const env = { DATABASE_URL: url, REDIS_URL: nowhere }
    const sh = (command: string, more: Record<string, string> = {}) => app.sh(command, { ...env, ...more })
    const create = async (name: string, more: Record<string, string> = {}) =>
      JSON.parse(
        await sh(
          `npx writekey create --json --name ${name} --source-type server --store "$DATABASE_URL"`,
          more,
        ),
      ) as { id: string; key: string }
    const serve = async (more: Record<string, string> = {}, file = 'server.mjs') => {
      const port = await freePort()
      const server = app.start('node', [file], { ...env, PORT: String(port), ...more })
      onTestFinished(async () => void (await server.end('SIGKILL')))
      const base = `http://127.0.0.1:${port}`
      await answerOf(`${base}/readyz`)
      const send = async (key: string) => {
        const answer = await fetch(`${base}/v1/track`, {
          method: 'POST',
          headers: {
            authorization: `Basic ${btoa(`${key}:`)}`,
            'content-type': 'application/json',
            connection: 'close',
          },
          body: '{"event":"Order Paid","userId":"42"}',
        })
        return answer.status
      }
      return { base, send, server }
    }
    return { url, env, sh, create, serve }
  }

  it('migrations.md: the SQL of a dry run, run by psql, makes the tables that the server starts on', async () => {
    const { sh, serve, create } = await useDatabase()
    await sh(line('migrations', '--dry-run'))
    await expect(sh('npx writekey list --store "$DATABASE_URL"')).rejects.toThrow('writekey migrate')
    await sh(line('migrations', 'psql'))
    await sh(line('migrations', '--dry-run'))
    expect(await sh('cat migration.sql')).toBe('')
    const { key } = await create('Shop')
    const { send } = await serve()
    expect(await send(key)).toBe(200)
    expect(await sh(line('migrations', 'migrate --store "$DATABASE_URL"\n'))).toContain('up to date')
    expect(await sh('npx writekey migrate --finish --store "$DATABASE_URL"')).toContain('up to date')
  })

  it('pepper.md: three deployments, and no process ever refuses a good key', async () => {
    const { sh, create, serve, env } = await useDatabase()
    await sh('npx writekey migrate --store "$DATABASE_URL"')
    const [current, next] = ['c'.repeat(32), 'n'.repeat(32)]
    const peppers = (...list: string[]) => ({ WRITEKEY_PEPPER: list.join(',') })
    const order = readFileSync(`${root}${page('pepper')}`, 'utf8')
    expect(order.indexOf('set peppers')).toBeLessThan(order.indexOf('Then deploy 3'))
    const old = await create('Old', peppers(current))
    const first = await serve(peppers(current, next))
    const second = await serve(peppers(next, current))
    const since = new Date().toISOString()
    const made = await create('New', peppers(next, current))
    for (const { send } of [first, second])
      for (const { key } of [old, made]) expect(await send(key)).toBe(200)
    const [list, named] = line('pepper', 'list --all').split('\n') as [string, string]
    const remaining = async () => {
      await sh(list, peppers(next, current))
      return (await sh(named, { SINCE: since })).trim()
    }
    expect(await remaining()).toBe(`${old.id} Old`)
    const rotated = await sh(`${replaced(line('pepper', 'rotate "$ID"'), ['168', '0'])} --json`, {
      ...peppers(next, current),
      ID: old.id,
    })
    expect(await remaining()).toBe('')
    const tooEarly = app.start('node', ['server.mjs'], {
      ...env,
      PORT: String(await freePort()),
      ...peppers(next),
    })
    expect(await exitOf(tooEarly)).toBe(1)
    expect(tooEarly.printed()).toContain('pepper_missing')
    await sh(line('pepper', 'set peppers'))
    const third = await serve(peppers(next))
    for (const key of [JSON.parse(rotated).key, made.key]) expect(await third.send(key)).toBe(200)
    expect(await third.send(old.key)).toBe(401)
  })

  it.each(['pepper,null', 'json'])(
    'security.md: a pepper is introduced beside keys without one, written as %s',
    async (form) => {
      const { sh, create, serve } = await useDatabase()
      await sh('npx writekey migrate --store "$DATABASE_URL"')
      const plain = await create('Plain')
      const pepper = 'p'.repeat(32)
      const env = { WRITEKEY_PEPPER: form === 'json' ? JSON.stringify([pepper, null]) : `${pepper},null` }
      const made = await create('Peppered', env)
      const { send } = await serve(env)
      for (const { key } of [plain, made]) expect(await send(key)).toBe(200)
    },
  )

  it('backups.md: what was changed since the backup is changed again, under a server that goes on', async () => {
    const { sh, create, serve } = await useDatabase()
    const command = (text: string) => sh(`npx writekey ${text} --store "$DATABASE_URL"`)
    const list = async () => {
      const { data } = JSON.parse(await command('list --all --json'))
      return new Map<string, Record<string, unknown>>(data.map((key: { name: string }) => [key.name, key]))
    }
    await command('migrate')
    writeFileSync(join(app.folder, 'restore.mjs'), fileOf(page('backups'), 'restore.mjs'))
    const names = [
      'Kept',
      'Leaked',
      'Deleted',
      'Paused',
      'Resumed',
      'Narrowed',
      'Enforced',
      'Rotated',
    ] as const
    const made = await Promise.all(names.map(async (name) => [name, await create(name)] as const))
    const all = Object.fromEntries(made) as Record<(typeof names)[number], { id: string; key: string }>
    // Those that end something wait for a lease: together, as each is of another key.
    const commands = (...texts: string[]) => Promise.all(texts.map(command))
    await commands(
      `pause ${all.Resumed.id}`,
      `update ${all.Enforced.id} --trial '{"denied_ips":["127.0.0.1"]}'`,
    )
    await sh(line('backups', 'pg_dump'))
    await commands(
      `revoke ${all.Leaked.id} --yes`,
      `delete ${all.Deleted.id} --yes`,
      `pause ${all.Paused.id}`,
      `resume ${all.Resumed.id}`,
      `update ${all.Narrowed.id} --denied-ips 127.0.0.1 --name Narrow --expires-at 2099-01-01T00:00:00Z`,
      `enforce-trial ${all.Enforced.id}`,
      `rotate ${all.Rotated.id} --grace-period-hours 0`,
    )
    const late = await create('Late')
    const { send, server } = await serve()
    const answers = () => Promise.all(names.map((name) => send(all[name].key)))
    expect(await answers()).toEqual([200, 401, 401, 429, 200, 403, 403, 401])
    const before = await list()
    await sh(line('backups', 'restore.mjs save'))
    await sh(line('backups', 'pg_restore'))
    await expect.poll(answers, { timeout: 20_000 }).toEqual([200, 200, 200, 200, 429, 200, 200, 200])
    const told = await sh(line('backups', 'restore.mjs redo'))
    expect(told.trim().split('\n').sort()).toEqual(
      [
        `${all.Rotated.id}: rotate it, as its secrets were others`,
        `${late.id}: is not in the backup; make a new key for Late`,
      ].sort(),
    )
    await expect.poll(answers, { timeout: 20_000 }).toEqual([200, 401, 401, 429, 200, 403, 403, 200])
    const after = await list()
    const rules = ['status', ...settableFields('create').map(toSnakeCase)]
    const rulesOf = (key: Record<string, unknown> = {}) => rules.map((rule) => [rule, key[rule]])
    for (const name of ['Kept', 'Paused', 'Resumed', 'Narrow', 'Enforced'])
      expect(rulesOf(after.get(name)), name).toEqual(rulesOf(before.get(name)))
    expect(await sh(line('backups', 'restore.mjs redo'))).toBe(told)
    expect(server.printed()).toContain('another history')
    expect(JSON.parse(await sh('cat since.json')).data.length).toBeGreaterThan(10)
  })

  it('moving-stores.md: senders, secrets and counts move from a file to PostgreSQL', async () => {
    const { url, sh, create, serve } = await useDatabase()
    const file = join(app.folder, 'keys.db')
    const sqlite = { DATABASE_URL: `sqlite:${file}` }
    await sh('npm install libsql --no-audit --no-fund --prefer-offline')
    await sh('npx writekey migrate --store "$DATABASE_URL"', sqlite)
    const [shop, gone] = [await create('Shop', sqlite), await create('Gone', sqlite)]
    await sh(`npx writekey revoke ${gone.id} --yes --store "$DATABASE_URL"`, sqlite)
    const ended = await create('Ended', sqlite)
    await sh(`npx writekey delete ${ended.id} --yes --store "$DATABASE_URL"`, sqlite)
    writeFileSync(join(app.folder, 'move.mjs'), fileOf(page('moving-stores'), 'move.mjs'))
    const over = { ...sqlite }
    const before = await serve(over)
    expect(await before.send(shop.key)).toBe(200)

    await sh(line('moving-stores', 'npm install pg').split('\n')[1] as string)
    await sh(`node move.mjs ${file} keys`)
    await expect(sh(`node move.mjs ${file} keys`)).rejects.toThrow('already')
    const after = await serve({ DATABASE_URL: url })
    expect([await after.send(shop.key), await after.send(gone.key)]).toEqual([200, 401])
    expect(await before.send(shop.key)).toBe(200)
    expect(await before.server.end()).toBe(0)
    expect(await after.server.end()).toBe(0)
    // As the page has it, in its last step.
    const text = readFileSync(`${root}${page('moving-stores')}`, 'utf8')
    const [, copying] = /Copy the counts: `(.*?)`/.exec(text) ?? []
    const copyCounts = () => sh(replaced(copying as string, ['.data/writekey.db', file]))
    await copyCounts()
    await expect(copyCounts()).rejects.toThrow('already')
    const { data } = JSON.parse(await sh('npx writekey list --json --store "$DATABASE_URL"'))
    const volumes = Object.fromEntries(
      data.map((key: { name: string; events_24h: number; status: string }) => [
        key.name,
        [key.status, key.events_24h],
      ]),
    )
    expect(volumes).toEqual({ Shop: ['active', 3], Gone: ['revoked', 0] })
    const audit = await sh(`npx writekey audit --key ${gone.id} --store "$DATABASE_URL"`)
    expect(audit).toContain('revoke')
    const again = JSON.stringify({ name: 'Again', source_type: 'web', key: ended.key })
    const importing = sh(`echo '${again}' | npx writekey import --store "$DATABASE_URL"`)
    await expect(importing).rejects.toThrow('has ended')
  })

  describeWithServers('pgbouncer', 'pgbouncer', () => {
    it('migrations.md: statements go through the pooler, and hints past it', async () => {
      const { url, sh, create, serve } = await useDatabase()
      const account = accountOf('postgres')
      const folder = folderFor(account, 'pgbouncer-recipe')
      onTestFinished(() => removeFolder(folder))
      const port = await freePort()
      const direct = new URL(url)
      const settings = join(folder, 'pgbouncer.ini')
      writeFileSync(
        settings,
        replaced(
          fileOf(page('migrations'), 'pgbouncer.ini'),
          [
            'host=127.0.0.1 port=5432',
            `host=${direct.hostname} port=${direct.port || 5432} user=${direct.username}`,
          ],
          ['listen_port = 6432', `listen_port = ${port}\nunix_socket_dir =`],
          ['auth_type = scram-sha-256', 'auth_type = any'],
          ['auth_file = /etc/pgbouncer/userlist.txt\n', ''],
        ),
      )
      const program = findProgram(['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer']) as string
      const pooler = await runServer(program, ['-q', settings], account, folder, port)
      onTestFinished(() => pooler.end('SIGINT'))
      const pooled = new URL(url)
      pooled.host = `127.0.0.1:${port}`
      await sh('npx writekey migrate --store "$DATABASE_URL"')
      const { id, key } = await create('Shop')
      const store = /createSqlStore\(\{(.*?)\}\)/s.exec(
        blockWith(page('migrations'), 'ts', 'DIRECT_DATABASE_URL').code,
      )?.[0]
      writeFileSync(
        join(app.folder, 'pooled.mjs'),
        replaced(
          fileOf(page('deploying'), 'server.mjs'),
          ['createSqlStore({ url: DATABASE_URL, autoMigrate: false })', store as string],
          ['  hints: createRedisHints({ client: redis }),\n', ''],
        ),
      )
      const { base, send } = await serve(
        { DATABASE_URL: pooled.href, DIRECT_DATABASE_URL: url },
        'pooled.mjs',
      )
      expect(await send(key)).toBe(200)
      expect(await (await fetch(`${base}/readyz`)).json()).toMatchObject({
        ok: true,
        store: true,
        hints: true,
      })
      await sh(`npx writekey revoke ${id} --yes --store "$DATABASE_URL"`, { DATABASE_URL: pooled.href })
      expect(await send(key)).toBe(401)
    })
  })
})

const exitOf = ({ child }: Started) => new Promise((resolve) => child.once('exit', resolve))
