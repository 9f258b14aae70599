import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'

/** Where a command reads and writes. The process's own streams, or a test's. */
export interface Terminal {
  stdin: Readable & { isTTY?: boolean }
  stdout: Writable
  stderr: Writable
  env: Readonly<Record<string, string | undefined>>
}

/** Longest secret or answer read from standard input, in characters. */
const maxInputLength = 4_096

export function printLine(terminal: Terminal, line: string): void {
  terminal.stdout.write(`${line}\n`)
}

/** All of standard input, for a secret: never taken from the command line, where every user of the machine sees it. */
export async function readInput({ stdin }: Terminal): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.length > maxInputLength) break
  }
  return text.trim()
}

/** Asks on a terminal; undefined when nobody is there to answer. */
export async function ask({ stdin, stderr }: Terminal, question: string): Promise<string | undefined> {
  if (stdin.isTTY !== true) return undefined
  const prompt = createInterface({ input: stdin, output: stderr, terminal: false })
  try {
    return await prompt.question(question)
  } finally {
    prompt.close()
  }
}

/** Characters that move or hide others on a screen: bidirectional controls and zero-width ones. */
const deceiving = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** A value from the store as it may appear on a terminal: one line that shows what it holds. */
export function printable(value: unknown): string {
  return String(value).replace(deceiving, '\ufffd').replace(control, '\ufffd')
}

/** Rows under a heading, in columns. */
export function formatTable(heading: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [heading, ...rows.map((row) => row.map(printable))]
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
