import { describe, expect, it } from 'vitest'
import { compilePathPattern, decodeSegment } from '../../src/verifier/path-credential.ts'

describe('a pattern of paths', () => {
  it.each(['/:key', '/e/:key', '/a-b/c_d.e~f/:key', '/:key/track', '/v1/e/:key/track/all'])(
    'may be %s',
    (text) => {
      expect(compilePathPattern(text)).toBeTypeOf('function')
    },
  )

  it.each([
    ...['', '/', ':key', 'e/:key', '/e', '/e/:key/', '//:key', '/e/:keys', '/x:key', '/:key/:key', '/:id'],
    ...['/e/:key?', '/e/*', '/e/:key\n', 'x\n/:key', '/e e/:key', '/:key/a b', ['/e/:key'], undefined, null],
  ])('may not be %j', (text) => {
    expect(compilePathPattern(text)).toBeUndefined()
  })
})

describe('the key in a path', () => {
  it.each([
    ['/e/:key', '/e/abc', 'abc'],
    ['/e/:key', '/E/AbC', 'AbC'],
    ['/e/:key', '/any/mount/e/abc', 'abc'],
    ['/e/:key', '/e/abc//', 'abc'],
    ['/e/:key', '/e/a%5Fc', 'a%5Fc'],
    ['/:key/Track', '/v1/abc/track/', 'abc'],
    ['/:key', '/abc', 'abc'],
    ['/e/:key', '/e/abc/more', undefined],
    ['/e/:key', '/f/abc', undefined],
    ['/e/:key', '/e', undefined],
    ['/e/:key', '/e/', undefined],
    ['/e/:key', 'e/abc', undefined],
    ['/:key/track', '//track', undefined],
    ['/:key', 'abc', undefined],
    ['/:key', '/', undefined],
    ['/:key', '', undefined],
  ])('of the pattern %s is found in %s', (text, path, expected) => {
    expect(compilePathPattern(text)?.(path)).toBe(expected)
  })
})

it.each([
  ['abc', 'abc'],
  ['a%5Fc', 'a_c'],
  ['%C3%A9', 'é'],
  ['%2F', '/'],
  ['%E9', null],
  ['100%', null],
])('the segment %s is decoded', (segment, expected) => {
  expect(decodeSegment(segment)).toBe(expected)
})
