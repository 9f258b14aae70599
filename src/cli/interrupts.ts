import type { Terminal } from './terminal.ts'

const names = ['SIGINT', 'SIGTERM'] as const

/**
 * Calls `stop` at the first Ctrl-C, or when the process is asked to end. The second one ends the process at
 * once. @returns a function that takes this back.
 */
export function onInterrupt({ signals }: Terminal, stop: () => void): () => void {
  const takeBack = () => {
    for (const name of names) signals?.off(name, listener)
  }
  const listener = () => {
    takeBack()
    stop()
  }
  for (const name of names) signals?.on(name, listener)
  return takeBack
}
