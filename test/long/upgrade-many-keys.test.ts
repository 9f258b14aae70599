import { readFileSync } from 'node:fs'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { expect, it } from 'vitest'
import { parseListQuery } from '../../src/keys/list-query.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { describeWithService } from '../services.ts'
import { mysqlDatabase, postgresDatabase } from '../stores/sql/databases.ts'
import { length } from './length.ts'

const keys = length(100_000, 20_000)
const mostMs = 10_000
/** What the code of version 1 asks for a key that it does not have in memory. */
const question = `select k.id, k.name, k.status, k.rate_limit_eps, k.allowed_origins, s.expires_at from writekey_secrets s
  join writekey_keys k on k.id = s.key_id where s.id = 'sec_777'`
const dump = (name: string) =>
  readFileSync(new URL(`../stores/sql/version-1/${name}.sql`, import.meta.url), 'utf8')
const record = `'Web', 'web', 'web', 'production', 'active', 50, 1, 1, 1`
const columns =
  'name, name_folded, source_type, environment, status, rate_limit_eps, created_at, updated_at, version'
const toKey = (id: string) => `insert into writekey_keys (id, ${columns}) select ${id}, ${record}`
const toSecret = (id: string, hash: string) =>
  `insert into writekey_secrets (id, key_id, key_hash, start_chars, position, created_at) select ${id}, ${hash}, 'sk_live_0000', 0, 1`

/** Migrates while a process of version 1 asks on, again and again. */
async function upgrade(
  url: string,
  ask: () => Promise<unknown[]>,
): Promise<{ tookMs: number; slowestMs: number }> {
  const store = createSqlStore({ url, autoMigrate: false })
  let isOver = false
  let slowestMs = 0
  const asking = (async () => {
    while (!isOver) {
      const began = performance.now()
      expect(await ask()).toHaveLength(1)
      slowestMs = Math.max(slowestMs, performance.now() - began)
    }
  })()
  const began = performance.now()
  await store.migrate().finally(() => {
    isOver = true
  })
  const tookMs = performance.now() - began
  await asking
  expect((await store.count?.(parseListQuery({}))) ?? 0).toBeGreaterThan(keys)
  await store.close()
  return { tookMs, slowestMs }
}

describeWithService('postgres', 'PostgreSQL tables of version 1 with many keys', (address) => {
  it('are upgraded in 10 s, while older processes ask on', async () => {
    const url = await postgresDatabase(address)
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(dump('postgres'))
    await client.query(`${toKey("'wk_' || n")} from generate_series(1, ${keys}) n`)
    await client.query(
      `${toSecret("'sec_' || n, 'wk_' || n", 'sha256(n::text::bytea)')} from generate_series(1, ${keys}) n`,
    )
    const { tookMs, slowestMs } = await upgrade(url, async () => (await client.query(question)).rows)
    await client.end()
    expect(tookMs).toBeLessThan(mostMs)
    expect(slowestMs).toBeLessThan(mostMs / 2)
  })
})

describeWithService('mysql', 'MariaDB tables of version 1 with many keys', (address) => {
  it('are upgraded in 10 s, while older processes ask on', async () => {
    const url = await mysqlDatabase(address)
    const client = await createConnection({ uri: url, multipleStatements: true })
    await client.query(dump('mysql'))
    await client.query(`${toKey("concat('wk_', seq)")} from seq_1_to_${keys}`)
    await client.query(
      `${toSecret("concat('sec_', seq), concat('wk_', seq)", 'unhex(sha2(seq, 256))')} from seq_1_to_${keys}`,
    )
    const { tookMs, slowestMs } = await upgrade(
      url,
      async () => (await client.query(question))[0] as unknown[],
    )
    await client.end()
    expect(tookMs).toBeLessThan(mostMs)
    expect(slowestMs).toBeLessThan(mostMs / 2)
  })
})
