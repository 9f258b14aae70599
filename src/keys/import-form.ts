import { half } from './import-decoder.ts'

/** What every line of a file would be refused for, if its beginning shows it. */
export function wrongForm(text: string, isCsv: boolean): string | undefined {
  const [first = ''] = text.split('\n', 1)
  return packed(text) ?? wrongEncoding(first) ?? (isCsv ? wrongCsv(first) : wrongJson(first))
}

/** How other files begin. */
const packings: readonly (readonly [start: string, problem: string])[] = [
  [`\x1f${half}`, 'is packed with gzip: unpack it first, as with gunzip'],
  [`(${half}/${half}`, 'is packed with Zstandard: unpack it first, as with unzstd'],
  [`${half}7zXZ\0`, 'is packed with xz: unpack it first, as with unxz'],
  ['BZh', 'is packed with bzip2: unpack it first, as with bunzip2'],
  [`7z${half}${half}'\x1c`, 'is a 7z archive: unpack it first'],
  ['PK\x03\x04', 'is a ZIP file, as of Excel: save it as CSV UTF-8, or unpack it first'],
  ['PK\x05\x06', 'is a ZIP file with nothing in it'],
  [`${half}${half}\x11\u0871\x1a${half}`, 'is a file of an old Excel: save it as CSV UTF-8'],
]

function packed(text: string): string | undefined {
  return packings.find(([start]) => text.startsWith(start))?.[1]
}

/** Every other byte of UTF-16 is NUL in what begins such a file. The mark of its order may come first. */
const utf16 = /^\udfff{0,2}(?:[^\0]\0[^\0]\0|\0[^\0]\0[^\0])/u

function wrongEncoding(first: string): string | undefined {
  return utf16.test(first) ? 'is UTF-16, as it seems: save the file as UTF-8' : undefined
}

const oldLineEnds =
  'ends its lines with CR alone, as old Macs did: save the file with line ends of Unix or Windows'

function wrongCsv(row: string): string | undefined {
  const separator = /^(?:sep=|\s*"?\w+"?[^\S\t\r]*)([;\t|])/.exec(row)?.[1]
  if (separator !== undefined)
    return `has ${separator === '\t' ? 'tabs' : separator} between its cells: save the file as CSV with commas`
  const unquoted = row.replace(/"[^"]*"/g, '')
  return /\r(?!$)/.test(unquoted) ? oldLineEnds : undefined
}

function wrongJson(first: string): string | undefined {
  if (first.startsWith('['))
    return 'begins a list of JSON: write one JSON object on each line, without [ and ] around them'
  // As the management API takes and gives them. No field of a key is called so.
  const list = /^\{\s*"(write_keys|data)"\s*:\s*\[/.exec(first)?.[1]
  if (list !== undefined)
    return `holds its keys as a list: write each as one object on one line, as with jq -c '.${list}[]'`
  if (/\}\s*\r\s*\{/.test(first)) return oldLineEnds
  return /[{[,:]\s*$/.test(first)
    ? 'begins a JSON object of several lines: write each key as one object on one line, as with jq -c'
    : undefined
}
