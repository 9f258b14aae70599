import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAmbiguousPath, pathStart, routedTarget } from '../../src/http/request-target.ts'

describe('a path that routers read in different ways', () => {
  it.each([
    '/v1/page#/track',
    '/v1/track#',
    '#',
    'track#page',
    '/v1\\track',
    '\\v1/track',
    '/v1/track;x',
    '/v1;/track',
    ';',
    '/./v1/track',
    '/v1/../track',
    '/v1/track/..',
    '/v1/track/.',
    '..',
    './track',
    '/v1/%2e/track',
    '/v1/%2E%2e/track',
    '/v1/.%2e/track',
    '/v1/%2e./track',
    '/v1/track/%2e',
    '/v1%2ftrack',
    '/v1%2Ftrack',
    '/v1%5ctrack',
    '/v1%5Ctrack',
    '/v1/track%3b',
    '/v1/track%3Bx',
    '/v1/track%00',
    '/v1/track\0',
    '/v1/track\t',
    '/v1/track ',
    ' /v1/track',
    '/v1/track\n',
    '/v1/track\x7f',
    '/v1/%/track',
    '/v1/%zz',
    '/v1/%f',
    '/v1/%ff',
    '/v1/%c0%af',
    '/v1/%ed%a0%80',
    '/v1/%f4%90%80%80',
    '/v1/%c3',
    '/v1/%c3\xa9',
    '/v1/\xff',
    '/v1/track\xa0',
    '/v1/\ud800',
    'http://x/v1\\track',
    'http://x/v1/page#/track',
    'http://x',
    'http://track',
    'http://',
    'http:///v1/track',
    'http://a@b/v1/track',
    'http://a:b@c/v1/track',
    'http://x{/v1/track',
    'http://x#/v1/track',
    'http://x\\/v1/track',
    'ftp://x/v1/track',
    'javascript://x/v1/track',
  ])('is ambiguous: %j', (path) => {
    expect(isAmbiguousPath(path)).toBe(true)
  })

  it.each([
    '/',
    '',
    '*',
    'track',
    '/v1/track',
    '/v1//track//',
    '/v1.0/track',
    '/v1/a.b/..c/.../track',
    '/v1/%2e%2e%2e/track',
    '/v1/%74rack',
    '/v1/%2574rack',
    '/v1/a%20b%23%3f',
    "/v1/!$&'()*+,=:@~-_/track",
    '/v1/gr%C3%B6%C3%9Fe/track',
    '/v1/gr\xc3\xb6\xc3\x9fe/track',
    '/v1/größe€/track',
    '/v1/%F0%9F%8C%8D',
    'http://x/',
    'http://x/v1/track',
    'HTTPS://x.example:8443/v1/track',
    'http://[::1]:80/v1/track',
    '//x/v1/track',
    '/http://x',
  ])('is not ambiguous: %j', (path) => {
    expect(isAmbiguousPath(path)).toBe(false)
  })

  it('is told from 64 KB in no time', () => {
    for (const part of ['/', '.', '/.', '%2e', '%', 'http://', 'ab/'])
      isAmbiguousPath(`/${part.repeat(65_536 / part.length)}`)
    const started = performance.now()
    for (const part of ['/', '.', '%2e', '%2f', 'a:', '\xc3\xa9'])
      isAmbiguousPath(part.repeat(65_536 / part.length))
    expect(performance.now() - started).toBeLessThan(250)
  })

  it('never throws, and lets no path through that a URL parser would fold', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '/',
        '\\',
        ';',
        '#',
        '.',
        '..',
        '%2e',
        '%2f',
        '%',
        '%ff',
        'track',
        'v1',
        '\t',
        '%00',
        'é',
      ),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const path = `/v1/${parts.join('').replaceAll('?', '')}`
        if (isAmbiguousPath(path)) return
        const { pathname, hash, search } = new URL(`http://host${path}`)
        expect([decodeURIComponent(pathname), hash, search]).toEqual([decodeURIComponent(path), '', ''])
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the path of a target', () => {
  it('begins behind scheme and host', () => {
    expect(pathStart('/v1/track')).toBe(0)
    expect('http://x:80/v1/track'.slice(pathStart('http://x:80/v1/track'))).toBe('/v1/track')
    expect(pathStart('track')).toBe(0)
  })
})

describe('the target that a router goes by', () => {
  it('is the one that was requested, whatever mount points took off it', () => {
    expect(routedTarget('/v1/track?x', '/v1/track?x')).toBe('/v1/track?x')
    expect(routedTarget('/v1/track?x', '/track?x', '/v1')).toBe('/v1/track?x')
    expect(routedTarget('/v1', '/', '/v1')).toBe('/v1/')
    expect(routedTarget('/v1?x', '/?x', '/v1')).toBe('/v1/?x')
  })

  it('is what somebody has rewritten it to', () => {
    expect(routedTarget('/v1/page', '/track', '/v1')).toBe('/v1/track')
    expect(routedTarget('/v1/page', '/track')).toBe('/track')
    expect(routedTarget('/v1/page?x=/track', '/track', '/v1')).toBe('/v1/track')
  })
})
