import { createHash, createHmac } from 'node:crypto'
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32, generateSecret, isWellFormedSecret, secretStart } from '../../src/keys/secret.ts'
import { createSecretHasher, digestToHex } from '../../src/keys/secret-hash.ts'
import { base62Alphabet, randomBase62, toBase62 } from '../../src/runtime/base62.ts'

const prefixes = ['sk_live_', 'sk_test_', 'a', 'acme-wk_', `A${'_'.repeat(31)}`]

describe('a secret', () => {
  it.each(prefixes)('begins with %s, and has 32 random characters and a checksum of 6', (prefix) => {
    for (let count = 0; count < 200; count++) {
      const secret = generateSecret(prefix)
      expect(secret.startsWith(prefix)).toBe(true)
      expect(secret.slice(prefix.length)).toMatch(/^[0-9A-Za-z]{38}$/)
      expect(isWellFormedSecret(secret)).toBe(true)
      expect(isWellFormedSecret(Buffer.from(secret))).toBe(true)
      expect(secret.slice(-6)).toBe(toBase62(crc32(secret, secret.length - 6), 6))
    }
  })

  it('never comes twice', () => {
    const secrets = new Set(Array.from({ length: 20_000 }, () => generateSecret('sk_live_')))
    expect(secrets.size).toBe(20_000)
  })

  it('has characters that are all equally likely', () => {
    const counts = new Map<string, number>()
    const total = 620_000
    for (const character of randomBase62(total)) counts.set(character, (counts.get(character) ?? 0) + 1)
    expect([...counts.keys()].toSorted().join('')).toBe(base62Alphabet)
    const expected = total / 62
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 61 degrees of freedom: beyond 120 once in some 100 000 runs.
    expect(chiSquare).toBeLessThan(120)
  })

  it('is refused after any change of one character', () => {
    const anyCharacter = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })
    fc.assert(
      fc.property(fc.nat({ max: 45 }), anyCharacter, (index, character) => {
        const secret = generateSecret('sk_live_')
        const mutated = secret.slice(0, index) + character + secret.slice(index + 1)
        expect(isWellFormedSecret(mutated)).toBe(mutated === secret)
      }),
      { numRuns: 10_000 },
    )
  })

  it('is refused when characters are swapped, left out or added', () => {
    const edits: ((text: string, at: number) => string)[] = [
      (text, at) => text.slice(0, at) + text.slice(at + 1),
      (text, at) => text.slice(0, at) + (text[at] as string) + text.slice(at),
      (text, at) => text.slice(0, at) + (text[at + 1] ?? '') + (text[at] as string) + text.slice(at + 2),
      (text, at) => text.slice(at + 1),
      (text, at) => text.slice(0, at),
    ]
    fc.assert(
      fc.property(fc.nat({ max: 45 }), fc.nat({ max: edits.length - 1 }), (at, which) => {
        const secret = generateSecret('sk_live_')
        const edited = edits[which]?.(secret, at) as string
        expect(isWellFormedSecret(edited)).toBe(edited === secret)
      }),
      { numRuns: 5_000 },
    )
  })

  it('is refused as any other text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => !isWellFormedSecret(text)))
    for (const text of ['', 'sk_live_', '0'.repeat(70), '0'.repeat(71), 'x'.repeat(100_000)]) {
      expect(isWellFormedSecret(text)).toBe(false)
    }
  })

  it('shows its first 12 characters', () => {
    expect(secretStart('sk_live_abcdefgh')).toBe('sk_live_abcd')
  })
})

describe('a checksum', () => {
  it.runIf(typeof zlibCrc32 === 'function')('is the one of zlib', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        expect(crc32(text, text.length)).toBe(zlibCrc32(text))
      }),
    )
  })

  it('has the check value of CRC-32/ISO-HDLC', () => {
    expect(crc32('123456789', 9)).toBe(0xcbf43926)
    expect(crc32('123456789 and more', 9)).toBe(0xcbf43926)
  })

  it('keeps its length in base62', () => {
    expect(toBase62(0, 6)).toBe('000000')
    expect(toBase62(61, 2)).toBe('0z')
    expect(toBase62(0xffffffff, 6)).toBe('4gfFC3')
  })
})

describe('a hash', () => {
  it('is SHA-256, as hex', () => {
    const digest = createSecretHasher(null)('sk_live_x')
    expect(digestToHex(digest)).toBe(createHash('sha256').update('sk_live_x').digest('hex'))
    expect(createSecretHasher(null)(Buffer.from('sk_live_x'))).toBe(digest)
  })

  it('is HMAC-SHA-256 with a pepper', () => {
    const expected = createHmac('sha256', 'pepper-pepper-pepper').update('sk_live_x').digest('hex')
    expect(digestToHex(createSecretHasher('pepper-pepper-pepper')('sk_live_x'))).toBe(expected)
    expect(digestToHex(createSecretHasher('pepper-pepper-pepper')(Buffer.from('sk_live_x')))).toBe(expected)
  })

  it.each([null, 'pepper-pepper-pepper'])(
    'is a text, so that equal ones are found by it: pepper %s',
    (pepper) => {
      const hasher = createSecretHasher(pepper)
      expect(new Map([[hasher('sk_live_x'), 1]]).get(hasher(Buffer.from('sk_live_x')))).toBe(1)
      expect(hasher('sk_live_x')).toHaveLength(32)
    },
  )
})
