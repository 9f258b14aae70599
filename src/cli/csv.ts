/**
 * A line of CSV (RFC 4180). A list is written as `import` reads it: `a,b`, and `[]` where it is empty, as an
 * empty list is a rule and an empty cell is none. Text that a spreadsheet would run as a formula begins with an apostrophe.
 * @param show how texts are written: as they are by default.
 */
export function csvLine(cells: readonly unknown[], show: (text: string) => string = String): string {
  return `${cells.map((cell) => toCell(cell, show)).join(',')}\r\n`
}

function toCell(value: unknown, show: (text: string) => string): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = Array.isArray(value)
    ? value.length === 0
      ? '[]'
      : value.join(',')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)
  const safe = show(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
