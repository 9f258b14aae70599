import { csvCell } from './csv-cell.ts'
import { listText } from './csv-list.ts'

/**
 * A line of CSV, see `csvCell`. `import` reads back the same values. An empty list is `[]`, as it is a rule and an
 * empty cell is none.
 * @param show how texts are written: as they are by default.
 */
export function csvLine(cells: readonly unknown[], show: (text: string) => string = String): string {
  return `${cells.map((cell) => toCell(cell, show)).join(',')}\r\n`
}

function toCell(value: unknown, show: (text: string) => string): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const text = Array.isArray(value)
    ? listText(value)
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)
  return csvCell(text, show)
}
