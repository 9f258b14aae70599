import { describe, expect, it } from 'vitest'
import { crc32, generateSecret, isWellFormedSecret } from '../../src/keys/secret.ts'
import { base62Alphabet, randomBase62, toBase62 } from '../../src/runtime/base62.ts'

/** What `generateSecret` would make of these characters. */
const withChecksum = (body: string) => body + toBase62(crc32(body, body.length), 6)

function find(isRight: (secret: string) => boolean): string {
  for (;;) {
    const secret = withChecksum(`sk_live_${randomBase62(32)}`)
    if (isRight(secret)) return secret
  }
}

describe('a checksum that is right', () => {
  it('counts behind prefixes of 1 to 32 characters', () => {
    const random = randomBase62(32)
    expect(
      [0, 1, 32, 33].map((length) => isWellFormedSecret(withChecksum('a'.repeat(length) + random))),
    ).toEqual([false, true, true, false])
    expect(isWellFormedSecret(withChecksum('0'.repeat(40)))).toBe(true)
  })

  it.each(['!', ' ', '~', '\0'])('does not help a secret with %j in any place', (character) => {
    const body = `sk_live_${randomBase62(35)}`
    for (let at = 0; at < body.length; at++)
      expect(isWellFormedSecret(withChecksum(body.slice(0, at) + character + body.slice(at + 1)))).toBe(false)
  })

  it('has one spelling: no digit above the last', () => {
    // In the place of x and 2, whose sum is the same: a digit less, and the 64 that `_` and `-` count as.
    for (const at of [-5, -2]) {
      const secret = find((made) => made.at(at) === '2' && made.at(at - 1) !== '0')
      const less = base62Alphabet[base62Alphabet.indexOf(secret.at(at - 1) as string) - 1] as string
      const end = secret.slice(secret.length + at + 1)
      for (const digit of '_-')
        expect(isWellFormedSecret(secret.slice(0, at - 1) + less + digit + end)).toBe(false)
    }
  })

  it.each(['___zzz', '000___', '------', '!!!zzz', '000!!!', '000001', 'zzzzzz'])(
    'is none in %s, where the secret has characters that none has',
    (checksum) => {
      expect(isWellFormedSecret(`sk_live_${randomBase62(31)}!${checksum}`)).toBe(false)
    },
  )

  it('may begin with zeros', () => {
    expect(isWellFormedSecret(find((made) => made.slice(-6, -3).startsWith('00')))).toBe(true)
    expect(isWellFormedSecret(generateSecret('sk_live_'))).toBe(true)
  })

  it.each([
    ['sk_live_OfATestAlonexxxxxxxxxxxxxxx12051000ZyP', '000ZyP', []],
    ['sk_live_OfATestAlonexxxxxxxxxxxxxx2467743Bv000', 'Bv000', []],
    // What spells the same number where a digit counts 64, or as nothing where no digit is.
    ['sk_live_OfATestAlonexxxxxxxxxxxxxx1477312QR012', '012', ['00_', '00-']],
    ['sk_live_OfATestAlonexxxxxxxxxxxxxx174483451120', '120', ['0_0', '0-0']],
    ['sk_live_OfATestAlonexxxxxxxxxxxxxx6269454KC001', '001', ['!!!', '00!', '~00']],
    ['sk_live_OfATestAlonexxxxxxxxxxxxxxxx1529001Sxp', '001Sxp', ['!!!Sxp', '00!Sxp', '___Sxp']],
  ])('is found in %s, and spelled by %s alone', (secret, checksum, others) => {
    expect(secret.endsWith(checksum)).toBe(true)
    expect(isWellFormedSecret(secret)).toBe(true)
    for (const other of others)
      expect(isWellFormedSecret(secret.slice(0, -checksum.length) + other)).toBe(false)
  })

  it('is not spelled by a character below the first digit either', () => {
    // One more, and one less behind it: for a `z` the character that counts as -1.
    for (const at of [-4, -1]) {
      const secret = find((made) => made.at(at) === 'z' && made.at(at - 1) !== 'z')
      const more = base62Alphabet[base62Alphabet.indexOf(secret.at(at - 1) as string) + 1] as string
      const end = at === -1 ? '' : secret.slice(at + 1)
      expect(isWellFormedSecret(`${secret.slice(0, at - 1)}${more}!${end}`)).toBe(false)
    }
  })
})
