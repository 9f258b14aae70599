#!/usr/bin/env node
import { runCommandLine, tellError } from './command-line.ts'
import type { Following } from './tail-command.ts'
import type { Terminal } from './terminal.ts'

const { stdin, stdout, stderr, env } = process
const terminal: Terminal = { stdin, stdout, stderr, env, signals: process }
let running: Following | undefined

// When the reader goes away (`| head`), a command that only prints ends, without a stack trace. Changes are
// made before they are printed, and a server continues without a reader.
process.stdout.on('error', () => {
  if (running === undefined) process.exit()
  if (running.failed !== undefined) stop()
})
process.stderr.on('error', () => {})

// The timers and connections of a store do not keep the process alive.
const alive = setInterval(() => {}, 60_000)
process.exitCode = await runCommandLine(process.argv.slice(2), terminal, stopOnSignals)
clearInterval(alive)

/** The first signal stops cleanly, the second one at once. */
function stopOnSignals(following: Following): void {
  running = following
  let isStopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1)
      isStopping = true
      stop()
    })
  }
  following.failed?.catch((error: unknown) => {
    process.exitCode = tellError(error, process)
    stop()
  })
}

function stop(): void {
  running?.stop().catch((error: unknown) => {
    process.exitCode = tellError(error, process)
  })
}
