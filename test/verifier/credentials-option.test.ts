import { describe, expect, it } from 'vitest'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'

const read = (value: unknown) => credentialsOption(value, 'credentials')
const none = { headers: [], queryNames: [], bodyFields: [], hasFunctions: false }
const find = () => undefined

describe('the option credentials', () => {
  it.each<[string, unknown, string[], object]>([
    ['nothing', undefined, ['head'], {}],
    ['basic', 'basic', ['head'], {}],
    ['bearer', 'bearer', ['head'], {}],
    ['the usual header', 'header', ['head'], { headers: ['x-write-key'] }],
    ['another header', { header: 'X-Api-Key' }, ['head'], { headers: ['x-api-key'] }],
    ['the usual parameter', 'query', ['head'], { queryNames: ['writeKey', 'writekey'] }],
    ['another parameter', { query: 'Token' }, ['head'], { queryNames: ['Token'] }],
    ['the usual property', 'body', ['body'], {}],
    ['another property', { body: 'api_key' }, ['body'], { bodyFields: ['api_key'] }],
    ['a function', find, ['function'], { hasFunctions: true }],
    ['a path', { path: '/e/:key' }, ['head'], {}],
    [
      'a list of them',
      ['body', find, { query: 'k' }, 'basic', { header: 'X-K' }],
      ['head', 'head', 'head', 'body', 'function'],
      { headers: ['x-k'], queryNames: ['k'], hasFunctions: true },
    ],
  ])('takes %s, and knows what handlers must not see', (_, value, places, hidden) => {
    const { sources, paths, spelled: _spelled, ...others } = read(value)
    expect(sources.map(({ at }) => at)).toEqual(places)
    expect(others).toEqual({ ...none, ...hidden })
    expect(paths.map((segmentOf) => segmentOf('/e/abc'))).toEqual(
      typeof value === 'object' && 'path' in (value as object) ? ['abc'] : [],
    )
  })

  it('spells its places in words, unless a function is among them', () => {
    expect(read(undefined).spelled).toEqual(['basic'])
    const places = ['bearer', { header: 'X-Api-Key' }, { path: '/e/:key' }, { query: 'a,b' }]
    expect(read(places).spelled).toEqual(['bearer', 'header:X-Api-Key', 'path:/e/:key', 'query:a,b'])
    expect(read(['basic', find]).spelled).toBeNull()
  })

  it.each<[unknown]>([
    ...['', 'Basic', 'cookie', 'x', null, 5, true, {}, { header: 'x-a', query: 'a' }, { cookie: 'a' }].map(
      (value): [unknown] => [value],
    ),
    ...['', 5, undefined, 'x'.repeat(201), ['a']].flatMap((name): [unknown][] => [
      [{ query: name }],
      [{ body: name }],
    ]),
    ...['x y', 'x:', 'Authorization', 'host', 'cookie', 'Origin', 'content-type', 'x'.repeat(101)].map(
      (header): [unknown] => [{ header }],
    ),
    ...['transfer-encoding', 'connection', 'expect'].map((header): [unknown] => [{ header }]),
    [Object.fromEntries([['body', '__proto__']])],
    [{ path: '/e' }],
    [{ cookie: '/e/:key' }],
  ])('refuses %j, and says what is expected', (value) => {
    expect(() => read(value)).toThrow(
      /^credentials must be 'basic', .* or a function, or a list with at least one of them/,
    )
    expect(() => read(['basic', value])).toThrow(/^credentials\[1\] must be 'basic', .* or a function; /)
  })

  it('refuses an empty list, and a list with a gap', () => {
    expect(() => read([])).toThrow(/^credentials must be 'basic', .*, or a list with at least one of them/)
    expect(() => read(new Array(1))).toThrow(/^credentials\[0\] must be 'basic'/)
  })

  it.each([{ query: 'x'.repeat(200) }, { body: 'x'.repeat(200) }, { header: 'x'.repeat(100) }])(
    'takes the longest name that there may be',
    (value) => {
      expect(read(value).sources).toHaveLength(1)
    },
  )

  it('reads a frozen list once, and any other each time, as it may have changed', () => {
    const frozen = Object.freeze(['bearer'])
    expect(read(frozen)).toBe(read(frozen))
    expect(read(undefined)).toBe(read(undefined))
    const list = ['bearer']
    expect(read(list).headers).toEqual([])
    list.push('header')
    expect(read(list).headers).toEqual(['x-write-key'])
    expect(read('basic').sources).toHaveLength(1)
  })
})
