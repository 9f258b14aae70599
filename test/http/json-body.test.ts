import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxJsonDepth, parseJsonBody } from '../../src/http/json-body.ts'

describe('parseJsonBody', () => {
  it('parses bytes and text alike', () => {
    for (const value of [{ type: 'track' }, [1, 'é😀'], 'text', 0, false, null]) {
      const text = JSON.stringify(value)
      expect(parseJsonBody(text)).toEqual({ value })
      expect(parseJsonBody(Buffer.from(text))).toEqual({ value })
      expect(parseJsonBody(new Uint8Array(Buffer.from(` \n${text}\t`)))).toEqual({ value })
    }
  })

  it('skips one byte order mark', () => {
    expect(parseJsonBody('\ufeff{}')).toEqual({ value: {} })
    expect(parseJsonBody(Buffer.from('\ufeff{}'))).toEqual({ value: {} })
    expect(parseJsonBody('\ufeff\ufeff{}')).toBeUndefined()
    expect(parseJsonBody('{}\ufeff')).toBeUndefined()
  })

  it('knows no value in what is empty or malformed', () => {
    for (const text of [
      '',
      ' ',
      '\ufeff',
      '{',
      '{"writeKey": wk_live_x',
      "{'a':1}",
      'NaN',
      ' '.repeat(5_000),
      '['.repeat(5_000),
      '{'.repeat(5_000),
      '\0'.repeat(5_000),
      '\ufeff \ufeff1',
      'a=1&b=2',
      '{}{}',
    ]) {
      expect(parseJsonBody(text)).toBeUndefined()
      expect(parseJsonBody(Buffer.from(text))).toBeUndefined()
    }
  })

  it('refuses bytes that are not UTF-8', () => {
    for (const bytes of [
      Buffer.from('{"a":"é"}', 'latin1'),
      Buffer.from('{}', 'utf16le'),
      Buffer.from('\ufeff{}', 'utf16le'),
      Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), // a surrogate
      Buffer.from([0x22, 0xc0, 0xaf, 0x22]), // an overlong slash
      Buffer.from([0x22, 0xe2, 0x82]),
    ]) {
      expect(parseJsonBody(bytes)).toBeUndefined()
    }
  })

  const listOf = (item: string, bytes: number) =>
    `[${Array(Math.ceil(bytes / (item.length + 1))).fill(item)}]`

  it.each(['{}', '[]', '[[]]', '{"a":{}}'])('refuses megabytes of %s, wherever they stand', (item) => {
    const list = listOf(item, 3_000_000)
    const events = listOf('{"type":"track","event":"Signed Up"}', 600_000)
    const bodies = [
      list,
      `{"type":"track","properties":${list}}`,
      `${events.slice(0, -1)},${list.slice(1)}`,
      `[${list},${events.slice(1)}`,
    ]
    for (const body of bodies) {
      expect(parseJsonBody(Buffer.from(body))).toBeUndefined()
      expect(parseJsonBody(body)).toBeUndefined()
    }
    // Where it is looked is left to chance, what it finds is not.
    for (let count = 0; count < 200; count++) expect(parseJsonBody(list)).toBeUndefined()
  })

  it('takes what is little, and what holds something', () => {
    for (const [item, bytes] of [
      ['{}', 29_000],
      ['[13.377,52.516]', 150_000],
      ['{"type":2,"tagName":"div","attributes":{},"childNodes":[],"id":12}', 4_000_000],
      ['{"type":"track","event":"Signed Up","properties":{"n":1,"list":[1,2,3]}}', 4_000_000],
      [
        JSON.stringify(JSON.stringify({ type: 'track', event: 'a', properties: { n: 1, list: [1, 2] } })),
        4_000_000,
      ],
    ] as const) {
      expect(parseJsonBody(listOf(item, bytes))).toBeDefined()
    }
  })

  it('takes short events, as many as the caller asks for', () => {
    const list = listOf('{"event":"a"}', 1_000_000)
    expect(parseJsonBody(list)).toBeUndefined()
    expect(parseJsonBody(list, 100_000)).toBeDefined()
  })

  it('takes odd but valid texts as JSON.parse does', () => {
    expect(parseJsonBody('[1e999, 18446744073709551616]')).toEqual({
      value: [Infinity, 2 ** 64],
    })
    expect(parseJsonBody('{"a":1,"a":2}')).toEqual({ value: { a: 2 } })
    expect(parseJsonBody('"\\ud800"')).toEqual({ value: '\ud800' })
    expect(Object.keys(parseJsonBody('{"__proto__":{"type":"admin"}}')?.value as object)).toEqual([
      '__proto__',
    ])
    expect(({} as { type?: string }).type).toBeUndefined()
  })

  it('takes texts up to 1 024 levels deep, and never throws over deeper ones', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"a":1,"b":', '}]'],
    ] as const) {
      const levels = open.length > 5 ? 2 : 1
      const nested = (count: number) => `${open.repeat(count / levels)}0${close.repeat(count / levels)}`
      expect(parseJsonBody(nested(maxJsonDepth))).toBeDefined()
      for (const depth of [maxJsonDepth + levels, 100_000]) {
        expect(parseJsonBody(nested(depth))).toBeUndefined()
        expect(parseJsonBody(Buffer.from(nested(depth)))).toBeUndefined()
        expect(parseJsonBody(open.repeat(depth))).toBeUndefined()
      }
    }
  })

  it('parses nothing that JSON.stringify or structuredClone cannot take', () => {
    const deepest = parseJsonBody(`${'{"a":'.repeat(maxJsonDepth)}1${'}'.repeat(maxJsonDepth)}`)?.value
    expect(JSON.stringify(deepest)).toHaveLength(6 * maxJsonDepth + 1)
    expect(() => structuredClone(deepest)).not.toThrow()
  })

  it('takes what is broad or long rather than deep', () => {
    const broad = `[${'{},'.repeat(9_000)}{}]`
    expect(parseJsonBody(broad)?.value).toHaveLength(9_001)
    const longName = `{"${'x'.repeat(3_000_000)}":1}`
    expect(Object.keys(parseJsonBody(longName)?.value as object)[0]).toHaveLength(3_000_000)
    const manyNames = `{${Array.from({ length: 20_000 }, (_, i) => `"${i % 10_000}x":[${i}]`).join()}}`
    expect(Object.keys(parseJsonBody(manyNames)?.value as object)).toHaveLength(10_000)
    expect(parseJsonBody(`[${'9'.repeat(1_000_000)},1e-400000]`)).toEqual({ value: [Infinity, 0] })
  })

  it('agrees with JSON.parse on any value and never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJsonBody(Buffer.from(text))).toEqual({ value: JSON.parse(text) })
      }),
    )
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseJsonBody(bytes)))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseJsonBody(text)))
  })
})
