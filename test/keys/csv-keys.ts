import fc from 'fast-check'

/** Beginnings and insides that a spreadsheet, a list or a reader of CSV could take for something else. */
const part = fc.constantFrom(
  ...["'", "'", "''", '=', '+', '-', '@', '\uff1d', ' ', '\u00a0', '\ufeff', '\u200b'],
  ...[
    ',',
    ',',
    '"',
    '""',
    '[',
    ']',
    '[]',
    '["',
    '"]',
    '{',
    '\\',
    'a',
    'b',
    'null',
    '1',
    '\u00fc',
    '\u{1f600}',
  ],
)
const text = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
const name = fc
  .oneof(text, fc.string({ unit: 'grapheme', maxLength: 8 }).map(withoutControls))
  .map((name) => `${name}x`)
const word = fc.string({ unit: fc.constantFrom('@', '-', '_', '.', 'a', '0'), minLength: 1, maxLength: 5 })
const eventNames = fc.option(
  fc.uniqueArray(
    fc.oneof(
      text,
      text.map((name) => `${name}*`),
      name.map((name) => name.replaceAll('*', '')),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
)

function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, '')
}

/** Keys of the HTTP API, whose texts are hard to write as CSV. */
export const csvKey = fc.record({
  name,
  source_type: fc.constantFrom('web', 'server'),
  workspace: fc.option(word),
  rate_limit_eps: fc.option(fc.constantFrom(0.001, 12.5, 1_000_000)),
  allowed_event_names: eventNames,
  denied_event_names: eventNames,
  allowed_origins: fc.option(fc.constantFrom([], ['https://*.example.com', 'app://.'])),
  denied_ips: fc.option(fc.constantFrom(['2001:db8::/32'], ['10.0.0.0/8', '::/0'])),
  trial: fc.option(
    eventNames.filter((names) => names !== null).map((names) => ({ denied_event_names: names })),
  ),
  metadata: fc.option(fc.dictionary(text, fc.oneof(text, fc.constant(null)), { maxKeys: 3 })),
})

/** The cells of CSV, by a reader of its own: a quote that follows one at once is one of the text. */
function cellsOf(csv: string): string[][] {
  const rows: string[][] = [['']]
  let isQuoted = false
  let last = ''
  for (const character of csv) {
    const row = rows.at(-1) as string[]
    const isOfText = isQuoted || !',\r\n"'.includes(character) || (character === '"' && last === '"')
    if (character === '"') isQuoted = !isQuoted
    if (isOfText && !(character === '"' && !isQuoted)) row.push(row.pop() + character)
    else if (character === ',') row.push('')
    else if (character === '\n') rows.push([''])
    last = character
  }
  return rows.slice(0, -1)
}

/** An export as a file for an import: the columns that this one knows, and a secret for each key. */
export function importFileOf(
  csv: string,
  columns: readonly string[],
  secretOf: (index: number) => string,
): string {
  const [heading = [], ...rows] = cellsOf(csv)
  const places = heading
    .map((_, place) => place)
    .filter((place) => columns.includes(heading[place] as string))
  const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`
  const lines = rows.map((row, index) => [
    ...places.map((place) => quote(row[place] as string)),
    secretOf(index),
  ])
  return [[...places.map((place) => heading[place]), 'key'], ...lines]
    .map((line) => `${line.join(',')}\n`)
    .join('')
}
