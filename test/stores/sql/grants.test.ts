import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../../src/index.ts'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { nameTables } from '../../../src/stores/sql/table-names.ts'
import { blockWith } from '../../docs/running-blocks.ts'
import { describeWithService } from '../../services.ts'
import { beginWithLease, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

const changed = ['keys', 'secrets', 'changes']
const tables = Object.keys(nameTables({ schema: undefined, prefix: '' })).map((name) => `writekey_${name}`)

const request = (secret: string) => ({
  method: 'POST',
  path: '/v1/track',
  headers: { authorization: `Basic ${btoa(`${secret}:`)}` },
  body: { event: 'Signed Up' },
  ip: '192.0.2.7',
})

/** Everything that a process does which manages keys. */
async function liveWith(keys: WriteKeys): Promise<void> {
  const { writeKey, key } = await keys.create({ name: 'Granted', sourceType: 'web' })
  expect((await keys.verify(request(key))).ok).toBe(true)
  await keys.rotate(writeKey.id)
  await keys.update(writeKey.id, { name: 'Renamed' })
  expect((await keys.list()).data).toHaveLength(1)
  await keys.usage(writeKey.id)
  await keys.revoke(writeKey.id)
  expect((await keys.verify(request(key))).ok).toBe(false)
  await keys.remove(writeKey.id)
}

/** A process that verifies, and counts. */
async function verifyWith(keys: WriteKeys, secret: string): Promise<void> {
  expect((await keys.verify(request(secret))).ok).toBe(true)
  await expect(keys.create({ name: 'Not granted', sourceType: 'web' })).rejects.toMatchObject({
    name: 'StoreError',
  })
}

interface Roles {
  owner: string
  application: string
  verifier: string
}

/**
 * After an update that brought tables, nobody has given the application rights on them: senders notice nothing, and the log says at
 * once what is missing, and that it is back.
 */
async function tryWithout(table: string, url: string, allow: () => Promise<unknown>): Promise<void> {
  const lines: string[] = []
  const write = (_: object, text: string) => void lines.push(text)
  const keys = createWriteKeys({
    store: createSqlStore({ url }),
    usage: { flushMs: 200 },
    logger: { error: write, warn: write },
    onEvent: () => {},
  })
  onTestFinished(() => keys.close())
  await keys.ready()
  const { writeKey, key } = await keys.create({ name: table, sourceType: 'web' })
  expect((await keys.verify(request(key))).ok).toBe(true)
  const told = table.endsWith('notices') ? 'which notices have been sent' : 'problems and anomalies'
  const ofIt = () => lines.filter((line) => line.includes(told))
  await expect.poll(ofIt).toHaveLength(1)
  expect((await keys.health()).ok).toBe(true)
  await allow()
  await expect.poll(() => lines.at(-1)).toContain('the store is back')
  expect(ofIt()).toHaveLength(1)
  await keys.revoke(writeKey.id)
}

async function tryRoles({ owner, application, verifier }: Roles, grant: () => Promise<void>): Promise<void> {
  const errors: unknown[] = []
  const open = (url: string) =>
    createWriteKeys({
      store: createSqlStore({ url }),
      cache: { leaseMs: 200 },
      onEvent: (event) => {
        if (event.type === 'store_error') errors.push(event.error)
      },
    })
  const store = createSqlStore({ url: owner })
  await store.migrate()
  await store.close()
  // Longer than what the processes set, so that they still have to set it.
  await beginWithLease(owner, 250)
  await grant()

  const managing = open(application)
  await liveWith(managing)
  const { writeKey, key } = await managing.create({ name: 'Used', sourceType: 'web' })
  const verifying = open(verifier)
  await verifyWith(verifying, key)
  await verifying.close()
  expect(await managing.usage(writeKey.id)).toMatchObject({ lastEventAt: expect.any(Date) })
  await managing.close()
  expect(errors).toEqual([])
}

const as = (url: string, user: string) => {
  const other = new URL(url)
  other.username = user
  return other.href
}

describeWithService('postgres', 'the grants of docs/stores.md are enough in PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  it('for whoever manages keys, and for whoever only verifies', async () => {
    const suffix = randomBase62(8).toLowerCase()
    const [application, verifier] = [`writekey_app_${suffix}`, `writekey_verify_${suffix}`]
    const admin = new pg.Client({ connectionString: database.url })
    await admin.connect()
    onTestFinished(async () => {
      await admin.query(`drop owned by ${application}, ${verifier}`)
      await admin.query(`drop role ${application}, ${verifier}`)
      await admin.end()
    })
    await admin.query(`create role ${application} login`)
    await admin.query(`create role ${verifier} login`)
    await tryRoles(
      {
        owner: database.url,
        application: as(database.url, application),
        verifier: as(database.url, verifier),
      },
      async () => {
        const { code } = blockWith('docs/stores.md', 'sql', 'alter default privileges')
        for (const role of [application, verifier]) await admin.query(code.replaceAll(' app;', ` ${role};`))
        // Of a later version.
        await admin.query('create table writekey_later (id int)')
        const may = `select has_table_privilege('${application}', 'writekey_later', 'insert') as may`
        expect((await admin.query(may)).rows).toEqual([{ may: true }])
        await admin.query(
          `revoke insert, delete on ${changed.map((name) => `writekey_${name}`).join(', ')} from ${verifier}`,
        )
      },
    )
    for (const table of ['sightings', 'decision_pages', 'notices'].map((name) => `writekey_${name}`)) {
      await admin.query(`revoke all on ${table} from ${application}`)
      await tryWithout(table, as(database.url, application), () =>
        admin.query(`grant select, insert, update, delete on ${table} to ${application}`),
      )
    }
  })
})

describeWithService('mysql', 'the grants of docs/stores.md are enough in MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  it('for whoever manages keys, and for whoever only verifies', async () => {
    const suffix = randomBase62(8).toLowerCase()
    const [application, verifier] = [`writekey_app_${suffix}`, `writekey_verify_${suffix}`]
    const admin = await createConnection({ uri: database.url })
    const users = [application, verifier].map((name) => `${name}@'%'`)
    onTestFinished(async () => {
      await admin.query(`drop user ${users.join(', ')}`)
      await admin.end()
    })
    await admin.query(`create user ${users.join(', ')}`)
    await tryRoles(
      {
        owner: database.url,
        application: as(database.url, application),
        verifier: as(database.url, verifier),
      },
      async () => {
        const { code } = blockWith('docs/stores.md', 'sql', "'app'@'%'")
        const name = new URL(database.url).pathname.slice(1)
        await admin.query(code.replace('app.*', `\`${name}\`.*`).replace("'app'@'%'", users[0] as string))
        for (const table of tables) {
          const isChanged = changed.includes(table.replace('writekey_', ''))
          const rights = isChanged ? 'select, update' : 'select, insert, update, delete'
          await admin.query(`grant ${rights} on ${table} to ${users[1]}`)
        }
      },
    )
  })
})
