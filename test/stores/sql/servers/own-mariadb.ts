import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { freePort } from '../../../free-port.ts'
import { accountOf, findProgram, folderFor, removeFolder, run, runServer } from './own-server.ts'

/** A MariaDB server of a test's own. */
export interface OwnMariadb {
  readonly port: number
  readonly url: string
  query(statement: string): Promise<Record<string, unknown>[]>
  kill(): Promise<void>
  /** Ends, if it still runs, and leaves nothing behind. */
  remove(): Promise<void>
}

const installer = findProgram(['/usr/bin/mariadb-install-db', '/usr/local/bin/mariadb-install-db'])
const daemon = findProgram(['/usr/sbin/mariadbd', '/usr/local/bin/mariadbd', '/usr/local/sbin/mariadbd'])

export const hasMariadb = installer !== undefined && daemon !== undefined

let servers = 0

/** It fails now and then when two run at the same time on a busy machine. */
async function install(program: string, data: string, account: Parameters<typeof run>[2]): Promise<void> {
  const options = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']
  const begin = () => run(program, ['--no-defaults', `--datadir=${data}`, ...options], account)
  try {
    await begin()
  } catch {
    rmSync(data, { recursive: true, force: true })
    await begin()
  }
}

/** @param settings options of the server, such as `autocommit=0`. */
export function startMariadb(...settings: string[]): Promise<OwnMariadb> {
  return startMariadbIn({}, ...settings)
}

/** @param env of the server, such as its time zone and the clock that it goes by. */
export async function startMariadbIn(
  env: Record<string, string>,
  ...settings: string[]
): Promise<OwnMariadb> {
  if (installer === undefined || daemon === undefined) throw new Error('No MariaDB server is installed here.')
  const account = accountOf('mysql')
  const folder = folderFor(account, 'mariadb')
  const data = join(folder, 'data')
  await install(installer, data, account)
  const port = await freePort()
  const server = await runServer(
    daemon,
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      `--socket=${join(folder, 'socket')}`,
      '--bind-address=127.0.0.1',
      `--server-id=${++servers}`,
      '--log-bin=changes',
      '--innodb-buffer-pool-size=16M',
      '--innodb-log-file-size=8M',
      '--innodb-flush-log-at-trx-commit=0',
      '--performance-schema=off',
      ...settings.map((setting) => `--${setting}`),
    ],
    account,
    folder,
    port,
    env,
  )
  const admin = `mysql://root@127.0.0.1:${port}/mysql`
  async function query(statement: string): Promise<Record<string, unknown>[]> {
    const connection = await createConnection({ uri: admin })
    try {
      await connection.query('set session autocommit = 1')
      const [rows] = await connection.query(statement)
      return rows as Record<string, unknown>[]
    } finally {
      await connection.end()
    }
  }
  return {
    port,
    url: `mysql://writekey@127.0.0.1:${port}/events`,
    query,
    kill: () => server.end('SIGKILL'),
    async remove() {
      await server.end('SIGKILL')
      removeFolder(folder)
    },
  }
}

/** What an application's administrator does: a database, and an account that owns it and nothing else. */
export async function makeDatabase(server: OwnMariadb): Promise<void> {
  await server.query('create database events')
  await server.query("create user writekey@'127.0.0.1'")
  await server.query("grant all on events.* to writekey@'127.0.0.1'")
}

/** Has a server that is empty so far follow another one, through that port. */
export async function follow(replica: OwnMariadb, port: number): Promise<void> {
  await replica.query(
    `change master to master_host='127.0.0.1', master_port=${port}, master_user='replication', master_password='',
     master_use_gtid=slave_pos, master_connect_retry=1`,
  )
  await replica.query('start slave')
  await replica.query('set global read_only = 1')
}
