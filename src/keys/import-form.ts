import { lost } from './import-decoder.ts'

/** What every line of a file would be refused for, if its beginning shows it. */
export function wrongForm(text: string, isCsv: boolean): string | undefined {
  const [first = ''] = text.split('\n', 1)
  return packed(text) ?? wrongEncoding(first) ?? (isCsv ? wrongCsv(first) : wrongJson(first))
}

/** Of gzip, the second byte is not UTF-8. */
function packed(text: string): string | undefined {
  if (text.startsWith('\x1f') && lost.test(text.slice(1, 3)))
    return 'is packed with gzip: unpack it first, as with gunzip'
  if (text.startsWith('PK\x03\x04'))
    return 'is a ZIP file, as of Excel: save it as CSV UTF-8, or unpack it first'
  return undefined
}

function wrongEncoding(first: string): string | undefined {
  return first.includes('\0') ? 'is UTF-16, as it seems: save the file as UTF-8' : undefined
}

function wrongCsv(row: string): string | undefined {
  const separator = /^(?:sep=|\s*"?\w+"?[^\S\t\r]*)([;\t|])/.exec(row)?.[1]
  if (separator !== undefined)
    return `has ${separator === '\t' ? 'tabs' : separator} between its cells: save the file as CSV with commas`
  const unquoted = row.replace(/"[^"]*"/g, '')
  if (/\r(?!$)/.test(unquoted))
    return 'ends its lines with CR alone, as old Macs did: save the file with line ends of Unix or Windows'
  return undefined
}

function wrongJson(first: string): string | undefined {
  if (first.startsWith('['))
    return 'begins a list of JSON: write one JSON object on each line, without [ and ] around them'
  return /[{[,:]\s*$/.test(first)
    ? 'begins a JSON object of several lines: write each key as one object on one line, as with jq -c'
    : undefined
}
