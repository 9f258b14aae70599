/**
 * What a spreadsheet may read as the start of a formula, also in its full-width and small forms, and behind white
 * space or characters that take no room, which some drop first. Apostrophes in front are those of guarded cells: what
 * looks like one is guarded too, so that `unguarded` can tell them apart.
 */
const formulaStart = /^'*(?:[\t\r\n]|[\s\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])/u

/**
 * A text as a cell of CSV (RFC 4180). One that a spreadsheet would run as a formula begins with an apostrophe.
 * @param show how it is written, before it is quoted.
 */
export function csvCell(text: string, show: (text: string) => string = String): string {
  const safe = show(formulaStart.test(text) ? `'${text}` : text)
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** The text of a cell, once its quotes are off. Other apostrophes at the beginning belong to the text. */
export function unguarded(cell: string): string {
  return cell.startsWith("'") && formulaStart.test(cell) ? cell.slice(1) : cell
}
