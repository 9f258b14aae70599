import { unguarded } from './csv-cell.ts'
import { readList } from './csv-list.ts'
import type { FieldKind } from './fields.ts'
import { lost } from './import-decoder.ts'
import { wrongForm } from './import-form.ts'

/**
 * The format of a file of keys: a JSON object on each line, or CSV with the names of the fields in its first
 * row.
 */
export type ImportFormat = 'ndjson' | 'csv'

/** One key of a file: what an import takes as JSON, or why it cannot be read. */
export type ImportEntry =
  | { readonly line: number; readonly item: Readonly<Record<string, unknown>> }
  | { readonly line: number; readonly problem: string }

/** Reads a file of keys as it arrives. No problem repeats anything of the file, because it holds secrets. */
export interface ImportReader {
  /**
   * The keys that this part of the text completes.
   * @param text as `createImportDecoder` decodes it, if it comes as bytes
   */
  push(text: string): ImportEntry[]
  end(): ImportEntry[]
}

/** Longest line, or record of CSV, in characters. */
const maxRecordLength = 65_536

/** The kinds of the columns. The page has no access to the table of fields, so it passes them in. */
export type ImportColumns = Readonly<Record<string, FieldKind>>

/** @param format default: CSV unless the text begins with a brace. */
export function createImportReader(columns: ImportColumns, format?: ImportFormat): ImportReader {
  let rest = ''
  let line = 1
  let toEntry: ReadRecord | undefined
  let isCsv = false
  /** Inside a record that is too long: skips the rest of it. */
  let skipping = false
  let isFormKnown = false
  let isRefused = false

  function begin(): void {
    if (toEntry !== undefined) return
    rest = rest.replace(/^\ufeff/, '')
    const first = /\S/.exec(rest)?.[0]
    if (first === undefined) return
    isCsv = format === undefined ? first !== '{' && first !== '[' : format === 'csv'
    toEntry = createRecordReader(isCsv ? createRowReader(columns) : readJsonLine, isCsv)
  }

  /** One message where every line would have one. */
  function refuseForm(isLast: boolean): ImportEntry[] {
    if (isFormKnown) return []
    const start = rest.search(/\S/)
    const text = rest.slice(start)
    isFormKnown = isLast || text.includes('\n') || text.length > maxRecordLength
    const problem = isFormKnown ? wrongForm(text, isCsv) : undefined
    isRefused = problem !== undefined
    return problem === undefined
      ? []
      : [{ line: line + rest.slice(0, start).split('\n').length - 1, problem }]
  }

  function take(isLast: boolean): ImportEntry[] {
    begin()
    if (toEntry === undefined) return []
    const entries = refuseForm(isLast)
    if (isRefused) rest = ''
    let from = 0
    for (;;) {
      const end = isCsv ? endOfRow(rest, from) : rest.indexOf('\n', from)
      if (end === -1 && !(isLast && from < rest.length)) break
      const record = rest.slice(from, end === -1 ? rest.length : end)
      const entry = skipping || record.length > maxRecordLength ? undefined : toEntry(record, line)
      if (entry !== undefined) entries.push(entry)
      if (!skipping && record.length > maxRecordLength) entries.push(tooLong(line))
      skipping = false
      line += record.split('\n').length
      from = end === -1 ? rest.length : end + 1
    }
    rest = rest.slice(from)
    if (rest.length > maxRecordLength) {
      if (!skipping) entries.push(tooLong(line))
      skipping = true
      line += rest.split('\n').length - 1
      // An open quote stays open.
      rest = isCsv && hasOpenQuote(rest) ? '"' : ''
    }
    return entries
  }

  return {
    push(text) {
      rest += text
      return take(false)
    },
    end: () => take(true),
  }
}

function tooLong(line: number): ImportEntry {
  return { line, problem: `is longer than ${maxRecordLength} characters` }
}

type ReadRecord = (record: string, line: number) => ImportEntry | undefined

/** Refuses what is in another encoding. */
function createRecordReader(read: ReadRecord, isCsv: boolean): ReadRecord {
  let isFirst = true
  let hasFailed = false
  return (record, line) => {
    if (hasFailed || record.trim() === '') return undefined
    const lostAt = record.search(lost)
    // Without its first row, no other row of CSV can be read.
    hasFailed = lostAt !== -1 && isFirst && isCsv
    isFirst = false
    if (lostAt === -1) return read(record, line)
    const before = record.slice(0, lostAt)
    return {
      line: line + before.split('\n').length - 1,
      problem: 'has characters that are not UTF-8: save the file as UTF-8',
    }
  }
}

function readJsonLine(record: string, line: number): ImportEntry | undefined {
  if (record.trim() === '') return undefined
  try {
    const item: unknown = JSON.parse(record)
    if (typeof item === 'object' && item !== null && !Array.isArray(item)) {
      return { line, item: item as Record<string, unknown> }
    }
  } catch {
    // The parser's message quotes the input, so it is dropped.
  }
  return { line, problem: record.includes('\0') ? 'has a NUL byte' : 'is no JSON object' }
}

function createRowReader(columns: ImportColumns): ReadRecord {
  const importColumns = Object.keys(columns)
  let header: readonly string[] | undefined
  let hasFailed = false
  return (record, line) => {
    if (record.trim() === '' || hasFailed) return undefined
    const cells = readCells(record)
    if (cells === undefined)
      return { line, problem: 'is no row of CSV: a quote is not closed, or stands inside a cell' }
    if (header === undefined) {
      const names = cells.map((cell) => cell.trim())
      const unknown = names.findIndex(
        (name, index) => !importColumns.includes(name) || names.indexOf(name) !== index,
      )
      if (unknown === -1) header = names
      else hasFailed = true
      const known = importColumns.join(', ')
      return unknown === -1
        ? undefined
        : {
            line,
            problem: `must name the fields, each once, as the first row: column ${unknown + 1} is none of ${known}`,
          }
    }
    if (cells.length !== header.length)
      return { line, problem: `has ${cells.length} cells where the first row has ${header.length}` }
    const given = header
      .map((name, index) => [name, cells[index] as string] as const)
      .filter(([, cell]) => cell !== '')
    return {
      line,
      // A secret is taken as it stands: exports hold none.
      item: Object.fromEntries(
        given.map(([name, cell]) => [name, readCell(columns[name], name === 'key' ? cell : unguarded(cell))]),
      ),
    }
  }
}

/**
 * The JSON value of a cell. A cell that cannot be read is left as text: the import then says what is wrong.
 */
function readCell(kind: FieldKind | undefined, cell: string): unknown {
  if (kind === 'number') return /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell
  if (kind === 'list') return readList(cell)
  if (kind !== 'json' && kind !== 'rules') return cell
  try {
    return JSON.parse(cell)
  } catch {
    return cell
  }
}

/** The end of the row that begins there: a line break outside quotes; -1 when the text ends before it. */
function endOfRow(text: string, from: number): number {
  let isQuoted = false
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted
    else if (text[at] === '\n' && !isQuoted) return at
  }
  return -1
}

function hasOpenQuote(text: string): boolean {
  return text.split('"').length % 2 === 0
}

/** The cells of a row (RFC 4180); undefined when quotes do not close. */
function readCells(record: string): string[] | undefined {
  const row = record.endsWith('\r') ? record.slice(0, -1) : record
  const cells: string[] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y
  for (;;) {
    const found = cell.exec(row)
    if (found === null) return undefined
    cells.push(found[1] === undefined ? (found[2] as string) : found[1].replaceAll('""', '"'))
    if (found[3] === '') return cells
  }
}
