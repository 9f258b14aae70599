import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, decodedLength } from '../../src/verifier/base64.ts'

/** RFC 4648 the slow way: what encodes to the same text, with or without padding. */
function slowlyDecoded(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  const canonical = bytes.toString('base64')
  return text === canonical || text === canonical.replace(/=+$/, '') ? bytes : null
}

function decoded(text: string, start = 0, end = text.length): Buffer | null {
  const bytes = Buffer.alloc(100)
  const length = decodeBase64(text, start, end, bytes)
  return length === -1 ? null : bytes.subarray(0, length)
}

const encoded = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const damaged = fc
  .tuple(encoded, fc.nat(80), fc.constantFrom('A', '=', '==', '-', '_', ' ', '\u0141', '\u2041', ''))
  .map(([text, at, characters]) => text.slice(0, at) + characters + text.slice(at + 1))
const junk = fc.string({ unit: fc.constantFrom(...'AQgwz09+/=-_ \u00c1\u0141'), maxLength: 12 })

describe('decodeBase64', () => {
  it('decodes what an encoder writes, with and without padding, and nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(encoded, damaged, junk), (text) => {
        expect(decoded(text)).toEqual(slowlyDecoded(text))
        const unpadded = text.replace(/=+$/, '')
        expect(decoded(unpadded)).toEqual(slowlyDecoded(unpadded))
      }),
      { numRuns: 5_000 },
    )
  })

  it('looks at nothing outside its part of a text', () => {
    fc.assert(
      fc.property(junk, fc.oneof(encoded, junk), junk, (before, text, after) => {
        const end = before.length + text.length
        expect(decoded(before + text + after, before.length, end)).toEqual(slowlyDecoded(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['QQ', 'A'],
    ['QQ==', 'A'],
    ['QUI', 'AB'],
    ['QUI=', 'AB'],
    ['', ''],
  ])('decodes %j', (text, expected) => {
    expect(decoded(text)?.toString('latin1')).toBe(expected)
  })

  it.each([
    'Q',
    'QQ=',
    'QQ===',
    'QR==',
    'QUJ=',
    'QUI==',
    '====',
    '=',
    '==',
    'QUJD====',
    'Q-==',
    ' QQ==',
    'Q\u0142EB',
    'QUJD\u0142Q',
    'QQ==\n',
  ])('refuses %j', (text) => {
    expect(decoded(text)).toBeNull()
  })

  it('leaves out a last byte that it is told, and refuses another', () => {
    for (const text of ['', 'a', 'ab', 'abc', 'abcd']) {
      const encodings = [btoa(`${text}:`), btoa(`${text}:`).replace(/=+$/, '')]
      for (const encoding of encodings) {
        const bytes = new Uint8Array(decodedLength(encoding, 0, encoding.length) - 1)
        expect(decodeBase64(encoding, 0, encoding.length, bytes, 0x3a)).toBe(text.length + 1)
        expect(Buffer.from(bytes).toString('latin1')).toBe(text)
        expect(decodeBase64(encoding, 0, encoding.length, bytes, 0x3b)).toBe(-1)
      }
    }
  })

  it('finds no last byte in an empty text', () => {
    for (const last of [0, 1, 255]) expect(decodeBase64('', 0, 0, new Uint8Array(0), last)).toBe(-1)
  })
})

it.each([
  ['', 0],
  ['QQ', 1],
  ['QQ==', 1],
  ['QUI=', 2],
  ['QUJD', 3],
])('decodedLength says for how many bytes %j stands, wherever it begins', (text, expected) => {
  for (const before of ['', 'Basic ']) {
    const end = before.length + text.length
    expect(decodedLength(`${before}${text} `, before.length, end)).toBe(expected)
  }
})
