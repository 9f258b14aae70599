import { csvLine } from '../keys/csv-line.ts'
import type { CommandRun, CreatedKeyJson, KeyJson } from './command-run.ts'
import { type Column, formatTable } from './table.ts'
import { coloured, noteLine, printable, printLine, widthOf } from './terminal.ts'

export function isJson({ values }: Pick<CommandRun, 'values'>): boolean {
  return values.json === true
}

export function print({ terminal }: CommandRun, line: string): void {
  printLine(terminal, line)
}

/** Rows for people, as wide as the terminal; whole where nobody looks. */
export function printTable<Row>(
  { terminal }: CommandRun,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): void {
  const { lines, leftOut } = formatTable(
    columns,
    rows,
    widthOf(terminal.stdout),
    coloured(terminal, 'stdout'),
  )
  for (const line of lines) terminal.stdout.write(`${line}\n`)
  if (leftOut.length > 0)
    noteLine(
      terminal,
      `Columns that do not fit: ${leftOut.join(', ')}. Use a wider terminal, a pipe or --json to see them.`,
      'dim',
    )
}

export function printCsv({ terminal }: CommandRun, cells: readonly unknown[]): void {
  // A file or a program gets the names as they are.
  terminal.stdout.write(csvLine(cells, terminal.stdout.isTTY === true ? printable : undefined))
}

export function printJson(run: CommandRun, value: unknown): void {
  print(run, JSON.stringify(value))
}

/** The secret alone goes to standard output, so that a pipe takes it and nothing else. */
export function printSecret(run: CommandRun, made: CreatedKeyJson): void {
  note(run, `Write key ${called(made)}. Its secret is shown now and never again:`)
  print(run, made.key)
}

/** `wk_… (Web App)` */
export function called({ id, name }: Pick<KeyJson, 'id' | 'name'>): string {
  return `${id} (${printable(name)})`
}

export function note({ terminal }: CommandRun, line: string): void {
  noteLine(terminal, line)
}
