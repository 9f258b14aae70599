import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Database servers refuse to run as root: there they run as the user that their package made. */
export interface Account {
  uid?: number
  gid?: number
}

export function accountOf(user: string): Account {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** A folder that belongs to the account. */
export function folderFor(account: Account, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `writekey-${name}-`))
  if (account.uid !== undefined && account.gid !== undefined) chownSync(folder, account.uid, account.gid)
  return folder
}

/** The first of these files that exists. */
export function findProgram(candidates: readonly string[]): string | undefined {
  return candidates.find((path) => existsSync(path))
}

/** Runs a program to its end. */
export async function run(program: string, args: readonly string[], account: Account): Promise<void> {
  const child = spawn(program, args, { ...account, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output.slice(-1_000)}`)
}

/** A server that runs until it is ended. */
export interface RunningServer {
  readonly child: ChildProcess
  end(signal: NodeJS.Signals): Promise<void>
}

/** Of this test run, with the folders they live in, until these are removed. */
const started = new Map<RunningServer, string>()

/** Ends what a test has left, and removes it. */
export async function endServers(): Promise<void> {
  for (const [server, folder] of started) {
    await server.end('SIGKILL')
    removeFolder(folder)
  }
}

export async function runServer(
  program: string,
  args: readonly string[],
  account: Account,
  folder: string,
  port: number,
  env: Record<string, string> = {},
): Promise<RunningServer> {
  const child = spawn(program, args, {
    ...account,
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output = (output + data).slice(-4_000)
    })
  }
  const exited = once(child, 'exit').then(() => {
    throw new Error(`${program} ended: ${output}`)
  })
  exited.catch(() => {})
  const server: RunningServer = {
    child,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      child.kill('SIGCONT')
      await ended
    },
  }
  started.set(server, folder)
  await Promise.race([answering(port), exited])
  return server
}

async function answering(port: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`Nothing listens on port ${port}.`)
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  for (const [server, its] of started) if (its === folder) started.delete(server)
}
