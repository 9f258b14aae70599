import { expect, it } from 'vitest'
import { toCsv } from '../../dashboard/src/words/export.ts'
import { csvLine } from '../../src/keys/csv-line.ts'

const formulas = [
  ...['=', '+', '-', '@', '\uff1d', '\uff0b', '\uff0d', '\uff20', '\ufe66', '\ufe62', '\ufe63', '\ufe6b'],
  ...[' =', '  +', '\u00a0-', '\u3000\uff1d', '\ufeff=', '\u200b=', '\t=', '\t', '\r', '\n'],
].map((start) => `${start}1`)
const texts = ['Web', ' Web', 'a=b', 'a @b', '\u201c=1\u201d', '1-2', '(+1)', '']

/** The names as the page exports them. */
function namesOfPage(names: readonly string[]): string[] {
  const keys = names.map((name) => ({ id: 'wk', name, secrets: [], source_type: 'web' }) as never)
  const lines = toCsv(keys).split(/\r\n(?=wk,|$)/)
  return lines.slice(1, -1).map((line) => line.slice(3, line.indexOf(',web,')))
}

it.each([
  ['the command', (names: readonly string[]) => names.map((name) => csvLine([name]).slice(0, -2))],
  ['the page', namesOfPage],
])('a cell of CSV that a spreadsheet would run begins with an apostrophe: %s', (_, namesOf) => {
  const cells = namesOf(formulas).map((cell) => cell.replace(/^"(.*)"$/s, '$1'))
  expect(cells).toEqual(formulas.map((text) => `'${text}`))
  expect(namesOf(texts)).toEqual(texts)
  expect(namesOf(['a,"b"'])).toEqual(['"a,""b"""'])
})

it('the page exports every rule, and lists as import reads them', () => {
  const rules = { allowed_origins: [], denied_event_names: ['a', 'b/*'], trial: { allowed_ips: ['::1'] } }
  const [heading, line] = toCsv([{ id: 'wk', secrets: [], ...rules } as never]).split('\r\n')
  const columns = heading?.split(',') ?? []
  expect(columns).toEqual(expect.arrayContaining(['allowed_ips', 'denied_ips', 'metadata', 'expires_at']))
  expect(line).toContain(',[],')
  expect(line).toContain(',"a,b/*",')
  expect(line).toContain(',"{""allowed_ips"":[""::1""]}",')
})

it('the command writes lists as import reads them, numbers as they are, and nothing for what is not set', () => {
  const cells = [null, undefined, 0, -12.5, true, false, [], ['a', 'b/*'], { a: ['x'] }, 'Web', '-1']
  expect(csvLine(cells)).toBe(`,,0,-12.5,true,false,[],"a,b/*","{""a"":[""x""]}",Web,'-1\r\n`)
})
