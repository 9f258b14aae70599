import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** A program of this folder that runs as a process of its own and talks to the test by messages. */
export interface Program {
  /** @param env added to this process's, such as the clock to go by. */
  start(options: object, env?: Record<string, string>): Promise<Running>
  remove(): void
}

export interface Running {
  readonly child: ChildProcess
  /** Sends a message and gives the next one that answers it. */
  ask<Answer>(message: object): Promise<Answer>
  /** Ends the process by SIGKILL and waits until it is gone. */
  kill(): Promise<void>
}

/**
 * Bundles a program and its share of `src`, so that a child process can run it on every supported Node.
 *
 * @param sources the folder of the package, such as of another version
 */
export async function buildProgram(name: string, sources = root): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-process-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  await build({
    root: sources,
    configFile: false,
    logLevel: 'silent',
    build: {
      ssr: join(sources, 'test/long/processes', `${name}.ts`),
      outDir: folder,
      emptyOutDir: false,
      target: 'node20',
      rolldownOptions: { output: { entryFileNames: '[name].mjs' } },
    },
  })
  const file = join(folder, `${name}.mjs`)
  return {
    start: (options, env) => start(file, options, env),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function start(file: string, options: object, env: Record<string, string> = {}): Promise<Running> {
  const child = fork(file, [JSON.stringify(options)], {
    execArgv: ['--unhandled-rejections=strict', '--expose-gc'],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, (answer: unknown) => void>()
  let number = 0
  let fail: (error: Error) => void = () => {}
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const died = new Promise<never>((_, reject) => {
    fail = reject
  })
  died.catch(() => {})
  child.once('exit', (code, signal) => fail(new Error(`the process ended: ${code ?? signal}`)))
  const ready = new Promise<void>((resolve) => {
    child.on('message', (message: { ready?: true; answers?: number; answer?: unknown; error?: string }) => {
      if (message.ready) resolve()
      const answered = message.answers ?? -1
      const settle = waiting.get(answered)
      waiting.delete(answered)
      settle?.(message)
    })
  })
  await Promise.race([ready, died])
  return {
    child,
    async ask<Answer>(message: object): Promise<Answer> {
      const id = ++number
      const answer = new Promise((resolve) => waiting.set(id, resolve))
      child.send({ ...message, number: id })
      const reply = (await Promise.race([answer, died])) as { answer: Answer; error?: string }
      if (reply.error !== undefined) throw new Error(reply.error)
      return reply.answer
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
