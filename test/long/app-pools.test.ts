import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { afterAll } from 'vitest'
import { type ApplicationPool, createSqlStore } from '../../src/stores/sql/index.ts'
import { storeContract } from '../contract/store-contract.ts'
import { describeWithService } from '../services.ts'
import { useMysqlDatabase, usePostgresDatabase } from '../stores/sql/databases.ts'

/** Each store over the one pool of an application, with tables that are there. */
async function openOver(pool: ApplicationPool) {
  const store = createSqlStore({ pool })
  await store.migrate()
  return { store, open: () => createSqlStore({ pool }) }
}

describeWithService('postgres', 'PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  const pool = new pg.Pool({ connectionString: database.url })
  pool.on('error', () => {})
  afterAll(() => pool.end())
  storeContract("an application's pool", () => openOver(pool))
})

describeWithService('mysql', 'MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  const pool = createPool({ uri: database.url })
  afterAll(() => pool.end())
  storeContract("an application's pool", () => openOver(pool))
})
