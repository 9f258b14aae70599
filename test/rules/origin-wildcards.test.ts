import { describe, expect, it } from 'vitest'
import { allowsOrigin, compileOriginRule } from '../../src/rules/origin-rule.ts'
import { allows } from './origin-texts.ts'

describe('pages of one machine', () => {
  it.each(['http://localhost', 'http://localhost:3000', 'http://localhost:65535', 'http://localhost:443'])(
    'http://localhost:* allows %s',
    (origin) => expect(allows(['http://localhost:*'], origin)).toBe(true),
  )

  it.each([
    ...[
      'http://localhost:*',
      'http://localhost:80',
      'http://localhost:08080',
      'http://localhost:65536',
      'http://localhost:',
      'http://localhost:1e3',
    ],
    ...[
      'http://localhost.evil.example',
      'http://localhost:3000/',
      'http://localhost:3000.evil.example',
      'null',
    ],
    ...[
      'https://localhost:3000',
      'http://127.0.0.1:3000',
      'http://a.localhost:3000',
      'http://localhost:3000@evil.example',
    ],
  ])('and not %s', (origin) => expect(allows(['http://localhost:*'], origin)).toBe(false))

  it('app://. allows what Electron sends, and nothing else', () => {
    expect(allows(['app://.'], 'app://.')).toBe(true)
    expect(allows(['app://.'], 'app://a')).toBe(false)
  })
})

describe('a wildcard', () => {
  /** A host of that many characters below example.com. */
  const hostOf = (length: number) => {
    const labels = length - '.example.com'.length
    return `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(labels - 183)}.example.com`
  }

  it.each(['', ':8443'])('matches hosts of up to 253 characters, the port %j aside', (port) => {
    const rule = `https://*.example.com${port}`
    expect(hostOf(253)).toHaveLength(253)
    expect(allows([rule], `https://${hostOf(253)}${port}`)).toBe(true)
    expect(allows([rule], `https://${hostOf(254)}${port}`)).toBe(false)
  })

  it('ends at a dot, also where it is the longest of a long list', () => {
    const exact = Array.from({ length: 20 }, (_, n) => `https://a${n}.de`)
    const rule = compileOriginRule({ allowedOrigins: [...exact, 'https://*.example.com'] })
    const asked = [
      'y.example.com',
      'yx.y.example.com',
      'example.com',
      'xexample.com',
      'yxexample.com',
      '.example.com',
    ]
    expect(asked.map((host) => allowsOrigin(rule as never, `https://${host}`))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ])
  })

  it('counts for its own scheme alone, also in a list of wildcards', () => {
    const parents = Array.from({ length: 20 }, (_, n) => `http://*.a${n}.example.com`)
    expect(allows(parents, 'http://y.a3.example.com')).toBe(true)
    for (const scheme of ['https', 'ftp', 'httpx', 'capacitor'])
      expect(allows(parents, `${scheme}://y.a3.example.com`)).toBe(false)
  })
})
