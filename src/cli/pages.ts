import { usageError } from './cli-error.ts'
import { isJson, note, print, printCsv, printJson, printTable } from './command-output.ts'
import type { CommandRun } from './command-run.ts'
import { parseNumber } from './key-flags.ts'
import type { Column } from './table.ts'

interface Page<Row> {
  data: Row[]
  next_cursor: string | null
}

/** A list that the API gives in pages: one of them, or all; as JSON, CSV or a table. */
export async function printPages<Row>(
  run: CommandRun,
  list: {
    ask: (query: { limit: number | undefined; cursor: string | undefined }) => Promise<Page<Row>>
    columns: readonly Column<Row>[]
    csv: Readonly<Record<string, (row: Row) => unknown>>
  },
): Promise<void> {
  const { values } = run
  const isCsv = values.csv === true
  const isAll = values.all === true
  if (isCsv && isJson(run)) throw usageError('Give --csv or --json, not both.')
  const limit = values.limit === undefined ? undefined : parseNumber('limit', String(values.limit))
  let page = await list.ask({
    limit: limit ?? (isAll ? 100 : undefined),
    cursor: values.cursor as string | undefined,
  })
  const { ...first } = page
  const kept: Row[] = []
  const toCsv = (row: Row) =>
    printCsv(
      run,
      Object.values(list.csv).map((read) => read(row)),
    )
  if (isCsv) printCsv(run, Object.keys(list.csv))
  for (;;) {
    for (const row of page.data) {
      if (isCsv) toCsv(row)
      else kept.push(row)
    }
    if (!isAll || page.next_cursor === null) break
    page = await list.ask({ limit: limit ?? 100, cursor: page.next_cursor })
  }
  const { next_cursor: cursor } = page
  if (isJson(run)) return printJson(run, { ...first, data: kept, next_cursor: cursor })
  if (!isCsv) printTable(run, list.columns, kept)
  if (!isCsv && kept.length === 0) note(run, 'There is none.')
  if (cursor === null) return
  // A file of CSV holds nothing else.
  const more = `More: --cursor ${cursor}, or --all`
  if (isCsv) note(run, more)
  else print(run, more)
}
