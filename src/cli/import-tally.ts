import { createHash } from 'node:crypto'
import type { ImportResultJson } from '../admin/import-items.ts'
import { createImportPlan } from '../keys/import-plan.ts'
import { createRepeatSearch, repeatNote } from '../keys/import-repeats.ts'
import type { ImportEntry } from '../keys/import-text.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import { noteLine, printLine } from './terminal.ts'

/** What became of a file of keys. */
interface Tally {
  imported: number
  /** Keys whose secret a write key has already. */
  existing: number
  /** Lines with the secret of an earlier one, which was imported or existed. */
  repeats: { line: number; of: number }[]
  refused: number
  errors: { line: number; code: string; field: string | null; message: string }[]
}

type ReadLine = Extract<ImportEntry, { item: unknown }>

/** Counts lines, and says of each that was not imported why. @param beforeNote makes room on the terminal */
export function createTally({ values, terminal }: CommandRun, beforeNote: () => void) {
  const tally: Tally = { imported: 0, existing: 0, repeats: [], refused: 0, errors: [] }
  const findRepeat = createRepeatSearch((secret) => createHash('sha256').update(secret).digest('hex'))

  const plan = createImportPlan()

  function note(line: number, text: string): void {
    if (values.json === true) return
    beforeNote()
    noteLine(terminal, `line ${line}: ${text}`)
  }

  function refuse(line: number, code: string, field: string | null, message: string): void {
    tally.refused++
    tally.errors.push({ line, code, field, message })
    note(line, message)
  }

  function take(entry: ReadLine, result: ImportResultJson, entries: readonly ReadLine[]): void {
    const { line } = entry
    const earlier = findRepeat(entry, result)
    if (earlier !== undefined) {
      tally.repeats.push({ line, of: earlier })
      note(line, `has the secret of line ${earlier}, and is skipped`)
    } else if (result.ok) {
      tally.imported++
      plan.add(result)
    } else if (result.code === 'conflict') tally.existing++
    else {
      const { code, field, message, repeat_of: first } = result
      refuse(line, code, field, message + repeatNote(entries[first ?? -1]?.line))
    }
  }

  return {
    tally,
    plan,
    refuseUnreadable: (line: number, problem: string) => refuse(line, 'unreadable', null, problem),
    /** The results of one call, in the order of its lines. */
    takeAll(entries: readonly ReadLine[], results: readonly ImportResultJson[]): void {
      for (const [index, result] of results.entries()) take(entries[index] as ReadLine, result, entries)
    },
    total: () => tally.imported + tally.existing + tally.repeats.length + tally.refused,
  }
}

/** Says how far it came, and how to go on. */
export function interrupted({ values, terminal }: CommandRun, tally: Tally, dryRun: boolean): CliError {
  const { imported, existing, refused } = tally
  if (values.json === true)
    printLine(terminal, JSON.stringify({ ...tally, dry_run: dryRun, interrupted: true }))
  const done = dryRun
    ? 'nothing was stored.'
    : `${imported} imported, ${existing} skipped that exist already${repeatsAfter(', ', tally)}, ${refused} refused. Run the same command on the whole file again to continue: it skips what exists.`
  return new CliError(exitCodes.interrupted, `Interrupted: ${done}`)
}

/** @throws CliError when lines were refused, or when there were none. */
export function report({ values, terminal }: CommandRun, tally: Tally, dryRun: boolean): void {
  const { imported, existing, repeats, refused } = tally
  if (imported + existing + repeats.length + refused === 0)
    throw usageError('There is no key on standard input, e.g.: writekey import < keys.ndjson')
  if (values.json === true) printLine(terminal, JSON.stringify({ ...tally, dry_run: dryRun }))
  else if (dryRun) {
    printLine(
      terminal,
      `Dry run, nothing was stored: ${imported} would be imported, ${existing} exist already${repeatsAfter(', ', tally)}, ${refused} would be refused.`,
    )
  } else {
    printLine(
      terminal,
      `Imported ${imported}; skipped ${existing} that exist already${repeatsAfter('; ', tally)}; refused ${refused}.`,
    )
  }
  if (refused > 0) throw new CliError(exitCodes.refused, `${refused} of the lines cannot be imported.`)
}

function repeatsAfter(joint: string, { repeats }: Tally): string {
  return repeats.length === 0 ? '' : `${joint}${repeats.length} repeat an earlier line`
}
