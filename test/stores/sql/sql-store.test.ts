import { join } from 'node:path'
import { describe } from 'vitest'
import { randomBase62 } from '../../../src/runtime/base62.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { storeContract } from '../../contract/store-contract.ts'
import { describeWithService } from '../../services.ts'
import { useFolder, useMysqlDatabase, usePostgresDatabase } from './databases.ts'

describe('SQLite', () => {
  const folder = useFolder()

  storeContract('a file', () => {
    const url = `sqlite:${join(folder, `${randomBase62(8)}.db`)}`
    return { store: createSqlStore({ url }), open: () => createSqlStore({ url }) }
  })

  storeContract('memory', () => createSqlStore({ url: 'sqlite::memory:' }))
})

describeWithService('postgres', 'PostgreSQL', (address) => {
  const database = usePostgresDatabase(address)
  storeContract('a database of its own', () => ({
    store: createSqlStore({ url: database.url }),
    open: () => createSqlStore({ url: database.url }),
  }))
})

describeWithService('mysql', 'MariaDB', (address) => {
  const database = useMysqlDatabase(address)
  storeContract('a database of its own', () => ({
    store: createSqlStore({ url: database.url }),
    open: () => createSqlStore({ url: database.url }),
  }))
})
