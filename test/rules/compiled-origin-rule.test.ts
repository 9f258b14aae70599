import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileOriginRule } from '../../src/rules/origin-rule.ts'
import { allows, allowsSlowly, originText, others } from './origin-texts.ts'

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
    'https://a_b.example.com',
    'https://_.example.com',
    'https://-a.example.com',
    'https://a-.b.example.com',
    'https://-a-.b.example.com',
    'https://a~b.example.com',
    'https://a!b.example.com',
    'https://a,b.{.example.com',
    'https://xn--bcher_-3ya.example.com',
    `https://${'a'.repeat(70)}.example.com`,
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
    'https://evil.com:1.example.com',
    'https:app.example.com',
    'https:b.example.com',
    'https:/b.example.com',
    'https:/b./example.com',
    'hb.ttps://example.com',
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
    'https://xn--bcher-kva~.example.com',
    'https://a*b.example.com',
    'https://evil.com|.example.com',
    'https://evil.com^.example.com',
    'https://evil.com<.example.com',
    'https://evil.com[.example.com',
    'https://b\u007f.example.com',
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
    `https://${'a'.repeat(242)}.example.com`,
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
    [['https://*.s3_x.example.com'], 'https://b.s3_x.example.com'],
    [['https://*.-a-.example.com'], 'https://b_.-a-.example.com'],
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
    )
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), originText(), (rules, origin) => {
        expect(allows(rules, origin)).toBe(allowsSlowly(rules, origin))
      }),
      { numRuns: 10_000 },
    )
  })
})
