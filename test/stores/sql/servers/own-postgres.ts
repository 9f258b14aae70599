import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from '../../../free-port.ts'
import {
  accountOf,
  findProgram,
  folderFor,
  type RunningServer,
  removeFolder,
  run,
  runServer,
} from './own-server.ts'

/** A PostgreSQL server of a test's own, to be cut off, promoted and killed at will. */
export interface OwnPostgres {
  readonly port: number
  readonly url: string
  query(statement: string): Promise<Record<string, unknown>[]>
  /** A streaming replica, which gets what happens through that port. */
  replicate(throughPort?: number): Promise<OwnPostgres>
  promote(): Promise<void>
  /** Ends as by a power cut. */
  kill(): Promise<void>
  /** Ends, if it still runs, and leaves nothing behind. */
  remove(): Promise<void>
}

const folders = ['/usr/lib/postgresql', '/usr/pgsql', '/opt/homebrew/opt/postgresql']

/** Where initdb and postgres are; undefined when no server is installed here. */
export const postgresPrograms = findPrograms()

function findPrograms(): string | undefined {
  for (const folder of folders) {
    const versions = findProgram([folder]) === undefined ? [] : readdirSync(folder).sort().reverse()
    for (const bin of [...versions.map((version) => join(folder, version, 'bin')), join(folder, 'bin')]) {
      if (findProgram([join(bin, 'initdb')]) !== undefined) return bin
    }
  }
  return undefined
}

const settings = (port: number, folder: string) =>
  Object.entries({
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    shared_buffers: '16MB',
    max_connections: 60,
    // Holds what a replica needs as well.
    wal_level: 'logical',
    hot_standby: 'on',
    fsync: 'off',
    wal_receiver_status_interval: '100ms',
    wal_retrieve_retry_interval: '100ms',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** @param env of the server, such as the clock that it goes by. */
export async function startPostgres(env: Record<string, string> = {}): Promise<OwnPostgres> {
  const account = accountOf('postgres')
  const folder = folderFor(account, 'postgres')
  const data = join(folder, 'data')
  await run(
    program('initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    account,
  )
  return serve(folder, data, env)
}

async function serve(folder: string, data: string, env: Record<string, string> = {}): Promise<OwnPostgres> {
  const account = accountOf('postgres')
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const server: RunningServer = await runServer(
    program('postgres'),
    ['-D', data, ...settings(port, folder)],
    account,
    folder,
    port,
    env,
  )
  async function query(statement: string): Promise<Record<string, unknown>[]> {
    for (let attempt = 0; ; attempt++) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      try {
        await client.connect()
        const { rows } = await client.query(statement)
        return rows
      } catch (error) {
        // 57P03: it is still starting.
        if ((error as { code?: string }).code !== '57P03' || attempt === 200) throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      } finally {
        await client.end().catch(() => {})
      }
    }
  }
  await query('select 1')
  return {
    port,
    url,
    query,
    async replicate(throughPort = port) {
      const replicaFolder = folderFor(account, 'postgres')
      const replicaData = join(replicaFolder, 'data')
      const from = `host=127.0.0.1 port=${throughPort} user=postgres`
      await run(
        program('pg_basebackup'),
        ['-d', from, '-D', replicaData, '-R', '-X', 'stream', '--checkpoint=fast', '--no-sync'],
        account,
      )
      return serve(replicaFolder, replicaData)
    },
    async promote() {
      await query('select pg_promote(true, 30)')
    },
    kill: () => server.end('SIGQUIT'),
    async remove() {
      await server.end('SIGQUIT')
      removeFolder(folder)
    },
  }
}

function program(name: string): string {
  if (postgresPrograms === undefined) throw new Error('No PostgreSQL server is installed here.')
  return join(postgresPrograms, name)
}
