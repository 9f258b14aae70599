import type { WriteKey } from '../index.ts'
import type { CommandRun } from './command-run.ts'
import { formatTable, noteLine, printable, printLine } from './terminal.ts'

export function isJson({ values }: CommandRun): boolean {
  return values.json === true
}

export function print({ terminal }: CommandRun, line: string): void {
  printLine(terminal, line)
}

export function printTable(
  { terminal }: CommandRun,
  heading: readonly string[],
  rows: readonly (readonly unknown[])[],
): void {
  for (const line of formatTable(heading, rows)) printLine(terminal, line)
}

export function printJson(run: CommandRun, value: unknown): void {
  print(run, JSON.stringify(value))
}

/** The secret alone goes to standard output, so that a pipe takes it and nothing else. */
export function printSecret(run: CommandRun, key: WriteKey, secret: string): void {
  note(run, `Write key ${key.id} (${printable(key.name)}). Its secret is shown now and never again:`)
  print(run, secret)
}

export function note({ terminal }: CommandRun, line: string): void {
  noteLine(terminal, line)
}
