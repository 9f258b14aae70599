#!/usr/bin/env node
import { runCommandLine, tellError } from './command-line.ts'
import type { Following } from './tail-command.ts'

let running: Following | undefined

// A reader that goes away (`| head`) ends what only prints, and never with a stack trace. Changes are made before
// they are told of, and a server goes on without one who reads.
process.stdout.on('error', () => {
  if (running === undefined) process.exit()
  if (running.failed !== undefined) stop()
})
process.stderr.on('error', () => {})

// What a store waits for keeps no process alive by itself.
const alive = setInterval(() => {}, 60_000)
process.exitCode = await runCommandLine(process.argv.slice(2), process, stopOnSignals)
clearInterval(alive)

/** The first signal stops what runs in good order, the second at once. */
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
