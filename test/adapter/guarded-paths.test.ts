import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPathTest } from '../../src/adapter/guarded-paths.ts'

const belowV1 = createPathTest('/v1')

describe('a guarded path', () => {
  it.each([
    '/v1',
    '/v1/',
    '/v1?a=b',
    '/v1/track',
    '/V1/Track?x',
    '//v1/track',
    '/%76%31/track',
    '/%2576%2531/track',
    '/v1%2ftrack',
    '/v1%3Fx',
    '/v1;a=b/track',
    '/v1#x',
    '/v1%00/x',
    '\\v1\\track',
    '/v1\\track',
    '/./v1/track',
    '/%2e/v1/track',
    '/docs/../v1/track',
    '/docs/%2E%2e/v1/track',
    '/docs/..;/v1/track',
    '/v1/../docs',
    '/docs%2f..%2fv1/track',
    '/docs#/../v1/track',
    '/ｖ１/track',
    'http://localhost/v1/track',
    'HTTPS://user@localhost:3000/V1/track',
    'http:/v1/track',
    'http:v1/track',
    'http://host?/v1/track',
    'ws://host/v1',
    '//evil.example/v1/track',
    '/\\evil.example/v1/track',
    '///evil.example/v1/track',
    'v1/track',
    '/%zz/../v1/track',
  ])('may be what %s leads below', (target) => {
    expect(belowV1(target)).toBe(true)
  })

  it.each([
    '/',
    '*',
    '',
    '/health',
    '/v1x/track',
    '/v/1/track',
    '/v10',
    '/v1.json',
    '/docs/v1/track',
    '/docs?to=/v1/track',
    '/docs?to=/../v1/track',
    '/docs/%76%31/track',
    '/docs/a;b/v1',
    '/%zz/v1',
    'http://localhost/docs/v1/track',
    'http://localhost/docs?to=/v1',
    'http://v1/docs',
    '/docs/../health',
  ])('is nothing to %s', (target) => {
    expect(belowV1(target)).toBe(false)
  })

  it('may be several, in any spelling', () => {
    const isBelow = createPathTest(['/API/v1/', '/caf%C3%A9', '/keys'])
    for (const target of ['/api/v1/x', '/api//v1', '/café/x', '/CAF%C3%89', '/caf\u00c3\u00a9', '/\u212aeys'])
      expect(isBelow(target)).toBe(true)
    for (const target of ['/api', '/api/v2/v1', '/cafe']) expect(isBelow(target)).toBe(false)
    expect(createPathTest('/')('/anything')).toBe(true)
  })

  it.each([undefined, '', 'v1', [], ['/v1', ''], '/v1/*', '/v1/:type', '/v1?x', '/v1/../x', '/(a|b)', 1])(
    'cannot be %j',
    (path) => {
      expect(() => createPathTest(path)).toThrow(/path(?:\[\d\])? must be a path such as '\/v1'/)
    },
  )

  it('is found whatever readings of a target a router goes by', () => {
    const pieces = [
      '/',
      '//',
      '/./',
      '/x/../',
      '/%2e%2E/',
      '\\',
      '/%2f',
      '/;a',
      '%76',
      'v',
      'V',
      '1',
      '%31',
      'x',
      '?',
      '#',
      '..',
    ]
    const target = fc
      .array(fc.constantFrom(...pieces), { maxLength: 12 })
      .map((parts) => `/${parts.join('')}`)
    fc.assert(
      fc.property(target, (text) => {
        for (const read of readings) if (/^\/v1(?:\/|$)/i.test(read(text))) expect(belowV1(text)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })
})

const pathOf = (target: string) => target.replace(/[?#].*$/s, '')

/** How routers and handlers of the world come from a target to a path. */
const readings: ((target: string) => string)[] = [
  pathOf,
  (target) => target.replace(/\?.*$/s, ''),
  (target) => decode(pathOf(target)),
  (target) => pathOf(decode(target)),
  (target) => pathOf(target).replace(/\/+/g, '/'),
  (target) => decode(pathOf(target)).replace(/\/+/g, '/'),
  (target) => pathOf(target).replace(/;[^/]*/g, ''),
  (target) => target.replace(/[?;#].*$/s, ''),
  (target) => parse(target, 'http://localhost'),
  (target) => parse(decode(target), 'http://localhost'),
  (target) => decode(parse(target, 'http://localhost')),
  (target) => parse(`http://localhost${target}`),
]

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parse(target: string, base?: string): string {
  return URL.canParse(target, base) ? new URL(target, base).pathname : ''
}
