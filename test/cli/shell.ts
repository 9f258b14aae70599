import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import type { RunningServer } from '../../src/cli/serve.ts'
import type { Terminal } from '../../src/cli/terminal.ts'

export interface Outcome {
  code: number
  out: string
  err: string
}

/**
 * Runs commands in this process, on a store of this test alone.
 * @param hasTables whether `writekey migrate` has been run.
 */
export function openShell(env: Record<string, string> = {}, { hasTables = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const store = `sqlite:${join(folder, 'keys.db')}`

  let migrated: Promise<unknown> | undefined

  /** Before the first command, so that a test which only serves does without. */
  async function run(argv: string[], input?: string | Terminal['stdin'], columns?: number): Promise<Outcome> {
    if (hasTables) migrated ??= runAlone(['migrate', '--store', store])
    await migrated
    return runAlone(argv, input, columns)
  }

  /** @param columns of a terminal; absent: nobody looks. */
  async function runAlone(
    argv: string[],
    input: string | Terminal['stdin'] = '',
    columns?: number,
  ): Promise<Outcome> {
    const stdin = typeof input === 'string' ? Readable.from(input === '' ? [] : [input]) : input
    const { terminal, read } = createTerminal({ WRITEKEY_STORE: store, ...env }, stdin)
    if (columns !== undefined)
      for (const stream of [terminal.stdout, terminal.stderr]) Object.assign(stream, { isTTY: true, columns })
    const code = await runCommandLine(argv, terminal, () => {
      throw new Error('no server was asked for')
    })
    return { code, ...read() }
  }

  async function runJson(argv: string[], input?: string) {
    const outcome = await run([...argv, '--json'], input)
    if (outcome.out === '') throw new Error(outcome.err)
    return JSON.parse(outcome.out)
  }

  async function serve(more: Record<string, string> = {}, flags: readonly string[] = []) {
    const { terminal, read } = createTerminal(
      { WRITEKEY_STORE: store, PORT: '0', ...env, ...more },
      Readable.from([]),
    )
    let server: RunningServer | undefined
    const code = await runCommandLine(['serve', ...flags], terminal, (running) => {
      server = running as RunningServer
    })
    if (server !== undefined) onTestFinished(server.stop)
    return { code, server: server as RunningServer, read }
  }

  /** Follows the decisions of this store, or of a server. */
  async function tail(argv: readonly string[]) {
    const { terminal, read } = createTerminal({ WRITEKEY_STORE: store, ...env }, Readable.from([]))
    let following: { stop(): Promise<void> } | undefined
    const code = await runCommandLine(['tail', ...argv], terminal, (running) => {
      following = running
    })
    if (following !== undefined) onTestFinished(following.stop)
    return { code, read }
  }

  return { folder, store, run, runJson, serve, tail }
}

/** Somebody who sits at a terminal and types. @param hidden is told when the terminal shows nothing of it */
export function typist(line: string, hidden: boolean[] = []): Terminal['stdin'] {
  const stdin: Terminal['stdin'] = new PassThrough()
  stdin.isTTY = true
  stdin.setRawMode = (isRaw) => hidden.push(isRaw)
  ;(stdin as PassThrough).write(`${line}\n`)
  return stdin
}

function createTerminal(env: Record<string, string>, stdin: Terminal['stdin']) {
  const text = { out: '', err: '' }
  const sink = (name: 'out' | 'err') =>
    new Writable({
      write(chunk, _encoding, done) {
        text[name] += String(chunk)
        done()
      },
    })
  const terminal: Terminal = { stdin, stdout: sink('out'), stderr: sink('err'), env }
  return { terminal, read: () => ({ ...text }) }
}
