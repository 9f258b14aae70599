import type { WriteKeys } from '../index.ts'
import type { Terminal } from './terminal.ts'

/** One run of a command on an open store. */
export interface CommandRun {
  keys: WriteKeys
  /** Positional arguments behind the command's name. */
  args: readonly string[]
  values: Readonly<Record<string, string | boolean | undefined>>
  terminal: Terminal
}

export type Command = (run: CommandRun) => Promise<void>
