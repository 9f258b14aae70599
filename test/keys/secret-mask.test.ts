import { describe, expect, it } from 'vitest'
import { generateSecret } from '../../src/keys/secret.ts'
import { createSecretMask } from '../../src/keys/secret-mask.ts'

const imported = 'Ab9xY7qxY7qxY7qxY7qxY7qxY7qxY7qZ'
const awkward = 'a"b\\c+(d)?.*[e]~>?/%41$&#|{f}'
const percent = (text: string) =>
  Array.from(text, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')

describe('a mask for the presented secret', () => {
  it.each([imported, awkward])('hides %s in every spelling, and leaves what stands around it', (secret) => {
    const mask = createSecretMask(Buffer.from(secret))
    for (const form of [
      secret,
      secret.toLowerCase(),
      encodeURIComponent(secret),
      percent(secret),
      percent(secret).toUpperCase(),
      encodeURIComponent(percent(secret)),
      JSON.stringify(secret).slice(1, -1),
    ])
      expect(mask(`before ${form} behind ${form}.`)).toBe('before (a write key) behind (a write key).')
  })

  it.each([imported, awkward, `${imported}1`, `${imported}12`])('hides %s in base64', (secret) => {
    const mask = createSecretMask(secret)
    for (const encoding of ['base64', 'base64url'] as const)
      for (const text of [
        secret,
        `${secret}:`,
        `${secret}:password`,
        `a${secret}`,
        `ab${secret}:`,
        `u:${secret}`,
      ]) {
        const shown = mask(`Basic ${Buffer.from(text).toString(encoding)}`)
        const left = Buffer.from(shown.replace('(a write key)', ' ').split(' ').pop() ?? '', encoding)
        expect(shown).toMatch(/^Basic .*\(a write key\)/)
        expect(`password`).toContain(left.toString().replace(/^:/, ''))
      }
  })

  it('leaves other texts alone, and hides generated secrets that nobody presented', () => {
    const text = 'Order Paid 100%, %41, aHR0cHM6Ly9leGFtcGxlLmNvbQ=='
    const generated = generateSecret('sk_live_')
    for (const presented of [imported, undefined, null, '', 'a', 'x'.repeat(300)]) {
      const mask = createSecretMask(presented)
      expect(mask(text)).toBe(text)
      expect(mask(`see ${generated}`)).toBe('see (a write key)')
    }
  })

  it('hides what holds quotes, control characters or letters outside ASCII, presented as text or as bytes', () => {
    for (const secret of [
      'say "twice" \\ or not',
      'tab\tline\nend\u0001of it',
      'clé d’été'.replace('’', "'").padEnd(20, 'ü'),
    ]) {
      for (const presented of [secret, Buffer.from(secret, 'latin1')]) {
        const mask = createSecretMask(presented)
        const forms = [secret, JSON.stringify(secret).slice(1, -1), percent(secret)]
        for (const form of forms) expect(mask(`before ${form}.`)).toBe('before (a write key).')
        expect(mask(`Basic ${Buffer.from(secret, 'latin1').toString('base64')}`)).toBe('Basic (a write key)')
      }
    }
  })

  it('hides secrets of the least and the most length, alone in a text too, and looks for no other', () => {
    for (const length of [16, 256]) {
      const secret = imported.repeat(8).slice(0, length)
      expect(createSecretMask(secret)(secret)).toBe('(a write key)')
    }
    for (const length of [15, 257]) {
      const text = `see ${`${imported.repeat(8)}x`.slice(0, length)}`
      expect(createSecretMask(text.slice(4))(text)).toBe(text)
    }
  })

  it('hides the shortest generated secret, alone in a text', () => {
    expect(createSecretMask(null)(generateSecret('a'))).toBe('(a write key)')
  })
})
