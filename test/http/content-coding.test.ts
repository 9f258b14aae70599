import { describe, expect, it } from 'vitest'
import { knownCodings, parseContentEncoding } from '../../src/http/content-coding.ts'

describe('parseContentEncoding', () => {
  it('finds no coding where none is named', () => {
    for (const field of [
      undefined,
      '',
      'identity',
      'Identity',
      ' identity ',
      ',',
      'identity,,identity',
      ['identity', ''],
    ]) {
      expect(parseContentEncoding(field)).toBeNull()
    }
  })

  it.each([
    [
      'gzip',
      [
        'gzip',
        'GZIP',
        ' gzip\t',
        'x-gzip',
        'gzip, identity',
        'identity, gzip',
        ',gzip,',
        ', ,gzip',
        ['identity', 'gzip'],
      ],
    ],
    ['deflate', ['deflate', 'Deflate,identity']],
    ['br', ['br', 'BR', ['br', 'identity']]],
  ] as const)('finds %s among members that say nothing', (coding, fields) => {
    for (const field of fields) expect(parseContentEncoding(field)).toBe(coding)
  })

  it('does not know codings on top of each other, nor others', () => {
    for (const field of [
      'gzip, gzip',
      'gzip,br',
      ['gzip', 'gzip'],
      'gzip,identity,deflate',
      'compress',
      'gzip;q=1',
      'gzip br',
      '\u00a0gzip',
      'constructor',
      '__proto__',
      '*',
    ]) {
      expect(parseContentEncoding(field)).toBe('unsupported')
    }
  })

  it('knows zstd where the runtime does', () => {
    const hasZstd = 'createZstdDecompress' in process.getBuiltinModule('node:zlib')
    expect(parseContentEncoding('zstd')).toBe(hasZstd ? 'zstd' : 'unsupported')
    expect(knownCodings()).toEqual(hasZstd ? ['gzip', 'deflate', 'br', 'zstd'] : ['gzip', 'deflate', 'br'])
  })
})
