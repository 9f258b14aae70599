import type { ImportResultJson } from '../admin/import-items.ts'
import { importColumns } from '../keys/import-columns.ts'
import { createImportDecoder } from '../keys/import-decoder.ts'
import { createImportReader, type ImportEntry, type ImportFormat } from '../keys/import-text.ts'
import { maxImported } from '../management/import-keys.ts'
import { StoreError } from '../runtime/errors.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { CommandRun } from './command-run.ts'
import { createProgress } from './import-progress.ts'
import { createTally, interrupted, report } from './import-tally.ts'
import { onInterrupt } from './interrupts.ts'
import { noteUncheckedPlans } from './plan-note.ts'
import { noteLine, type Terminal } from './terminal.ts'

/** Of the keys of one call; below what the management API takes. */
const maxCallBytes = 2_000_000

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
  const progress = createProgress(terminal)
  const { tally, plan, refuseUnreadable, takeAll, total } = createTally(run, progress.clear)
  const plans = new Set<unknown>()
  let waiting: ImportEntry[] = []

  async function importSome(entries: readonly ImportEntry[]): Promise<void> {
    const items = entries.flatMap((entry) => ('item' in entry ? [entry] : []))
    for (const entry of entries) {
      if ('problem' in entry) refuseUnreadable(entry.line, entry.problem)
    }
    const body = { write_keys: items.map(({ item }) => item), ...(dryRun && plan.toBody()) }
    const { results } =
      items.length === 0
        ? { results: [] }
        : await run.client.call<{ results: ImportResultJson[] }>('/import', { method: 'POST', body })
    for (const [index, { ok }] of results.entries()) {
      if (ok) plans.add(items[index]?.item.plan)
    }
    takeAll(items, results)
    progress.show(total())
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
  const decoder = createImportDecoder()
  for await (const chunk of stdin) {
    onRead(Buffer.byteLength(chunk as string))
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array)
  }
  yield decoder.end()
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
