import { describe, expect, it } from 'vitest'
import { createEventTypeResolver } from '../../src/rules/event-types.ts'
import { loadPublicSuffixes } from '../../src/rules/public-suffix.ts'
import { parseRuleFields } from '../../src/rules/rule-fields.ts'

const { known } = createEventTypeResolver(['checkout'])
const isPublicSuffix = await loadPublicSuffixes()
const parse = (input: Record<string, unknown>) => parseRuleFields(input, known, isPublicSuffix)
const lists = [
  'allowedEventTypes',
  'allowedEventNames',
  'deniedEventNames',
  'allowedOrigins',
  'allowedIps',
  'deniedIps',
]

describe('parseRuleFields', () => {
  it('answers only the fields that are there', () => {
    expect(parse({})).toEqual({})
    expect(parse({ name: 'Web', allowedOrigins: undefined })).toEqual({})
    expect(parse(Object.create({ allowedOrigins: [] }))).toEqual({})
    expect(parse({ allowedOrigins: null })).toEqual({ allowedOrigins: null })
  })

  it('stores every list once and in its canonical spelling', () => {
    expect(
      parse({
        allowedEventTypes: ['track', 'checkout', 'track'],
        allowedEventNames: ['billing/*', 'A', 'a', 'A'],
        deniedEventNames: ['*'],
        allowedOrigins: ['HTTPS://App.example.com:443', 'https://app.example.com', 'https://*.Example.com'],
        allowedIps: ['10.1.2.3/8', '::ffff:10.0.0.0/104', '2001:DB8::/32'],
        deniedIps: ['10.0.0.1/32'],
      }),
    ).toEqual({
      allowedEventTypes: ['track', 'checkout'],
      allowedEventNames: ['billing/*', 'A', 'a'],
      deniedEventNames: ['*'],
      allowedOrigins: ['https://app.example.com', 'https://*.example.com'],
      allowedIps: ['10.0.0.0/8', '2001:db8::/32'],
      deniedIps: ['10.0.0.1'],
    })
  })

  it.each(lists)('clears %s with null', (name) => {
    expect(parse({ [name]: null })).toEqual({ [name]: null })
  })

  it.each([
    ['allowedOrigins', []],
    ['deniedEventNames', null],
    ['deniedIps', null],
  ])('stores an empty %s as %j', (name, expected) => {
    expect(parse({ [name]: [] })).toEqual({ [name]: expected })
  })

  it.each(['allowedEventTypes', 'allowedEventNames', 'allowedIps'])('refuses an empty %s', (name) => {
    expect(() => parse({ [name]: [] })).toThrow(
      `${name} must not be empty: an empty list refuses everything; use null for no rule`,
    )
  })

  it.each(lists)('refuses %s that is no list of strings, or too long', (name) => {
    for (const value of ['track', 7, true, {}, { length: 1, 0: 'track' }, new Set(['track'])]) {
      expect(() => parse({ [name]: value })).toThrow(`${name} must be a list of strings, or null for no rule`)
    }
    for (const value of [[7], [null], [undefined], new Array(1), [['track']], [/x/]]) {
      expect(() => parse({ [name]: value })).toThrow(`${name}[0] must be a string`)
    }
    expect(() => parse({ [name]: new Array(1001).fill('track') })).toThrow(
      `${name} must have at most 1000 entries`,
    )
  })

  it('takes 1 000 entries', () => {
    const names = Array.from({ length: 1000 }, (_, number) => `event ${number}`)
    expect(parse({ deniedEventNames: names })).toEqual({ deniedEventNames: names })
  })

  it.each([
    [
      'allowedEventTypes',
      ['track', 'Track'],
      'allowedEventTypes[1] must be one of track, identify, page, screen, group, alias, checkout',
    ],
    [
      'allowedEventNames',
      ['a', 'b', 'a*b'],
      'allowedEventNames[2] must have * only as its last character, as in billing/*',
    ],
    ['deniedEventNames', [''], 'deniedEventNames[0] must not be empty'],
    [
      'allowedOrigins',
      ['https://app.example.com/'],
      'allowedOrigins[0] must not have a slash at the end: write https://app.example.com',
    ],
    [
      'allowedIps',
      ['10.0.0.0/33'],
      'allowedIps[0] must be an IP address or a CIDR range, such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32',
    ],
    [
      'deniedIps',
      ['10.0.0.0/08'],
      'deniedIps[0] must be an IP address or a CIDR range, such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32',
    ],
    [
      'allowedIps',
      ['fe80::1%eth0'],
      'allowedIps[0] must not have a zone such as %eth0: write fe80::1, or fe80::/10',
    ],
  ])('refuses a bad entry of %s, naming it', (field, list, message) => {
    expect(() => parse({ [field]: list })).toThrow(
      expect.objectContaining({ code: 'invalid_field', field, message }),
    )
  })
})
