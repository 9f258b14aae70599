import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../../free-port.ts'
import { accountOf, findProgram, folderFor, removeFolder, runServer } from './own-server.ts'

/** pgbouncer in transaction mode: each transaction may have another connection to the server. */
export interface OwnPgbouncer {
  readonly port: number
  remove(): Promise<void>
}

const program = findProgram(['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'])

export const hasPgbouncer = program !== undefined

export async function startPgbouncer(serverPort: number): Promise<OwnPgbouncer> {
  if (program === undefined) throw new Error('pgbouncer is not installed here.')
  const account = accountOf('postgres')
  const folder = folderFor(account, 'pgbouncer')
  const port = await freePort()
  const settings = join(folder, 'pgbouncer.ini')
  writeFileSync(
    settings,
    `[databases]
* = host=127.0.0.1 port=${serverPort} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
`,
  )
  const server = await runServer(program, ['-q', settings], account, folder, port)
  return {
    port,
    async remove() {
      await server.end('SIGINT')
      removeFolder(folder)
    },
  }
}
