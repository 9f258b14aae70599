import { createHash } from 'node:crypto'
import type { ImportResultJson } from '../admin/import-items.ts'
import { importColumns } from '../keys/import-columns.ts'
import { createImportReader, type ImportEntry, type ImportFormat } from '../keys/import-text.ts'
import { maxImported } from '../management/import-keys.ts'
import { StoreError } from '../runtime/errors.ts'
import { CliError, exitCodes, usageError } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import { createProgress } from './import-progress.ts'
import { onInterrupt } from './interrupts.ts'
import { noteUncheckedPlans } from './plan-note.ts'
import { noteLine, printLine, type Terminal } from './terminal.ts'

/** Of the keys of one call; below what the management API takes. */
const maxCallBytes = 2_000_000

/** What became of a file of keys. */
interface Tally {
  imported: number
  /** Keys whose secret a write key has already, or that an earlier line of the file has. */
  existing: number
  refused: number
  errors: { line: number; code: string; field: string | null; message: string }[]
}

/**
 * Imports the keys on standard input, a thousand at a time. What exists is skipped, so that a second run goes
 * on where the first one ended. Nothing that is printed holds a secret.
 *
 * @throws CliError `refused` when a line was, `unavailable` when the store failed on the way.
 */
export async function importKeys(run: CommandRun): Promise<void> {
  const { values, terminal } = run
  const dryRun = values['dry-run'] === true
  const reader = createImportReader(importColumns, values.format as ImportFormat | undefined)
  if (terminal.stdin.isTTY === true)
    noteLine(terminal, 'Paste the keys, one JSON object on each line or CSV, then press Enter and Ctrl-D:')
  const tally: Tally = { imported: 0, existing: 0, refused: 0, errors: [] }
  const progress = createProgress(terminal)
  const seen = new Set<string>()
  const plans = new Set<unknown>()
  let waiting: ImportEntry[] = []

  function refuse(line: number, code: string, field: string | null, message: string): void {
    tally.refused++
    tally.errors.push({ line, code, field, message })
    if (values.json === true) return
    progress.clear()
    noteLine(terminal, `line ${line}: ${message}`)
  }

  async function importSome(entries: readonly ImportEntry[]): Promise<void> {
    const items = entries.flatMap((entry) => ('item' in entry ? [entry] : []))
    for (const entry of entries) {
      if ('problem' in entry) refuse(entry.line, 'unreadable', null, entry.problem)
    }
    const body = { write_keys: items.map(({ item }) => item), dry_run: dryRun }
    const { results } =
      items.length === 0
        ? { results: [] }
        : await run.client.call<{ results: ImportResultJson[] }>('/import', { method: 'POST', body })
    for (const [index, result] of results.entries()) {
      const { line, item } = items[index] as (typeof items)[number]
      // A dry run stores nothing, so that it does not meet what an earlier part of the file would have made.
      const isRepeated = dryRun && result.ok && !isNew(seen, item)
      if (result.ok) plans.add(item.plan)
      if (result.ok && !isRepeated) tally.imported++
      else if (result.ok || result.code === 'conflict') tally.existing++
      else refuse(line, result.code, result.field, result.message)
    }
    progress.show(tally.imported + tally.existing + tally.refused)
  }

  async function take(entries: readonly ImportEntry[], isLast: boolean): Promise<void> {
    waiting = waiting.concat(entries)
    while (!isInterrupted && (waiting.length >= maxImported || (isLast && waiting.length > 0))) {
      const some = firstOf(waiting)
      waiting = waiting.slice(some.length)
      await importSome(some)
    }
  }

  // What is under way is stored in any case, so it is waited for and counted.
  let isInterrupted = false
  const ignoreInterrupts = onInterrupt(terminal, () => {
    isInterrupted = true
    terminal.stdin.destroy()
  })
  try {
    for await (const text of readTexts(terminal, progress.read)) await take(reader.push(text), false)
    await take(reader.end(), true)
  } catch (error) {
    progress.clear()
    if (isInterrupted && (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE')
      throw interrupted(run, tally, dryRun)
    const isAway =
      error instanceof StoreError || (error instanceof CliError && error.exitCode === exitCodes.unavailable)
    if (!isAway || tally.imported === 0) throw error
    throw new CliError(
      exitCodes.unavailable,
      `${error.message} ${tally.imported} keys were imported until then; run the same command again to continue.`,
    )
  } finally {
    ignoreInterrupts()
  }
  progress.clear()
  if (isInterrupted) throw interrupted(run, tally, dryRun)
  noteUncheckedPlans(run, plans)
  report(run, tally, dryRun)
}

async function* readTexts({ stdin }: Terminal, onRead: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of stdin) {
    onRead(Buffer.byteLength(chunk as string))
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true })
  }
  yield decoder.decode()
}

/** Says how far it came, and how to go on. */
function interrupted({ values, terminal }: CommandRun, tally: Tally, dryRun: boolean): CliError {
  const { imported, existing, refused } = tally
  if (values.json === true)
    printLine(terminal, JSON.stringify({ ...tally, dry_run: dryRun, interrupted: true }))
  const done = dryRun
    ? 'nothing was stored.'
    : `${imported} imported, ${existing} skipped that exist already, ${refused} refused. Run the same command on the whole file again to continue: it skips what exists.`
  return new CliError(exitCodes.interrupted, `Interrupted: ${done}`)
}

function report({ values, terminal }: CommandRun, tally: Tally, dryRun: boolean): void {
  const { imported, existing, refused } = tally
  if (imported + existing + refused === 0)
    throw usageError('There is no key on standard input, e.g.: writekey import < keys.ndjson')
  if (values.json === true) printLine(terminal, JSON.stringify({ ...tally, dry_run: dryRun }))
  else if (dryRun) {
    printLine(
      terminal,
      `Dry run, nothing was stored: ${imported} would be imported, ${existing} exist already, ${refused} would be refused.`,
    )
  } else {
    printLine(terminal, `Imported ${imported}; skipped ${existing} that exist already; refused ${refused}.`)
  }
  if (refused > 0) throw new CliError(exitCodes.refused, `${refused} of the lines cannot be imported.`)
}

/** As many as one call takes, by number and size. */
function firstOf(entries: readonly ImportEntry[]): ImportEntry[] {
  const some: ImportEntry[] = []
  let bytes = 0
  for (const entry of entries.slice(0, maxImported)) {
    bytes += Buffer.byteLength(JSON.stringify(entry))
    if (some.length > 0 && bytes > maxCallBytes) break
    some.push(entry)
  }
  return some
}

function isNew(seen: Set<string>, { key, key_hash: keyHash }: Readonly<Record<string, unknown>>): boolean {
  const hash =
    typeof keyHash === 'string'
      ? keyHash.toLowerCase()
      : createHash('sha256').update(String(key)).digest('hex')
  const { size } = seen
  return seen.add(hash).size > size
}
