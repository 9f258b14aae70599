#!/usr/bin/env node
import { runCommandLine } from './command-line.ts'
import type { Following } from './tail-command.ts'
import { noteLine } from './terminal.ts'

// A reader that goes away (`| head`) ends the output, not the program with a stack trace.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

process.exitCode = await runCommandLine(process.argv.slice(2), process, stopOnSignals)

/** The first signal stops the server in good order, the second at once. */
function stopOnSignals(server: Following): void {
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      server.stop().catch((error: unknown) => {
        noteLine(process, `writekey: ${error instanceof Error ? error.message : String(error)}`)
        process.exitCode = 3
      })
    })
  }
}
