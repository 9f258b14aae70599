import { existsSync } from 'node:fs'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { expect, it } from 'vitest'
import { createWriteKeys } from '../../../src/index.ts'
import { createSqlStore } from '../../../src/stores/sql/index.ts'
import { describeWithService } from '../../services.ts'
import { useMysqlDatabase, usePostgresDatabase } from './databases.ts'

async function useStore(url: string): Promise<void> {
  const keys = createWriteKeys({ store: createSqlStore({ url }), cache: { leaseMs: 50 } })
  try {
    const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web' })
    expect((await keys.get(writeKey.id)).name).toBe('Web')
  } finally {
    await keys.close()
  }
}

describeWithService('postgres', 'PostgreSQL over its socket', (address) => {
  const database = usePostgresDatabase(address)

  it.each([
    [
      'its folder as a parameter',
      (user: string, name: string, folder: string) => `postgres://${user}@/${name}?host=${folder}`,
    ],
    [
      'a host beside the parameter',
      (user: string, name: string, folder: string) => `postgres://${user}@localhost/${name}?host=${folder}`,
    ],
    [
      'the user as a parameter too',
      (user: string, name: string, folder: string) => `postgres:///${name}?host=${folder}&user=${user}`,
    ],
    [
      'its folder as the host',
      (user: string, name: string, folder: string) =>
        `postgres://${user}@${encodeURIComponent(folder)}/${name}`,
    ],
  ])('keeps keys with %s', async (_, toUrl) => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query<{ folders: string; port: string }>(
      "select current_setting('unix_socket_directories') as folders, current_setting('port') as port",
    )
    await client.end()
    const folder = rows[0]?.folders.split(',')[0]?.trim() ?? ''
    // A server on another machine has its socket there.
    if (!existsSync(`${folder}/.s.PGSQL.5432`)) return
    const { username, pathname } = new URL(database.url)
    await useStore(toUrl(username, pathname.slice(1), folder))
  })
})

describeWithService('mysql', 'MySQL over its socket', (address) => {
  const database = useMysqlDatabase(address)

  it.each([
    [
      'localhost',
      (user: string, name: string, path: string) => `mysql://${user}@localhost/${name}?socketPath=${path}`,
    ],
    ['no host', (user: string, name: string, path: string) => `mysql://${user}@/${name}?socketPath=${path}`],
    [
      'the scheme mariadb',
      (user: string, name: string, path: string) =>
        `mariadb://${user}@/${name}?socketPath=${encodeURIComponent(path)}`,
    ],
  ])('keeps keys with %s', async (_, toUrl) => {
    const connection = await createConnection({ uri: database.url })
    const [rows] = await connection.query('select @@socket as path')
    await connection.end()
    const [{ path }] = rows as [{ path: string }]
    if (!existsSync(path)) return
    const { username, pathname } = new URL(database.url)
    await useStore(toUrl(username, pathname.slice(1), path))
  })
})
