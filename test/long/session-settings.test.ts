import { createPool } from 'mysql2'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { randomBase62 } from '../../src/runtime/base62.ts'
import { createSqlStore, type SqlStorePoolOptions } from '../../src/stores/sql/index.ts'
import { describeWithService } from '../services.ts'
import { mysqlDatabase, postgresDatabase } from '../stores/sql/databases.ts'

const leaseMs = 300
const count = 100

async function verify(keys: WriteKeys, key: string): Promise<string> {
  const headers = { authorization: `Basic ${btoa(`${key}:`)}` }
  const verdict = await keys.verify({ method: 'GET', path: '/v1/track', headers })
  return verdict.ok ? 'accepted' : verdict.reason
}

/** A hundred keys in use over `pool` are revoked elsewhere, some at a time: none is accepted after the call returned. */
async function revokesAHundred(url: string, pool: SqlStorePoolOptions['pool']): Promise<void> {
  const tablePrefix = `s${randomBase62(6).toLowerCase()}_`
  const elsewhere = createWriteKeys({
    store: createSqlStore({ url, tablePrefix, notifications: false }),
    cache: { leaseMs },
    logger: false,
  })
  await elsewhere.ready()
  const keys = createWriteKeys({
    store: createSqlStore({ pool, tablePrefix }),
    cache: { leaseMs },
    logger: false,
  })
  onTestFinished(async () => {
    await Promise.all([keys.close(), elsewhere.close()])
  })
  const created = await Promise.all(
    // Made over the pool and elsewhere: both write.
    Array.from({ length: count }, (_, index) =>
      (index % 2 === 0 ? keys : elsewhere).create({ name: `${index}`, sourceType: 'web' }),
    ),
  )
  for (const { key } of created) expect(await verify(keys, key)).toBe('accepted')
  for (let from = 0; from < count; from += 20) {
    await Promise.all(
      created.slice(from, from + 20).map(async ({ writeKey, key }, index) => {
        expect(await verify(keys, key)).toBe('accepted')
        await (index % 4 === 0 ? keys : elsewhere).revoke(writeKey.id)
        expect(await verify(keys, key)).toBe('revoked_key')
      }),
    )
  }
}

describeWithService('mysql', 'a revocation over a pool of MariaDB whose sessions have', (address) => {
  it.each([
    'autocommit = 0',
    'session transaction isolation level read uncommitted',
    'session transaction isolation level serializable',
    'session transaction isolation level serializable, autocommit = 0',
    "sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,PIPES_AS_CONCAT'",
    'session tx_read_only = 1, sql_safe_updates = 1',
    'sql_select_limit = 1, completion_type = 2',
  ])('%s is true when the call returns, a hundred times', async (settings) => {
    const url = await mysqlDatabase(address)
    const pool = createPool({ uri: url, connectionLimit: 4 })
    pool.on('connection', (connection) => {
      const [first, second] = settings.startsWith('session transaction') ? settings.split(', ') : [settings]
      connection.query(`set ${first}`)
      if (second !== undefined) connection.query(`set ${second}`)
    })
    onTestFinished(() => pool.promise().end())
    await revokesAHundred(url, pool)
  })
})

describeWithService('postgres', 'a revocation over a pool of PostgreSQL whose sessions have', (address) => {
  it.each([
    'default_transaction_isolation=serializable',
    'default_transaction_isolation=repeatable\\ read',
    'default_transaction_read_only=on',
    'default_transaction_deferrable=on -c default_transaction_isolation=serializable -c default_transaction_read_only=on',
    'enable_seqscan=off -c enable_indexscan=off -c standard_conforming_strings=off',
  ])('%s is true when the call returns, a hundred times', async (settings) => {
    const url = await postgresDatabase(address)
    const pool = new pg.Pool({ connectionString: url, max: 4, options: `-c ${settings}` })
    onTestFinished(() => pool.end())
    await revokesAHundred(url, pool)
  })
})
