import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Connections } from '../../../src/stores/sql/connections.ts'
import { type Database, transact } from '../../../src/stores/sql/database.ts'
import type { SqlDialect } from '../../../src/stores/sql/dialect.ts'
import { openMysql } from '../../../src/stores/sql/mysql-connection.ts'
import { openPostgres } from '../../../src/stores/sql/postgres-connection.ts'
import { nameTables } from '../../../src/stores/sql/table-names.ts'
import { describeWithService } from '../../services.ts'
import { type TestDatabase, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

function openTransaction(
  dialect: SqlDialect,
  open: (url: string) => Promise<Connections>,
  { url }: TestDatabase,
): void {
  it('that a process leaves in the middle, frozen, is undone by the server, and holds up others for no longer', async () => {
    const connections = await open(url)
    onTestFinished(() => connections.close())
    const naming = { schema: undefined, prefix: 'open_' }
    const database: Database = {
      ...connections,
      dialect,
      naming,
      tables: nameTables(naming),
      ownsConnections: true,
      isPrimary: sql`1`,
    }
    await transact(database, ({ write }) =>
      write(sql`create table counted (id integer primary key, total integer)`),
    )
    await transact(database, ({ write }) => write(sql`insert into counted values (1, 0)`))
    const add = sql`update counted set total = total + 1 where id = 1`

    let thaw = () => {}
    const frozen = new Promise<void>((resolve) => {
      thaw = resolve
    })
    let holdsLock = () => {}
    const locked = new Promise<void>((resolve) => {
      holdsLock = resolve
    })
    const left = transact(database, async ({ write }) => {
      await write(add)
      holdsLock()
      await frozen
      await write(add)
    })
    await locked
    await transact(database, ({ write }) => write(add))
    thaw()
    await expect(left).rejects.toMatchObject({ name: 'StoreError' })
    const { rows } = await sql<{ total: number }>`select total from counted`.execute(connections.writer)
    expect(rows).toEqual([{ total: 1 }])
  })
}

describe('a transaction', () => {
  describeWithService('postgres', 'in PostgreSQL', (address) => {
    openTransaction('postgres', openPostgres, usePostgresDatabase(address))
  })
  describeWithService('mysql', 'in MariaDB', (address) => {
    openTransaction('mysql', openMysql, useMysqlDatabase(address))
  })
})
