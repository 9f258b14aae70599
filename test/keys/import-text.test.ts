import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { importColumns } from '../../src/keys/import-columns.ts'
import { createImportDecoder } from '../../src/keys/import-decoder.ts'
import { createImportReader, type ImportEntry, type ImportFormat } from '../../src/keys/import-text.ts'

/** Read at once, and again character by character: both must come to the same. */
function read(text: string, format?: ImportFormat): ImportEntry[] {
  const whole = createImportReader(importColumns, format)
  const entries = [...whole.push(text), ...whole.end()]
  const parts = createImportReader(importColumns, format)
  const byPart = [...Array.from(text).flatMap((character) => parts.push(character)), ...parts.end()]
  expect(byPart).toEqual(entries)
  return entries
}

function decodedAtOnce(bytes: Uint8Array): string {
  const decoder = createImportDecoder()
  return decoder.decode(bytes) + decoder.end()
}

describe('a file of keys', () => {
  it('holds an object of JSON on each line', () => {
    const entries = read(
      '{"name":"iOS","key":"a"}\r\n\n  {"name":"Web"}\n[1]\nnull\n{"key":"secret-that-is-cut\n{"name":"last"}\n"text"\n7\ntrue',
    )
    expect(entries).toEqual([
      { line: 1, item: { name: 'iOS', key: 'a' } },
      { line: 3, item: { name: 'Web' } },
      { line: 4, problem: 'is no JSON object' },
      { line: 5, problem: 'is no JSON object' },
      { line: 6, problem: 'is no JSON object' },
      { line: 7, item: { name: 'last' } },
      ...[8, 9, 10].map((line) => ({ line, problem: 'is no JSON object' })),
    ])
  })

  it.each<[string, ImportFormat | undefined]>([
    ['{"name":"iOS"}', undefined],
    ['{"name":"iOS"}', 'ndjson'],
    ['name\niOS', 'csv'],
    ['name\niOS', undefined],
  ])('may begin with lines of blanks: %j as %s', (text, format) => {
    const line = text.startsWith('{') ? 3 : 4
    expect(read(` \n\t\r\n${text}`, format)).toEqual([{ line, item: { name: 'iOS' } }])
  })

  it.each<[string, unknown]>([
    ['12', 12],
    ['12.25', 12.25],
    ['0', 0],
    ['x12', 'x12'],
    ['12x', '12x'],
    ['1e3', '1e3'],
    ['.5', '.5'],
    ['-1', '-1'],
    ['1.', '1.'],
  ])('has the number %s in CSV as it stands, or as text', (cell, value) => {
    expect(read(`name,rate_limit_eps\nWeb,${cell}`)).toEqual([
      { line: 2, item: { name: 'Web', rate_limit_eps: value } },
    ])
  })

  it('has lists, rules and names of columns with blanks around them', () => {
    const row = '"track,, page ,","{""allowed_ips"":[]}","{",Web'
    expect(read(`allowed_event_types, trial ,metadata,name\n${row}`)).toEqual([
      {
        line: 2,
        item: {
          allowed_event_types: ['track', 'page'],
          trial: { allowed_ips: [] },
          metadata: '{',
          name: 'Web',
        },
      },
    ])
  })

  it('may have any format where one is named, and is empty where nothing is there', () => {
    expect(read('name\nWeb', 'ndjson').map((entry) => 'problem' in entry)).toEqual([true, true])
    expect(read('{"name":"Web"}', 'csv')).toMatchObject([{ line: 1, problem: expect.any(String) }])
    for (const format of [undefined, 'csv', 'ndjson'] as const) expect(read(' \n\n', format)).toEqual([])
    expect(read('{"name":"a\ufeffb"}')).toEqual([{ line: 1, item: { name: 'a\ufeffb' } }])
  })

  it('or is CSV, whose first row names the fields', () => {
    const rows = [
      '\ufeffname,source_type,key,rate_limit_eps,allowed_event_types,metadata',
      'iOS,mobile,a:b,5,"track, page","{""was"":""Segment""}"',
      '"two\nlines ""quoted""",web,c,,,',
      '',
      'x,web,d,many,,[',
      'too,few',
      'x,web,"d"e,,,',
      'last,web,e,,,',
    ]
    expect(read(rows.join('\r\n'))).toEqual([
      {
        line: 2,
        item: {
          name: 'iOS',
          source_type: 'mobile',
          key: 'a:b',
          rate_limit_eps: 5,
          allowed_event_types: ['track', 'page'],
          metadata: { was: 'Segment' },
        },
      },
      { line: 3, item: { name: 'two\nlines "quoted"', source_type: 'web', key: 'c' } },
      { line: 6, item: { name: 'x', source_type: 'web', key: 'd', rate_limit_eps: 'many', metadata: '[' } },
      { line: 7, problem: 'has 2 cells where the first row has 6' },
      { line: 8, problem: expect.stringContaining('no row of CSV') },
      { line: 9, item: { name: 'last', source_type: 'web', key: 'e' } },
    ])
  })

  it('must name its columns, and no message repeats one that nobody knows', () => {
    for (const header of ['name,kZ9aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT', 'name,name', 'key,']) {
      const entries = read(`${header}\nx,y\nz,z`)
      expect(entries).toEqual([
        { line: 1, problem: expect.stringContaining('column 2 is none of name, source_type') },
      ])
      expect(JSON.stringify(entries)).not.toContain('kZ9a')
    }
  })

  it('may have a line that is too long, which is passed over', () => {
    const long = `{"key":"${'x'.repeat(200_000)}"}`
    for (const size of [1_000, 1_000_000]) {
      const reader = createImportReader(importColumns)
      const text = `${long}\n{"name":"good"}\n`
      const entries: ImportEntry[] = []
      for (let at = 0; at < text.length; at += size) entries.push(...reader.push(text.slice(at, at + size)))
      expect([...entries, ...reader.end()]).toEqual([
        { line: 1, problem: 'is longer than 65536 characters' },
        { line: 2, item: { name: 'good' } },
      ])
    }
  })

  it('has lines of 65 536 characters at most, and those that are longer are told before they end', () => {
    const start = (text: string) => {
      const reader = createImportReader(importColumns)
      return [reader, reader.push(text)] as const
    }
    const longest = `{"key":"${'x'.repeat(65_526)}"}`
    expect(longest).toHaveLength(65_536)
    const good = { line: 1, item: JSON.parse(longest) }
    const tooLong = { line: 1, problem: 'is longer than 65536 characters' }
    expect(start(`${longest}\n`)[1]).toEqual([good])
    expect(start(`${longest} \n`)[1]).toEqual([tooLong])
    const [reader, early] = start(longest)
    expect([...early, ...reader.push('\n'), ...reader.end()]).toEqual([good])
    const [longer, told] = start(`${longest} `)
    expect(told).toEqual([tooLong])
    expect([...longer.push(' '.repeat(70_000)), ...longer.push('\n'), ...longer.end()]).toEqual([])
  })

  it.each([
    ['in a cell of many lines', `"${'two\nlines '.repeat(10_000)}`, 'end\n"', 10_004],
    ['without quotes', 'x'.repeat(70_000), '', 3],
    ['with a quote in a cell', `"a""b",${'x'.repeat(70_000)}`, '', 3],
  ])('may have a row of CSV that is too long, %s, whose next row is read', (_, start, end, line) => {
    const tooLong = { line: 2, problem: 'is longer than 65536 characters' }
    const reader = createImportReader(importColumns)
    expect(reader.push(`name\n${start}`)).toEqual([tooLong])
    expect([...reader.push(`${end}\nWeb`), ...reader.end()]).toEqual([{ line, item: { name: 'Web' } }])
  })

  it('may be empty', () => {
    for (const text of ['', '\n\n', ' ']) expect(read(text)).toEqual([])
    expect(read('name,key\n')).toEqual([])
  })

  /** As the command and a page decode a file. */
  const decoded = (...bytes: (string | number[])[]) =>
    decodedAtOnce(
      Buffer.concat(bytes.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part)))),
    )
  const notUtf8 = 'has characters that are not UTF-8: save the file as UTF-8'

  it('is UTF-8: a line with other bytes is refused, and no rule of it is changed', () => {
    const rows = decoded(
      'name,denied_event_names\nCaf',
      [0xe9],
      ',Caf',
      [0xe9],
      ' Opened\nCafé,Café Opened\n',
    )
    const good = { name: 'Café', denied_event_names: ['Café Opened'] }
    expect(read(rows)).toEqual([
      { line: 2, problem: notUtf8 },
      { line: 3, item: good },
    ])
    const lines = decoded('{"name":"Caf', [0xe9], '"}\n', JSON.stringify(good), '\n{"name":"cut ', [0xc3])
    expect(read(lines)).toEqual([
      { line: 1, problem: notUtf8 },
      { line: 2, item: good },
      { line: 3, problem: notUtf8 },
    ])
  })

  it('names the line of such bytes within a row of several, and reads no row below such a first one', () => {
    const row = decoded('name,metadata\nWeb,"{\n""a"":\n""', [0xe9], '""}"\n')
    expect(read(row)).toEqual([{ line: 4, problem: notUtf8 }])
    expect(read(decoded('nam', [0xe9], ',key\nWeb,a\nWeb,b'))).toEqual([{ line: 1, problem: notUtf8 }])
  })

  it.each<[string, string]>([
    ['with a mark', '\ufeff'],
    ['without', ''],
  ])('says once that it is UTF-16, %s', (_, mark) => {
    for (const text of ['name,key\nWeb,a\nWeb,b\n', '{"name":"Web"}\n{"name":"iOS"}\n']) {
      const little = Buffer.from(mark + text, 'utf16le')
      for (const bytes of [little, Buffer.from(little).swap16()]) {
        expect(read(decodedAtOnce(bytes))).toEqual([
          { line: 1, problem: 'is UTF-16, as it seems: save the file as UTF-8' },
        ])
      }
    }
  })

  it.each([
    ['name;source_type;key\nWeb;web;a', ';'],
    ['"name";"key"\n"Web";"a"', ';'],
    ['sep=;\nname;key\nWeb;a', ';'],
    ['name\tkey\nWeb\ta', 'tabs'],
    ['name | key\nWeb|a', '|'],
  ])('names the separator of %j', (text, separator) => {
    expect(read(text)).toEqual([
      { line: 1, problem: `has ${separator} between its cells: save the file as CSV with commas` },
    ])
  })

  it.each<[string, ImportFormat | undefined]>([
    ['[{"name":"Web"},{"name":"iOS"}]', undefined],
    ['[\n  {"name":"Web"},\n  {"name":"iOS"}\n]', undefined],
    ['[{"name":"Web"}]', 'ndjson'],
  ])('says of a list of JSON what to write: %j', (text, format) => {
    expect(read(text, format)).toEqual([
      {
        line: 1,
        problem: 'begins a list of JSON: write one JSON object on each line, without [ and ] around them',
      },
    ])
  })

  it('names the line that has a NUL byte', () => {
    expect(read('{"name":"Web\0"}\n{"name":"iOS"}\n\0\n')).toEqual([
      { line: 1, problem: 'has a NUL byte' },
      { line: 2, item: { name: 'iOS' } },
      { line: 3, problem: 'has a NUL byte' },
    ])
  })

  const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

  it.each<[string, Buffer, string]>([
    ['gzip', gzipSync('name,key\nWeb,a\n'), 'is packed with gzip: unpack it first, as with gunzip'],
    [
      'a file of Excel',
      Buffer.from('PK\x03\x04\x14\0\n\n'),
      'is a ZIP file, as of Excel: save it as CSV UTF-8, or unpack it first',
    ],
    ['an empty ZIP', Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`), 'is a ZIP file with nothing in it'],
    [
      'Excel 97',
      bytes('d0cf11e0a1b11ae1 0000000000000000'),
      'is a file of an old Excel: save it as CSV UTF-8',
    ],
    [
      'zstd',
      bytes('28b52ffd 240e710000 6e616d652c6b65790a5765622c610a'),
      'is packed with Zstandard: unpack it first, as with unzstd',
    ],
    [
      'xz',
      bytes('fd377a585a00 0004e6d6b44600210116000000'),
      'is packed with xz: unpack it first, as with unxz',
    ],
    [
      'bzip2',
      bytes('425a683931415926535900 0102030405'),
      'is packed with bzip2: unpack it first, as with bunzip2',
    ],
    ['7z', bytes('377abcaf271c 0004'), 'is a 7z archive: unpack it first'],
    [
      'objects between CRs',
      Buffer.from('{"name":"Web"}\r{"name":"iOS"}\r'),
      'ends its lines with CR alone, as old Macs did: save the file with line ends of Unix or Windows',
    ],
    [
      'what the API takes',
      Buffer.from('{"write_keys":[{"name":"Web"}]}\n'),
      "holds its keys as a list: write each as one object on one line, as with jq -c '.write_keys[]'",
    ],
    [
      'what the API lists',
      Buffer.from('{"data": [\n{"name":"Web"}]}'),
      "holds its keys as a list: write each as one object on one line, as with jq -c '.data[]'",
    ],
    [
      'lines that end with CR',
      Buffer.from('name,key\rWeb,a\riOS,b\r'),
      'ends its lines with CR alone, as old Macs did: save the file with line ends of Unix or Windows',
    ],
  ])('says once what the file is: %s', (_, file, problem) => {
    expect(read(decodedAtOnce(file))).toEqual([{ line: 1, problem }])
  })

  it.each(['{\n "name": "Web",\n "key": "a"\n}\n', '{"name": "Web",\n\n"key": "a"}', '\n{\n}'])(
    'says once of an object of several lines what to write: %j',
    (text) => {
      expect(read(text)).toEqual([
        {
          line: text.startsWith('\n') ? 2 : 1,
          problem:
            'begins a JSON object of several lines: write each key as one object on one line, as with jq -c',
        },
      ])
    },
  )

  it('says what a file is whose first line is longer than any', () => {
    const reader = createImportReader(importColumns)
    const bytes = Buffer.concat([gzipSync('a'), Buffer.alloc(70_000, 'a')])
    const problem = 'is packed with gzip: unpack it first, as with gunzip'
    expect([...reader.push(decodedAtOnce(bytes)), ...reader.end()]).toEqual([{ line: 1, problem }])
  })

  it('reads the lines behind a first one that is cut off', () => {
    expect(read('{"name":"We\n{"name":"iOS"}\n')).toEqual([
      { line: 1, problem: 'is no JSON object' },
      { line: 2, item: { name: 'iOS' } },
    ])
  })
})
