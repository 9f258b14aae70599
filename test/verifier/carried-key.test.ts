import { describe, expect, it } from 'vitest'
import type { IngestRequest } from '../../src/http/ingest-request.ts'
import {
  findCarriedKey,
  keyFieldsOf,
  mayCarryKey,
  withoutCarriedKey,
  withoutKey,
} from '../../src/verifier/carried-key.ts'
import type { Presented } from '../../src/verifier/credentials.ts'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'
import { createVisit } from '../../src/verifier/visit.ts'

const find = () => undefined
const key = 'a_key'
const read = (places: unknown) => credentialsOption(places, 'credentials')
const requestWith = (about: Partial<IngestRequest>): IngestRequest => ({
  method: 'POST',
  path: '/v1/track',
  headers: {},
  ...about,
})
/** What carries the key of a request whose key is looked for there. */
const carriedIn = (places: unknown, about: Partial<IngestRequest>, presented: Presented = key, id?: string) =>
  findCarriedKey(read(places), requestWith(about), presented, id)

describe('header fields that carry the key', () => {
  it.each<[string, unknown, IngestRequest['headers'], string[] | undefined]>([
    ['the one where it is looked for', 'header', { 'x-write-key': key, 'x-other': key }, ['x-write-key']],
    [
      'all that are looked at',
      ['header', { header: 'x-k' }],
      { 'x-k': 'a', 'x-write-key': 'b' },
      ['x-write-key', 'x-k'],
    ],
    ['none that is absent', 'header', { 'x-write-key': undefined, 'x-other': undefined }, undefined],
    ['never Authorization', find, { authorization: key }, undefined],
    [
      'any with its value when a function looks',
      ['header', find],
      { 'x-own': key, 'x-write-key': key, a: 'b' },
      ['x-write-key', 'x-own'],
    ],
  ])('are %s', (_, places, headers, expected) => {
    expect(carriedIn(places, { headers })?.headers).toEqual(expected)
    if (expected !== undefined) expect(carriedIn(places, { headers })?.inUrl).toBe(false)
  })
})

describe('a URL that carries the key', () => {
  it.each<[unknown, string, string, string]>([
    [{ path: '/e/:key' }, '/v1/e/a_key', '?a=1', '/v1/e/wk_1?a=1'],
    [{ path: '/e/:key' }, '/v1/e/a%5Fkey/', '', '/v1/e/wk_1/'],
    [[{ path: '/e/:key' }, { path: '/:key/track' }], '/a_key/track', '', '/wk_1/track'],
    ['query', '/v1/track', '?a=1&writeKey=a_key&&b=%2F', '/v1/track?a=1&&b=%2F'],
    ['query', '/v1/track', '?writekey=a&writeKey=b', '/v1/track'],
    ['query', '/v1/track', '?write%4bey=a_key&b', '/v1/track?b'],
    [{ query: 'k' }, '/a_key/track', '?k=1&K=2', '/a_key/track?K=2'],
    [find, '/v1/a_key/a_key', '?x=a_key&y=1&z=a%5Fkey', '/v1/wk_1/wk_1?y=1'],
    [find, '/v1/a%5Fkey/more', '', '/v1/wk_1/more'],
  ])('of a key in %j: %s%s', (places, path, query, shown) => {
    const carried = carriedIn(places, { path, query }, key, 'wk_1')
    expect(carried).toMatchObject({ headers: [], inUrl: true })
    expect(carried?.hideInUrl(path + query)).toBe(shown)
  })

  it.each<[unknown, Presented, IngestRequest]>([
    ['query', key, requestWith({ query: 'a=a_key' })],
    ['query', key, requestWith({})],
    [{ path: '/e/:key' }, key, requestWith({ path: '/v1/a_key' })],
    [find, undefined, requestWith({ path: '/v1/undefined', query: 'a=undefined' })],
    [find, '', requestWith({ path: '/v1/', query: 'a=', headers: { 'x-a': '' } })],
    [find, null, requestWith({ path: '/v1/null', query: 'a=null', headers: { 'x-a': 'null' } })],
    [find, null, requestWith({ query: { a: null as never } })],
    ['bearer', key, requestWith({ path: '/v1/a_key', query: 'a=a_key', headers: { 'x-a': key } })],
  ])('is none where the key is not looked for: %#', (places, presented, request) => {
    expect(findCarriedKey(read(places), request, presented, undefined)).toBeUndefined()
  })

  it.each<[IngestRequest['query']]>([
    ['?writeKey=a_key'],
    [new URLSearchParams({ writekey: key })],
    [{ writeKey: [key, key] }],
    // As qs parses `a[toString]=`.
    [{ writeKey: key, a: { toString: '' } as never }],
  ])('may have its query parsed by somebody else: %#', (query) => {
    expect(carriedIn('query', { query })?.inUrl).toBe(true)
  })

  it('names an unknown key as such', () => {
    expect(carriedIn({ path: '/e/:key' }, { path: '/e/a_key' })?.hideInUrl('/e/a_key')).toBe('/e/unknown-key')
  })

  it('loses the question mark with its last parameter', () => {
    const carried = carriedIn('query', { query: 'writeKey=a_key' })
    expect(carried?.hideInUrl('/v1/track?writeKey=a_key')).toBe('/v1/track')
    expect(carried?.hideInUrl('/v1/track?')).toBe('/v1/track')
    expect(carried?.hideInUrl('/v1/track?a=1?writeKey=2')).toBe('/v1/track?a=1?writeKey=2')
  })
})

