import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventTypeResolver, standardEventTypes } from '../../src/rules/event-types.ts'

const { known, fromPath } = createEventTypeResolver(['checkout', 'Order.Completed'])

describe('createEventTypeResolver', () => {
  it('knows the standard types and the extra ones', () => {
    expect([...known]).toEqual([...standardEventTypes, 'checkout', 'Order.Completed'])
  })

  it.each([
    ['/v1/track', 'track'],
    ['/v1/t', 'track'],
    ['/v1/identify', 'identify'],
    ['/v1/i', 'identify'],
    ['/v1/page', 'page'],
    ['/v1/p', 'page'],
    ['/v1/screen', 'screen'],
    ['/v1/s', 'screen'],
    ['/v1/group', 'group'],
    ['/v1/g', 'group'],
    ['/v1/alias', 'alias'],
    ['/v1/a', 'alias'],
    ['track', 'track'],
    ['/track', 'track'],
    ['/v1/TRACK', 'track'],
    ['/v1/T', 'track'],
    ['/v1/track/', 'track'],
    ['/v1/track///', 'track'],
    ['/a/deep/mount/v1/track', 'track'],
    ['/v1/%74rack', 'track'],
    ['/v1/%54%52%41%43%4B', 'track'],
    ['/v1/%74', 'track'],
    ['/v1/checkout', 'checkout'],
    ['/v1/CHECKOUT', 'checkout'],
    ['/v1/order.completed', 'Order.Completed'],
  ])('reads %s as %s', (path, expected) => {
    expect(fromPath(path)).toBe(expected)
  })

  it.each([
    '',
    '/',
    '///',
    '/v1',
    '/v1/batch',
    '/v1/b',
    '/v1/track/batch',
    '/v1/c',
    '/v1/tracks',
    '/v1/track.json',
    '/v1/track%20',
    '/v1/track ',
    '/v1/track%00',
    '/v1/track;x=1',
    '/v1/track?x',
    '/v1/track/.',
    '/v1/track/..',
    '/v1/%2574rack',
    '/v1/x%2Ftrack',
    '/v1/x\\track',
    '/v1/%',
    '/v1/%zz',
    '/v1/%ff',
    '/v1/trac%E2%84%AA',
    '/v1/tr\u0430ck',
    '/v1/__proto__',
    '/v1/constructor',
    '/v1/toString',
  ])('reads no type in %j', (path) => {
    expect(fromPath(path)).toBeNull()
  })

  it.each([
    '/'.repeat(16_384),
    '%'.repeat(16_384),
    '%74'.repeat(5_000),
    `/track${'/'.repeat(16_000)}x`,
    'a'.repeat(16_384),
  ])('reads no type in 16 KB of nothing (%#)', (path) => {
    expect(fromPath(path)).toBeNull()
  })

  it('finds the type before 16 KB of slashes', () => {
    expect(fromPath(`/v1/track${'/'.repeat(16_000)}`)).toBe('track')
  })

  it.each([
    [['']],
    [['two words']],
    [['a/b']],
    [['a%20b']],
    [['caf\u00e9']],
    [['x'.repeat(65)]],
    [[7]],
    [['batch']],
    [['B']],
    [['t']],
    [['Track']],
    [['order', 'Order']],
  ])('refuses the extra types %j', (types) => {
    expect(() => createEventTypeResolver(types as string[])).toThrow(
      expect.objectContaining({ code: 'invalid_config', option: 'eventTypes' }),
    )
  })

  it('takes a repeated or standard name as one', () => {
    expect(createEventTypeResolver(['track', 'order', 'order']).known.size).toBe(
      standardEventTypes.length + 1,
    )
  })

  it('answers a known type or null for every path', () => {
    const path = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom('/', '%', '74', 't', 'track', '\u212a')).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(path, (path) => {
        const type = fromPath(path)
        expect(type === null || known.has(type)).toBe(true)
      }),
    )
  })
})
