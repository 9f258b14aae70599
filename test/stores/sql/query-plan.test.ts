import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Connections } from '../../../src/stores/sql/connections.ts'
import type { Database } from '../../../src/stores/sql/database.ts'
import type { SqlDialect } from '../../../src/stores/sql/dialect.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { openMysql } from '../../../src/stores/sql/mysql-connection.ts'
import { pollStatement } from '../../../src/stores/sql/poll.ts'
import { openPostgres } from '../../../src/stores/sql/postgres-connection.ts'
import { findPrimaryExpression } from '../../../src/stores/sql/primary.ts'
import { openSqlite } from '../../../src/stores/sql/sqlite-connection.ts'
import { nameTables } from '../../../src/stores/sql/table-names.ts'
import { createKeyRecord } from '../../../src/testing/index.ts'
import { describeWithService } from '../../services.ts'
import { auditEntry } from './audit-entry.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

/** How the database would run the statement behind a cache miss, as text, with `count` keys stored; one more was changed since the last poll. */
async function explain(
  url: string,
  dialect: SqlDialect,
  connections: Connections,
  count: number,
): Promise<string> {
  const { reader, writer } = connections
  const store = createSqlStore({ url, notifications: false })
  const records = Array.from({ length: count }, () => createKeyRecord())
  const { position: since } = await store.poll({ since: null })
  for (const record of records) await store.insert(record, auditEntry(`aud_${record.id}`))
  await store.close()
  const naming = { schema: undefined, prefix: 'writekey_' }
  const tables = nameTables(naming)
  const isPrimary = await findPrimaryExpression(dialect, reader, naming)
  const database: Database = { dialect, naming, tables, ownsConnections: true, reader, writer, isPrimary }
  const lookUp = pollStatement(database, { since, keyHash: hashOf(records) })
  if (dialect === 'postgres') {
    for (const table of [tables.keys, tables.secrets, tables.changes])
      await sql`analyze ${table}`.execute(writer)
    // A handful of rows is read faster as a whole; what matters is that there is a way without.
    await sql`alter database ${sql.id(new URL(url).pathname.slice(1))} set enable_seqscan = off`.execute(
      writer,
    )
    await connections.close()
    const again = await openPostgres(url)
    const plan = await sql`explain ${lookUp}`.execute(again.reader)
    await again.close()
    return JSON.stringify(plan.rows)
  }
  const how = dialect === 'sqlite' ? sql`explain query plan` : sql`explain`
  const plan = await sql<{ table?: string }>`${how} ${lookUp}`.execute(reader)
  await connections.close()
  // Whether a replica's threads run is looked up on a server that is read-only, and not otherwise.
  return JSON.stringify(plan.rows.filter(({ table }) => table !== 'global_status'))
}

const hashOf = (records: readonly { secrets: readonly { keyHash: string }[] }[]) =>
  records[0]?.secrets[0]?.keyHash as string

describe('a cache miss is one read by indexes', () => {
  const folder = useFolder()
  it('in SQLite', async () => {
    const file = join(folder, 'keys.db')
    const plan = await explain(`sqlite:${file}`, 'sqlite', await openSqlite(file), 50)
    expect(plan).toContain('USING INDEX writekey_secrets_hash (key_hash=?)')
    expect(plan).not.toContain('SCAN')
  })
})

describeWithService('postgres', 'a cache miss in PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  it('is one read by indexes', async () => {
    const plan = await explain(database.url, 'postgres', await openPostgres(database.url), 50)
    expect(plan).toContain('Index Scan using writekey_secrets_hash')
    expect(plan).not.toContain('Seq Scan')
  })
})

describeWithService('mysql', 'a cache miss in MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  it('is one read by indexes', async () => {
    const plan = await explain(database.url, 'mysql', await openMysql(database.url), 50)
    expect(plan).toContain('writekey_secrets_hash')
    expect(plan).not.toContain('"type":"ALL"')
    expect(plan).not.toContain('"type":"index"')
  })
})
