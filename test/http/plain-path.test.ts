import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPlainPath } from '../../src/http/plain-path.ts'

const pieces = fc.constantFrom(
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2E',
  '%2f',
  '%5c',
  '\\',
  ';',
  '#',
  '?',
  '%00',
  '%',
  'a',
  'write-keys',
  '~',
  ':',
  '@',
  'é',
  ' ',
  '\t',
)

describe('a plain path', () => {
  it.each(['/', '/a', '/a/', '/api/v1/openapi.json', '/events/write-keys/index-Ab_9.js', '/...'])(
    'is %s',
    (path) => {
      expect(isPlainPath(path)).toBe(true)
    },
  )

  it.each([
    '',
    'a',
    '//',
    '/a//',
    '//a',
    '/.',
    '/..',
    '/a/../b',
    '/a/./',
    '/%61',
    '/a;b',
    '/a\\b',
    '/a:b',
    '/é',
  ])('is not %j', (path) => {
    expect(isPlainPath(path)).toBe(false)
  })

  it('reads the same after every folding and decoding that routers do', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const path = `/${parts.join('')}`
        fc.pre(isPlainPath(path))
        expect(new URL(`http://localhost${path}`).pathname).toBe(path)
        expect(decodeURIComponent(path)).toBe(path)
        expect(path.replace(/\/{2,}/g, '/')).toBe(path)
      }),
      { numRuns: 2_000 },
    )
  })
})
