import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createImportDecoder, lost } from '../../src/keys/import-decoder.ts'

function decode(bytes: Uint8Array, pieceLength = bytes.length || 1): string {
  const decoder = createImportDecoder()
  let text = ''
  for (let from = 0; from < bytes.length; from += pieceLength)
    text += decoder.decode(bytes.subarray(from, from + pieceLength))
  return text + decoder.end()
}

describe('what an import is decoded from', () => {
  it('gives every text back, in whatever pieces it comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 9 }), (text, pieceLength) => {
        const whole = text.toWellFormed()
        expect(decode(Buffer.from(whole), pieceLength)).toBe(whole)
        expect(whole).not.toMatch(lost)
      }),
    )
  })

  it('keeps a replacement character that stands in the file, and a mark at its start', () => {
    const text = '\ufeffname\nCaf\ufffd\n'
    expect(decode(Buffer.from(text))).toBe(text)
  })

  it.each([1, 3, 100])(
    'marks bytes that are not UTF-8, and changes no other line, in pieces of %i',
    (length) => {
      const bytes = Buffer.concat([
        Buffer.from('Caf\ufffd\nCaf'),
        Buffer.from([0xe9]),
        Buffer.from('\r\nCafé\ncut '),
        Buffer.from([0xc3]),
      ])
      const lines = decode(bytes, length).split('\n')
      expect(lines.map((line) => line.search(lost))).toEqual([-1, 3, -1, 4])
      expect([lines[0], lines[2]]).toEqual(['Caf\ufffd', 'Café'])
    },
  )

  it('holds no line that never ends', () => {
    const decoder = createImportDecoder()
    const given = 3 * 1_048_576
    let length = 0
    for (let sent = 0; sent < given; sent += 65_536) length += decoder.decode(Buffer.alloc(65_536, 97)).length
    expect(length).toBeGreaterThan(given - 1_200_000)
    expect(length + decoder.end().length).toBe(given)
  })
})
