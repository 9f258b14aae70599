import fc from 'fast-check'
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

  const schemes = fc.constantFrom('https://', 'https://', 'https://', 'http://', 'HTTPS://')
  const suffix = fc.constantFrom(
    '.example.org',
    '.example.org',
    '.example.org',
    '.Example.org',
    '.example.org.',
  )
  const ports = fc.constantFrom('', '', '', ':443', ':8443', ':', ':08443')
  const hosts = {
    'any label': fc.string({ unit: 'grapheme', maxLength: 12 }),
    'labels of ASCII': fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
    'labels of what hosts have': fc
      .array(fc.constantFrom(...'az09-_~!$&\'()+,;={}`."'), { maxLength: 90 })
      .map((characters) => characters.join('')),
    'bytes of any kind': fc.string({ unit: 'binary-ascii', maxLength: 6 }),
  }

  it.each(Object.entries(hosts))(
    'covers what a URL parser leaves as it is, and nothing else: %s',
    (_, host) => {
      const rules = { '': ['https://*.example.org'], ':8443': ['https://*.example.org:8443'] }
      fc.assert(
        fc.property(schemes, host, suffix, ports, (scheme, labels, end, port) => {
          const origin = `${scheme}${labels}${end}${port}`
          for (const [own, rule] of Object.entries(rules))
            expect([origin, allows(rule, origin)]).toEqual([origin, isBelowExample(origin, own)])
        }),
        { numRuns: 3_000 },
      )
    },
  )

  it('covers each character that a URL parser leaves as it is, but *, which browsers escape', () => {
    for (let code = 0; code < 0x250; code++) {
      for (const label of [String.fromCharCode(code), `a${String.fromCharCode(code)}b`]) {
        const origin = `https://${label}.example.org`
        expect([origin, allows(['https://*.example.org'], origin)]).toEqual([
          origin,
          isBelowExample(origin, ''),
        ])
      }
    }
  })
})

/** Whether it is the origin of a page with that port, whose host has labels below example.org. */
function isBelowExample(origin: string, port: string): boolean {
  if (!URL.canParse(origin)) return false
  const { origin: serialised, protocol, hostname, port: itsPort } = new URL(origin)
  const labels = hostname.slice(0, -'.example.org'.length).split('.')
  return (
    serialised === origin &&
    protocol === 'https:' &&
    hostname.endsWith('.example.org') &&
    (itsPort === '' ? '' : `:${itsPort}`) === port &&
    labels.every((label) => label !== '' && !label.includes('*') && !label.startsWith('xn--'))
  )
}
