import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { describeWithService } from '../../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

/** Lives through everything that writes, and gives every secret that was ever shown. */
async function useStore(url: string): Promise<string[]> {
  const keys = createWriteKeys({ store: createSqlStore({ url }), usage: { flushMs: 1_000 } })
  const actor = { name: 'ops', address: '192.0.2.1' }
  const secrets: string[] = []
  for (const change of ['keep', 'revoke', 'remove'] as const) {
    const { writeKey, key } = await keys.create(
      { name: 'Swept', sourceType: 'web', metadata: { a: 1 } },
      { actor },
    )
    secrets.push(key, (await keys.rotate(writeKey.id, { actor })).key)
    for (const secret of secrets) await keys.verify(request(secret))
    await keys.update(writeKey.id, { name: 'Renamed' }, { actor })
    if (change !== 'keep') await keys[change](writeKey.id, { actor })
  }
  await keys.close()
  return secrets
}

const request = (secret: string) => ({
  method: 'GET',
  path: '/v1/track',
  headers: { authorization: `Basic ${btoa(`${secret}:`)}` },
  ip: '192.0.2.7',
})

/** Every spelling under which a secret could have got somewhere, beyond its first twelve characters. */
function spellings(secret: string): string[] {
  const body = secret.slice(12)
  const bytes = Buffer.from(body)
  const base64 = [0, 1, 2].map((shift) =>
    bytes.subarray(shift).toString('base64').replace(/=+$/, '').slice(0, -2),
  )
  return [
    body,
    body.toLowerCase(),
    body.toUpperCase(),
    [...body].reverse().join(''),
    bytes.toString('hex'),
    Buffer.from(body, 'utf16le').toString('latin1'),
    ...base64,
    ...[secret, `${secret}:`].map((text) => btoa(text).replace(/=+$/, '').slice(20)),
  ]
}

function expectNoSecret(dump: string, secrets: readonly string[]): void {
  expect(dump).toContain('Renamed')
  for (const secret of secrets) {
    for (const spelling of spellings(secret)) expect(dump.includes(spelling)).toBe(false)
  }
}

const printable = (_: string, value: unknown) =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value

describe('SQLite', () => {
  const folder = useFolder()
  it('holds no secret in any encoding, not even in a freed page', async () => {
    const secrets = await useStore(`sqlite:${join(folder, 'keys.db')}`)
    const dump = readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'latin1'))
      .join('')
    expectNoSecret(dump, secrets)
  })
})

describeWithService('postgres', 'PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  it('holds no secret in any encoding', async () => {
    const secrets = await useStore(database.url)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows: tables } = await client.query(
      "select tablename as name from pg_tables where schemaname = 'public'",
    )
    expect(tables.length).toBe(8)
    let dump = ''
    for (const { name } of tables) dump += JSON.stringify((await client.query(`select * from ${name}`)).rows)
    await client.end()
    expectNoSecret(dump, secrets)
  })
})

describeWithService('mysql', 'MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  it('holds no secret in any encoding', async () => {
    const secrets = await useStore(database.url)
    const connection = await createConnection({ uri: database.url })
    const [tables] = (await connection.query('show tables')) as unknown as [Record<string, string>[]]
    expect(tables.length).toBe(8)
    let dump = ''
    for (const table of tables) {
      const [rows] = await connection.query(`select * from ${Object.values(table)[0]}`)
      dump += JSON.stringify(rows, printable)
    }
    await connection.end()
    expectNoSecret(dump, secrets)
  })
})
