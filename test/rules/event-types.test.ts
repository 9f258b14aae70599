import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AmbiguousType, createEventTypeResolver, standardEventTypes } from '../../src/rules/event-types.ts'

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
    ['http://page/track', 'track'],
    ['/track/track', 'track'],
    ['/track/t', 'track'],
    ['/t/page', 'page'],
    ['/i/t', 'track'],
    ['/users/track', 'track'],
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
    '/v1/page/batch',
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
    '/v1/tr\u0430ck',
    '/v1/tr%C3%A1ck',
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

  it.each([
    '/v1/trac%E2%84%AA',
    '/v1/trac\u212a',
    '/v1/%C5%BFcreen',
    '/v1/%C5%BF',
    '/v1/\u0130dentify',
    '/v1/%C4%B1dentify',
    '/v1/%EF%BD%94rack/',
    '/v1/\uff22atch',
    '/v1/check\u2092ut',
    // Nobody sees a byte order mark, a blank without width, a soft hyphen, marks of direction, a joiner, a wide blank, a variation.
    '/v1/identify%EF%BB%BF',
    '/v1/%EF%BB%BFidentify',
    '/v1/identify%E2%80%8B',
    '/v1/iden%C2%ADtify',
    '/v1/%E2%80%8Etrack',
    '/v1/track%E2%80%AE/',
    '/v1/tr%E2%81%A0ack',
    '/v1/track%C2%A0',
    '/v1/track%C2%85',
    '/v1/T%EF%B8%8F',
    '/v1/batch\ufeff',
  ])('reads more than one thing in %s, as letters beyond ASCII fold into a type', (path) => {
    const read = fromPath(path)
    expect(read).toBeInstanceOf(AmbiguousType)
    expect(read).toMatchObject({ types: undefined })
  })

  it.each([
    ['/identify/track', ['identify', 'track']],
    ['/v1/page/track/', ['page', 'track']],
    ['/v1/page///t', ['page', 'track']],
    ['/v1/PAGE/T', ['page', 'track']],
    ['/v1/%70age/track', ['page', 'track']],
    ['/v1/checkout/order.completed', ['checkout', 'Order.Completed']],
    ['http://h/page/track', ['page', 'track']],
  ])('reads two types in %s', (path, types) => {
    const read = fromPath(path)
    expect(read).toBeInstanceOf(AmbiguousType)
    expect(read).toMatchObject({ types })
  })

  it('reads two types also when the first is the shortest, but not when that is only the short form of one', () => {
    const { fromPath } = createEventTypeResolver(['x'])
    expect(fromPath('/v1/x/track')).toMatchObject({ types: ['x', 'track'] })
    expect(fromPath('/v1/t/page')).toBe('page')
  })

  it('reads types of up to 64 characters, in their longest spelling too', () => {
    const longest = 'x'.repeat(64)
    const { fromPath } = createEventTypeResolver([longest])
    expect(fromPath(`/v1/${'%78'.repeat(64)}`)).toBe(longest)
    expect(fromPath(`/v1/${'%F0%9D%90%B1'.repeat(64)}`)).toBeInstanceOf(AmbiguousType)
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

  it('says what is wrong with an extra type', () => {
    expect(() => createEventTypeResolver(['a/b'])).toThrow(/must be names of 1 to 64 ASCII letters/)
    expect(() => createEventTypeResolver(['Track'])).toThrow(/must be names that differ, in any case/)
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
        expect(type === null || type instanceof AmbiguousType || known.has(type)).toBe(true)
      }),
    )
  })
})
