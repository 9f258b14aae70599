import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJsonBody } from '../../src/http/json-body.ts'

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

  it('takes a million levels of nesting without throwing', () => {
    expect(() => parseJsonBody('['.repeat(1_000_000) + ']'.repeat(1_000_000))).not.toThrow()
    expect(parseJsonBody('['.repeat(1_000_000))).toBeUndefined()
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
