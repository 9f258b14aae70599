import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'

/** Where a command reads and writes. The process's own streams, or a test's. */
export interface Terminal {
  stdin: Readable & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown }
  stdout: Writable & { isTTY?: boolean; columns?: number }
  stderr: Writable & { isTTY?: boolean; columns?: number }
  env: Readonly<Record<string, string | undefined>>
  /** Where Ctrl-C is told. */
  signals?: Signals
}

interface Signals {
  on(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  off(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/** One line of output. */
export function printLine({ stdout }: Terminal, line: string): void {
  stdout.write(`${printable(line)}\n`)
}

const colours = { bad: '31', good: '32', warn: '33', dim: '2' } as const

export type Colour = keyof typeof colours

export function paint(text: string, colour: Colour): string {
  return `\u001b[${colours[colour]}m${text}\u001b[0m`
}

/**
 * Whether to write colours to a stream: if it is a terminal with colours and NO_COLOR is not set. FORCE_COLOR
 * overrides both.
 */
export function coloured({ env, ...streams }: Terminal, name: 'stdout' | 'stderr'): boolean {
  const { FORCE_COLOR: forced = '', NO_COLOR: none = '', TERM } = env
  if (forced !== '') return forced !== '0' && forced !== 'false'
  return none === '' && TERM !== 'dumb' && streams[name].isTTY === true
}

/** Cells per line; `Infinity` if the output is not a terminal. */
export function widthOf(stream: Terminal['stdout']): number {
  return stream.isTTY === true && stream.columns !== undefined && stream.columns > 0
    ? stream.columns
    : Infinity
}

/** Writes one line to standard error, so that a pipe does not get it. */
export function noteLine(terminal: Terminal, line: string, colour?: Colour): void {
  const text = printable(line)
  const isPlain = colour === undefined || !coloured(terminal, 'stderr')
  terminal.stderr.write(isPlain ? `${text}\n` : `${paint(text, colour)}\n`)
}

/** Asks on a terminal; undefined when nobody is there to answer. */
export async function ask({ stdin, stderr }: Terminal, question: string): Promise<string | undefined> {
  if (stdin.isTTY !== true) return undefined
  const prompt = createInterface({ input: stdin, output: stderr, terminal: false })
  // Ctrl-D answers nothing, and so does not confirm.
  const closed = new Promise<string>((resolve) => prompt.once('close', () => resolve('')))
  try {
    return await Promise.race([prompt.question(question), closed])
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
