import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allowsOrigin, compileOriginRule } from '../../src/rules/origin-rule.ts'
import { normalizeOriginRule } from '../../src/rules/origin-spelling.ts'
import { loadPublicSuffixes } from '../../src/rules/public-suffix.ts'

/** Long lists are looked up differently; every case is decided by one as well, and must come out the same. */
const others = Array.from({ length: 20 }, (_, n) => `https://${n % 2 ? '*.' : ''}other${n}.example.org`)

function allows(rules: string[], origin: string): boolean {
  const [decision, amongOthers] = [rules, [...rules, ...others]].map((list) => {
    const rule = compileOriginRule({ allowedOrigins: list })
    return rule !== null && allowsOrigin(rule, origin)
  })
  expect(amongOthers).toBe(decision)
  return decision === true
}

const isPublicSuffix = await loadPublicSuffixes()
const normalize = (text: string) => normalizeOriginRule(text, isPublicSuffix)

describe('normalizeOriginRule', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['HTTPS://APP.Example.COM', 'https://app.example.com'],
    ['https://app.example.com:443', 'https://app.example.com'],
    ['http://app.example.com:80', 'http://app.example.com'],
    ['https://app.example.com:80', 'https://app.example.com:80'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    ['http://[2001:DB8:0:0::1]', 'http://[2001:db8::1]'],
    ['https://b\u00fccher.example', 'https://xn--bcher-kva.example'],
    ['https://B\u00dcCHER.example', 'https://xn--bcher-kva.example'],
    ['https://my_app.example.com', 'https://my_app.example.com'],
    ['https://*.example.com', 'https://*.example.com'],
    ['http://*.example.com', 'http://*.example.com'],
    ['https://*.Example.com:8443', 'https://*.example.com:8443'],
    ['https://*.example.com:443', 'https://*.example.com'],
    ['https://*.b\u00fccher.example', 'https://*.xn--bcher-kva.example'],
    ['https://*.example.co.uk', 'https://*.example.co.uk'],
    ['https://*.acme.github.io', 'https://*.acme.github.io'],
    ['https://*.web.de', 'https://*.web.de'],
    ['https://*.id.me', 'https://*.id.me'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['ionic://localhost', 'ionic://localhost'],
    ['tauri://localhost', 'tauri://localhost'],
    ['app://obsidian.md', 'app://obsidian.md'],
    ['app://.', 'app://.'],
    ['http://localhost:*', 'http://localhost:*'],
    ['HTTP://LocalHost:*', 'http://localhost:*'],
    [
      'CHROME-EXTENSION://aapbdbdomjkkjkaonfhkkikfgjllcleb',
      'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
    ],
    [
      'safari-web-extension://0A1B2C3D-0000-4444-8888-0A1B2C3D4E5F',
      'safari-web-extension://0A1B2C3D-0000-4444-8888-0A1B2C3D4E5F',
    ],
  ])('saves %s as %s', (text, rule) => {
    expect(normalize(text)).toEqual({ rule })
  })

  it.each([
    ['', 'must not be empty'],
    ['*', 'must name an origin; for any origin set the list to null'],
    ['null', 'must name an origin: every sandboxed page and local file sends null'],
    ['app.example.com', 'must be an origin with its scheme, such as https://app.example.com'],
    ['//app.example.com', 'must be an origin with its scheme, such as https://app.example.com'],
    ['https:app.example.com', 'must be an origin with its scheme, such as https://app.example.com'],
    [' https://app.example.com', 'must be an origin with its scheme, such as https://app.example.com'],
    ['https://App.example.com/', 'must not have a slash at the end: write https://app.example.com'],
    ['https://*.example.com/', 'must not have a slash at the end: write https://*.example.com'],
    ['capacitor://localhost/', 'must not have a slash at the end: write capacitor://localhost'],
    ['https://app.example.com/login', 'must not have a path: write https://app.example.com'],
    ['https://app.example.com/*', 'must not have a path: write https://app.example.com'],
    ['https://app.example.com?x', 'must not have a query: write https://app.example.com'],
    ['https://app.example.com#x', 'must not have a fragment: write https://app.example.com'],
    ['https:///app.example.com', 'must not have a path'],
    ['https://u:p@app.example.com', 'must not have a user name or password'],
    ['https://app.example.com@evil.com', 'must not have a user name or password'],
    ['file://localhost', 'must not use file: such pages send the origin null'],
    ['DATA://x', 'must not use data: such pages send the origin null'],
    ['blob://https', 'must not use blob: such pages send the origin null'],
    ['javascript://x', 'must not use javascript: such pages send the origin null'],
    ['wss://app.example.com', 'must be the origin of a page, which begins with https:// or http://'],
    ['https://app.*.com', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://a*.example.com', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://*app.example.com', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://*.*.example.com', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://app.example.com:*', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://*', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://*:443', 'must have * only as the whole first label, as in https://*.example.com'],
    ['https://localhost:*', 'must have * only as the whole first label, as in https://*.example.com'],
    ['http://localhost:80*', 'must have * only as the whole first label, as in https://*.example.com'],
    ['app://..', 'must have nothing but a host name after ://, as in capacitor://localhost'],
    ['https://*.10.0.0.1', 'must not have * in front of an IP address'],
    ['https://*.[::1]', 'must not have * in front of an IP address'],
    ['capacitor://*.localhost', 'must be written out: * works with http and https only'],
    ['http://127.1', 'must have the IP address in full: write http://127.0.0.1'],
    ['http://2130706433', 'must have the IP address in full: write http://127.0.0.1'],
    ['http://0x7f.1:8080', 'must have the IP address in full: write http://127.0.0.1:8080'],
  ])('refuses %j: %s', (text, problem) => {
    expect(normalize(text)).toEqual({ problem })
  })

  it.each([
    'https://*.com',
    'https://*.localhost',
    'https://*.co.uk',
    'https://*.com.au',
    'https://*.or.jp',
    'https://*.github.io',
    'https://*.GitHub.io:8443',
    'https://*.vercel.app',
    'https://*.netlify.app',
    'https://*.pages.dev',
    'https://*.workers.dev',
    'https://*.herokuapp.com',
    'https://*.azurewebsites.net',
    'https://*.cloudfront.net',
    'https://*.s3.eu-west-1.amazonaws.com',
    'https://*.us-east-1.elasticbeanstalk.com',
    'https://*.a.run.app',
  ])('refuses the wildcard %s, under which anybody can get a name', (text) => {
    expect(normalize(text)).toEqual({
      problem: expect.stringMatching(/^must not span .*anybody can get a name/),
    })
  })

  it.each([
    '^https://.*\\.example\\.com$',
    '/https:\\/\\/.*/',
    'https://.*example.com',
    'https://(a|b).example.com',
    'https://[a-z]+.example.com',
  ])('refuses the regular expression %j', (text) => {
    expect(normalize(text)).toEqual({ problem: expect.stringContaining('regular expression') })
  })

  it.each([
    'https://',
    'https://.example.com',
    'https://a..example.com',
    'https://app.example.com.',
    'https://*..example.com',
    'https://*.example.com.',
    'https://*.my_app.example.com',
    'https://app.example.com:99999',
    'https://app.example.com:x',
    'https://app%2eexample.com',
    'https://app example.com',
    'https://app.example.com ',
    'https://app.example.com\n',
    'https://app.example.com,https://b.example.com',
    'https://app`.example.com',
    'https://xn--a.example.com',
    `https://${'a'.repeat(64)}.com`,
    `https://${'a.'.repeat(130)}com`,
    `https://${'a'.repeat(400)}.com`,
    'capacitor://',
    'capacitor://local host',
    'https://\uff08a\uff09.example.com',
  ])('refuses %j', (text) => {
    expect(normalize(text)).toEqual({ problem: expect.stringMatching(/^must /) })
  })

  it('leaves what it has saved unchanged, and throws over no input', () => {
    const text = fc.oneof(fc.string(), fc.webUrl(), originText())
    fc.assert(
      fc.property(text, (text) => {
        const result = normalize(text)
        if ('rule' in result) expect(normalize(result.rule)).toEqual(result)
        else expect(result.problem).toMatch(/^must /)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('compileOriginRule', () => {
  it('gives no rule for null, and nothing passes an empty list', () => {
    expect(compileOriginRule({ allowedOrigins: null })).toBeNull()
    expect(allows([], 'https://app.example.com')).toBe(false)
    expect(allows([], 'null')).toBe(false)
  })

  it('is small for few rules, as every cached key may hold one, and looked up for many', () => {
    const compile = (count: number) => compileOriginRule({ allowedOrigins: others.slice(0, count) })
    expect(compile(1)).toBe(others[0])
    expect(compile(2)).toEqual(others.slice(0, 2))
    expect(compile(16)).toEqual(others.slice(0, 16))
    expect(compile(17)).toMatchObject({ exact: expect.any(Set), parents: expect.any(Set) })
  })

  it('skips an entry it cannot read', () => {
    expect(allows(['*', 'null', '', 'https://*.com'], 'https://app.example.com')).toBe(false)
    expect(allows(['null'], 'null')).toBe(false)
  })

  const rules = ['https://app.example.com', 'https://*.example.com']

  it.each([
    'https://app.example.com',
    'https://b.example.com',
    'https://a.b.example.com',
    'https://a.b.c.d.example.com',
    'https://xn--bcher-kva.example.com',
    'https://0.example.com',
    'https://a-b.example.com',
  ])('allows %s', (origin) => {
    expect(allows(rules, origin)).toBe(true)
  })

  it.each([
    'https://APP.example.com',
    'https://app.example.com/',
    'https://app.example.com:443',
    'https://app.example.com:0443',
    'https://app.example.com:8443',
    'https://app.example.com:',
    'https://b.example.com:443',
    'https://b.example.com:0443',
    'https://b.example.com:8443',
    'https://b.example.com:',
    'http://app.example.com',
    'http://b.example.com',
    'https://app.example.com.',
    'https://b.example.com.',
    'https://app.example.com.evil.com',
    'https://evilexample.com',
    'https://example.com.evil.com',
    'https://example.com',
    'https://.example.com',
    'https://..example.com',
    'https://a..example.com',
    'https://*.example.com',
    'https://app.example.com@evil.com',
    'https://u:p@app.example.com',
    'https://evil.com@b.example.com',
    'https://u:p@b.example.com',
    'https://evil.com%2eexample.com',
    'https://b%2eexample.com',
    'https://b%00.example.com',
    'https://b\u0000.example.com',
    'https://evil.com\\.example.com',
    'https://evil.com\\@b.example.com',
    'https://evil.com/.example.com',
    'https://evil.com#.example.com',
    'https://evil.com?.example.com',
    'https://evil.com?x=https://b.example.com',
    'https://evil.com`.example.com',
    'https://evil.com{.example.com',
    'https://evil.com,.example.com',
    'https://evil.com!.example.com',
    'https://evil.com:1.example.com',
    'https://a_b.example.com',
    'https://-a.example.com',
    'https://a-.example.com',
    'https:app.example.com',
    'https:b.example.com',
    'https:/b.example.com',
    'https:///app.example.com',
    'https:///b.example.com',
    ' https://app.example.com',
    ' https://b.example.com',
    'https://app.example.com ',
    'https://b.example.com\t',
    'https://b.example.com\n',
    'https://app\u3002example\u3002com',
    'https://b\u3002example.com',
    'https://b.example\uff0ecom',
    'https://\u24d1.example.com',
    'https://app.ex\u00adample.com',
    'https://b\u00ad.example.com',
    'https://b\u00fccher.example.com',
    'https://xn--a.example.com',
    'https://xn--.example.com',
    'https://XN--BCHER-KVA.example.com',
    'blob:https://app.example.com',
    'blob:https://b.example.com',
    'HTTPS://app.example.com',
    'HTTPS://b.example.com',
    'Https://b.example.com',
    'wss://b.example.com',
    'httpss://b.example.com',
    'xhttps://b.example.com',
    'null',
    'NULL',
    '*',
    '',
    'app.example.com',
    '.example.com',
    'https://',
    'https://app.example.com, https://app.example.com',
    'https://b.example.com,https://b.example.com',
    'https://a.example.com https://b.example.com',
  ])('denies %j', (origin) => {
    expect(allows(rules, origin)).toBe(false)
  })

  it.each([
    `https://${'a'.repeat(64)}.example.com`,
    `https://${'a.'.repeat(125)}example.com`,
    `https://${'a.'.repeat(8_000)}example.com`,
  ])('denies a host that is too long (%#)', (origin) => {
    expect(allows(rules, origin)).toBe(false)
  })

  it.each([
    [['https://app.example.com'], 'https://bpp.example.com'],
    [['https://app.example.com'], 'https://b.app.example.com'],
    [['http://127.0.0.1'], 'http://127.1'],
    [['http://127.0.0.1'], 'http://2130706433'],
    [['http://127.0.0.1'], 'http://0x7f.0.0.1'],
    [['http://[::1]'], 'http://[0:0:0:0:0:0:0:1]'],
    [['https://b\u00fccher.example'], 'https://b\u00fccher.example'],
    [['https://*.example.com:8443'], 'https://b.example.com'],
    [['https://*.example.com:8443'], 'https://b.example.com:08443'],
    [['https://*.example.com:8443'], 'https://b.example.com:8444'],
    [['http://*.example.com'], 'https://b.example.com'],
    [['capacitor://localhost'], 'CAPACITOR://localhost'],
    [['capacitor://localhost'], 'capacitor://localhost/'],
    [['capacitor://localhost'], 'http://localhost'],
  ])('under %j denies %j', (rules, origin) => {
    expect(allows(rules, origin)).toBe(false)
  })

  it.each([
    [['http://127.0.0.1'], 'http://127.0.0.1'],
    [['http://[::1]:3000'], 'http://[::1]:3000'],
    [['https://B\u00fccher.example'], 'https://xn--bcher-kva.example'],
    [['https://my_app.example.com'], 'https://my_app.example.com'],
    [['HTTPS://App.Example.com:443'], 'https://app.example.com'],
    [['https://*.example.com:8443'], 'https://b.example.com:8443'],
    [['http://*.example.com'], 'http://b.example.com'],
    [['https://*.example.com', 'https://example.com'], 'https://example.com'],
    [['capacitor://localhost'], 'capacitor://localhost'],
    [
      ['chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb'],
      'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
    ],
  ])('under %j allows %j', (rules, origin) => {
    expect(allows(rules, origin)).toBe(true)
  })

  it('decides among 1 000 rules', () => {
    const many = Array.from({ length: 1000 }, (_, i) => `https://${i % 2 ? '*.' : ''}site${i}.example.com`)
    expect(allows(many, 'https://site998.example.com')).toBe(true)
    expect(allows(many, 'https://a.site998.example.com')).toBe(false)
    expect(allows(many, 'https://a.b.site999.example.com')).toBe(true)
    expect(allows(many, 'https://site999.example.com')).toBe(false)
  })

  it('agrees with trying every rule on what the URL parser leaves unchanged', () => {
    const rule = fc.constantFrom(
      'https://app.example.com',
      'https://*.example.com',
      'http://*.example.com:8080',
      'https://*.b.example.com',
      'http://localhost:3000',
      'https://a_b.example.com',
    )
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), originText(), (rules, origin) => {
        expect(allows(rules, origin)).toBe(allowsSlowly(rules, origin))
      }),
      { numRuns: 10_000 },
    )
  })
})

/** Mostly origins, many of them slightly wrong. */
function originText(): fc.Arbitrary<string> {
  const scheme = fc.constantFrom(
    'https://',
    'https://',
    'https://',
    'http://',
    'HTTPS://',
    'https:',
    'blob:https://',
    'wss://',
  )
  const odd = fc.constantFrom(
    '',
    '*',
    'A',
    'a_b',
    '-',
    'a-',
    'xn--a',
    'xn--bcher-kva',
    '\u00fc',
    '%61',
    'a@',
    'a:',
    'a/',
    'a\\',
    'a`',
    'evil.com',
  )
  const label = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'app', '0', 'a-b') },
    { weight: 1, arbitrary: odd },
  )
  const base = fc.constantFrom(
    'example.com',
    'example.com',
    'b.example.com',
    'evilexample.com',
    'example.com.',
    'example.com.evil.com',
    'localhost',
    '\uff45xample.com',
  )
  const end = fc.constantFrom('', '', '', '', ':443', ':8080', ':3000', ':08080', ':', '/', '?', '#', ' ')
  return fc
    .tuple(scheme, fc.array(label, { maxLength: 3 }), base, end)
    .map(([scheme, labels, base, end]) => scheme + [...labels, base].join('.') + end)
}

function allowsSlowly(rules: string[], origin: string): boolean {
  let url: URL
  try {
    url = new URL(origin)
  } catch {
    return false
  }
  // No Punycode, which the parser of Node 24 leaves as it is.
  if (url.origin !== origin || url.hostname.split('.').includes('xn--a')) return false
  return rules.some((rule) => {
    if (!rule.includes('*')) return rule === origin
    const [before, after] = rule.split('*')
    if (!origin.startsWith(before ?? '') || !origin.endsWith(after ?? '')) return false
    const labels = origin.slice(before?.length, -(after?.length ?? 0)).split('.')
    return labels.every(
      (label) => /^[a-z0-9-]+$/.test(label) && !label.startsWith('-') && !label.endsWith('-'),
    )
  })
}

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
