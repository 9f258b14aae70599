import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'

/** Where a command reads and writes. The process's own streams, or a test's. */
export interface Terminal {
  stdin: Readable & { isTTY?: boolean }
  stdout: Writable
  stderr: Writable & { isTTY?: boolean }
  env: Readonly<Record<string, string | undefined>>
}

/** Longest secret or answer read from standard input, in characters. */
const maxInputLength = 4_096

/** One line of output. */
export function printLine({ stdout }: Terminal, line: string): void {
  stdout.write(`${printable(line)}\n`)
}

const colours = { bad: '31', dim: '2' } as const

/**
 * One line for the person at the terminal, apart from what a pipe takes; in colour on a terminal, unless
 * NO_COLOR says not to.
 */
export function noteLine({ stderr, env }: Terminal, line: string, colour?: keyof typeof colours): void {
  const isPlain = colour === undefined || stderr.isTTY !== true || (env.NO_COLOR ?? '') !== ''
  const text = printable(line)
  stderr.write(isPlain ? `${text}\n` : `\u001b[${colours[colour]}m${text}\u001b[0m\n`)
}

/**
 * All of standard input, for a secret: never taken from the command line, where every user of the machine
 * sees it.
 */
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

/**
 * What a terminal obeys or hides instead of showing it: control characters (C0 and C1), formats such as
 * bidirectional overrides and zero-width spaces, line separators, half surrogates, and whatever else Unicode
 * says to draw as nothing. Not the selectors of emoji, which only choose how the character before them looks.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?![\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}/gu

/**
 * A text as it may appear on a terminal: one line, with every such character escaped as in JSON, so that JSON
 * stays JSON.
 */
export function printable(value: unknown): string {
  return String(value).replace(unseen, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** Rows under a heading, in columns: one text a line. */
export function formatTable(heading: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  const lines = [heading, ...rows.map((row) => row.map(printable))]
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd(),
  )
}