describe('what routers make of a URL that carries the key', () => {
  it.each<[unknown, string, unknown, unknown]>([
    [{ path: '/e/:key' }, '/e/a%5Fkey', 'a_key', 'wk_1'],
    [{ path: '/e/:key' }, '/e/a%5Fkey', 'a%5Fkey', 'wk_1'],
    [{ path: '/e/:key' }, '/e/a%E9', 'a%E9', 'wk_1'],
    [{ path: '/e/:key' }, '/e/a_key', 'e/a_key/more', 'e/wk_1/more'],
    [{ path: '/e/:key' }, '/e/a_key', 'other', 'other'],
    [{ path: '/e/:key' }, '/e/a_key', 5, 5],
    [find, '/by/a%5Fkey', 'a_key', 'wk_1'],
  ])('has the id in its place: %j in %s, %j', (places, path, value, shown) => {
    expect(carriedIn(places, { path }, key, 'wk_1')?.hideParameter(value)).toBe(shown)
  })

  it('hides parameters with the decoded key when a function found it elsewhere', () => {
    expect(carriedIn(find, { headers: { 'x-k': key } }, key, 'wk_1')?.hideParameter('a_key')).toBe('wk_1')
  })

  it('knows the parameters of the query that hold it', () => {
    const byName = carriedIn('query', { query: 'writeKey=a_key' })
    expect(byName?.isInQuery('writeKey', 'other')).toBe(true)
    expect(byName?.isInQuery('other', key)).toBe(false)
    expect(byName?.isInQuery('other', undefined)).toBe(false)
    expect(carriedIn(find, { query: 'k=a_key' })?.isInQuery('other', key)).toBe(true)
  })
})

it.each<[unknown, boolean]>([
  ['header', true],
  ['query', true],
  [{ path: '/e/:key' }, true],
  [find, true],
  ['basic', false],
  ['bearer', false],
  ['body', false],
])('a key in %j may stand in the header fields or the URL: %s', (places, expected) => {
  expect(mayCarryKey(read(places))).toBe(expected)
})

describe('a request that is shown to others', () => {
  const batchFields = ['batch']
  const shown = (places: unknown, request: IngestRequest, keyId?: string) => {
    const visit = createVisit(request, { credentials: read(places), batchFields })
    return withoutCarriedKey(Object.assign(visit, { presented: key, keyId }))
  }

  it('keeps all but the key', () => {
    const request = requestWith({
      path: '/e/a_key',
      query: '?a=1?&writeKey=a_key',
      headers: { 'x-write-key': key, 'x-other': 'b', authorization: 'c' },
      ip: '203.0.113.7',
    })
    expect(shown([{ path: '/e/:key' }, 'query', 'header'], request, 'wk_1')).toEqual({
      ...request,
      path: '/e/wk_1',
      query: 'a=1?',
      headers: { 'x-other': 'b', authorization: 'c' },
    })
    expect(request.headers).toHaveProperty('x-write-key')
    const query = 'a=?&writeKey=a_key'
    expect(shown('query', requestWith({ query })).query).toBe('a=?')
  })

  it('keeps a query that is parsed, or absent, as it is', () => {
    const { path } = requestWith({ path: '/e/a_key' })
    const carried = carriedIn({ path: '/e/:key' }, { path }, key, 'wk_1')
    for (const query of [new URLSearchParams('a=1'), { a: '1' }]) {
      const request = requestWith({ path, query })
      expect(carried && withoutKey(request, carried)).toEqual({ ...request, path: '/e/wk_1' })
    }
    expect(carried && withoutKey(requestWith({ path }), carried)).not.toHaveProperty('query')
  })

  it('is the same where it carries none, or has no path to look at', () => {
    const request = requestWith({ headers: { 'x-write-key': key } })
    expect(shown('basic', request)).toBe(request)
    expect(shown('query', request)).toBe(request)
    const broken = requestWith({ path: undefined as never })
    expect(shown({ path: '/e/:key' }, broken)).toBe(broken)
  })
})

describe('properties of a body that hold the key', () => {
  it.each<[string, unknown, Presented, unknown, string[]]>([
    ['those of the option', [{ body: 'api_key' }, 'body'], key, { other: key }, ['api_key']],
    ['those of the option for a key of bytes', find, new TextEncoder().encode(key), { other: key }, []],
    ['none where no key is presented', find, null, { k: null }, []],
    ['any with its value when a function looks', find, key, { k: key, a: 1 }, ['k']],
    ['those of the option as well', [{ body: 'api_key' }, find], key, { k: key }, ['api_key', 'k']],
    ['those of events', find, key, { events: [null, 5, { e: key }], sent: 1 }, ['e']],
    ['those of events without a body around them', find, key, [{ e: key }, { f: key }], ['e', 'f']],
    ['no places in lists', find, key, [[key], { a: [key] }], []],
    ['none of a text', find, key, key, []],
    ['none of nothing', find, key, undefined, []],
    ['none of null', find, key, null, []],
  ])('are %s', (_, places, presented, body, expected) => {
    expect(keyFieldsOf(read(places), presented, body)).toEqual(expected)
  })
})
