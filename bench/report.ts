import type { Spread } from './measurement.ts'

/** One line of the table. */
export interface Row {
  /** What was measured, and against what. */
  name: string
  /** The ratio, or the figure with its `unit`. Left out where it could not be measured; `note` then says why. */
  value?: Spread | number
  /** Left out for ratios. */
  unit?: string
  /** The goal of the row. Left out for figures that are only told. */
  goal?: Goal
  /** Absolute figures behind a ratio, as text. */
  note?: string
}

export interface Goal {
  atLeast?: number
  atMost?: number
}

/** Hands a row to `bench/run.mjs`, or prints it when a part is run by itself. */
export function report(row: Row): void {
  if (process.send === undefined) console.log(JSON.stringify(row))
  else process.send(row)
}

/** Ends the part when subject and peer differ in what they are compared on: their times would mean nothing. */
export function assertSame(what: string, subject: unknown, peer: unknown): void {
  const [left, right] = [JSON.stringify(subject), JSON.stringify(peer)]
  if (left !== right) throw new Error(`${what}: subject gives ${left}, peer gives ${right}`)
}
