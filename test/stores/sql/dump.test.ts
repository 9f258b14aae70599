import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { describeWithService } from '../../services.ts'
import { beginWithLease, useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

/** Lives through everything that writes, and gives every secret that was ever shown. */
async function useStore(url: string): Promise<string[]> {
  const store = createSqlStore({ url })
  await store.migrate()
  await beginWithLease(url, 50)
  const keys = createWriteKeys({ store, usage: { flushMs: 1_000 } })
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
    bytes.toString('hex').toUpperCase(),
    Buffer.from(body, 'utf16le').toString('latin1'),
    ...base64,
    ...[secret, `${secret}:`].map((text) => btoa(text).replace(/=+$/, '').slice(20)),
  ]
}

/** The spellings that stand in a dump. */
function found(dump: string, secrets: readonly string[]): string[] {
  return secrets.flatMap(spellings).filter((spelling) => dump.includes(spelling))
}

/** A database to be read as a thief would, and to be written to as a mistake would. */
interface Dumped {
  dump(): Promise<string>
  run(statement: string, cell: string | Buffer): Promise<unknown>
  close(): Promise<unknown>
}

async function sweep(url: string, open: () => Promise<Dumped>): Promise<void> {
  const secrets = await useStore(url)
  const database = await open()
  try {
    const dump = await database.dump()
    // It holds what it should hold, so it is a dump.
    expect(dump).toContain('Renamed')
    expect(dump).toContain(
      createHash('sha256')
        .update(secrets[1] as string)
        .digest()
        .toString('latin1'),
    )
    expect(found(dump, secrets)).toEqual([])

    // And a secret that got somewhere would be found, in text and in bytes.
    const [inKeys, inAudit, inBytes] = secrets as [string, string, string]
    const seen = (secret: string) => JSON.stringify({ seen: btoa(`x${secret}:`) })
    await database.run('update writekey_keys set metadata = ?', seen(inKeys))
    expect(found(await database.dump(), [inKeys])).not.toEqual([])
    await database.run('update writekey_audit set fields_after = ?', seen(inAudit))
    expect(found(await database.dump(), [inAudit])).not.toEqual([])
    const kept = "position = 0 and key_id in (select id from writekey_keys where status = 'active')"
    await database.run(
      `update writekey_secrets set key_hash = ? where ${kept}`,
      Buffer.from(inBytes.slice(12, 44)),
    )
    expect(found(await database.dump(), [inBytes.slice(0, 44)])).not.toEqual([])
  } finally {
    await database.close()
  }
}

function toDump(rows: readonly object[]): string {
  return rows
    .flatMap((row) => Object.values(row))
    .map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell).toString('latin1') : String(cell)))
    .join('\n')
}

describe('SQLite', () => {
  const folder = useFolder()
  it('holds no secret in any encoding, not even in a freed page', () =>
    sweep(`sqlite:${join(folder, 'keys.db')}`, async () => {
      const database = new Database(join(folder, 'keys.db'))
      return {
        dump: async () =>
          readdirSync(folder)
            .map((file) => readFileSync(join(folder, file), 'latin1'))
            .join(''),
        run: async (statement, cell) => database.prepare(statement).run([cell]),
        close: async () => database.close(),
      }
    }))
})

describeWithService('postgres', 'PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  it('holds no secret in any encoding', () =>
    sweep(database.url, async () => {
      const client = new pg.Client({ connectionString: database.url })
      await client.connect()
      const { rows: tables } = await client.query(
        "select tablename as name from pg_tables where schemaname = 'public'",
      )
      expect(tables.length).toBe(12)
      return {
        async dump() {
          let dump = ''
          for (const { name } of tables) dump += toDump((await client.query(`select * from ${name}`)).rows)
          return dump
        },
        run: (statement, cell) => client.query(statement.replace('?', '$1'), [cell]),
        close: () => client.end(),
      }
    }))
})

describeWithService('mysql', 'MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  it('holds no secret in any encoding', () =>
    sweep(database.url, async () => {
      const connection = await createConnection({ uri: database.url })
      const [tables] = (await connection.query('show tables')) as unknown as [Record<string, string>[]]
      expect(tables.length).toBe(12)
      return {
        async dump() {
          let dump = ''
          for (const table of tables) {
            const [rows] = await connection.query(`select * from ${Object.values(table)[0]}`)
            dump += toDump(rows as object[])
          }
          return dump
        },
        run: (statement, cell) => connection.query(statement, [cell]),
        close: () => connection.end(),
      }
    }))
})
