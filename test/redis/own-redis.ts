import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'

/** A Redis server of the test's own, to be stopped, frozen and killed at will. What it writes, such as what a replica is sent, goes with it. */
export interface OwnRedis {
  readonly port: number
  readonly url: string
  /** Starts it, empty, unless it runs. Resolves when it answers. */
  start(...args: string[]): Promise<void>
  /** Ends it as an operator would. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
  freeze(): void
  thaw(): void
}

export async function createOwnRedis(): Promise<OwnRedis> {
  const port = await freePort()
  let server: ChildProcess | undefined
  let folder = ''

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (server === undefined) return
    const ended = once(server, 'exit')
    server.kill(signal)
    if (signal === 'SIGTERM') server.kill('SIGCONT')
    server = undefined
    await ended
    rmSync(folder, { recursive: true, force: true })
  }

  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async start(...args) {
      if (server !== undefined) return
      folder = mkdtempSync(join(tmpdir(), 'writekey-redis-'))
      server = spawn(
        'redis-server',
        ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', ...args],
        { stdio: 'ignore', cwd: folder },
      )
      await answering(port)
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
  }
}

async function answering(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const answered = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`redis-server does not answer on port ${port}`)
}
