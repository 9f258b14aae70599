import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClientAddress, type TrustedProxies } from '../../src/rules/client-address.ts'

function resolve(
  trusted: TrustedProxies | undefined,
  ip: string | undefined,
  forwarded?: string | string[],
): string | undefined {
  return createClientAddress(trusted)(ip, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })
}

describe('createClientAddress', () => {
  it.each([
    true,
    false,
    null,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '10.0.0.0/8',
    'loopback',
    {},
    ['10.0.0.0/08'],
    ['10.0.0.0/8', 'loopback'],
    ['fe80::1%eth0'],
    [10],
    new Array(1),
  ])('refuses %j at construction', (option) => {
    expect(() => createClientAddress(option as never)).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        option: 'trustedProxies',
        message: expect.stringMatching(/a list of CIDR ranges .*\["10\.0\.0\.0\/8"/),
      }),
    )
  })

  describe('without trusted proxies', () => {
    it.each([undefined, 0])('answers the socket address and ignores every header (%s)', (trusted) => {
      const headers = {
        'x-forwarded-for': '203.0.113.9',
        forwarded: 'for=203.0.113.9',
        'x-real-ip': '203.0.113.9',
        'cf-connecting-ip': '203.0.113.9',
      }
      expect(createClientAddress(trusted)('198.51.100.1', headers)).toBe('198.51.100.1')
    })

    it.each([
      ['::ffff:127.0.0.1', '127.0.0.1'],
      ['2001:DB8:0::1', '2001:db8::1'],
      [undefined, undefined],
      ['', undefined],
      ['/tmp/app.sock', undefined],
      ['fe80::1%eth0', 'fe80::1'],
      ['FEBF:0::a%br-6f.100', 'febf::a'],
      ['fe80::1%5', 'fe80::1'],
      ['fe80::1%', undefined],
      ['fe80::1%eth0%eth0', undefined],
      ['fe80::1%eth0 ', undefined],
      ['fe80::1%25eth/0', undefined],
      [`fe80::1%${'a'.repeat(65)}`, undefined],
      ['2001:db8::1%eth0', undefined],
      ['fec0::1%eth0', undefined],
      ['::ffff:1.2.3.4%eth0', undefined],
      ['1.2.3.4%eth0', undefined],
    ])('answers canonical text or nothing: %j gives %j', (ip, expected) => {
      expect(resolve(undefined, ip)).toBe(expected)
    })
  })

  describe('with a hop count', () => {
    it.each<[number, string | string[] | undefined, string | undefined]>([
      [1, '198.51.100.1', '198.51.100.1'],
      [1, '203.0.113.9, 198.51.100.1', '198.51.100.1'],
      [2, '203.0.113.9, 198.51.100.1', '203.0.113.9'],
      [2, '192.0.2.66, 203.0.113.9, 198.51.100.1', '203.0.113.9'],
      [3, '203.0.113.9, 198.51.100.1', undefined],
      [1, undefined, undefined],
      [1, '', undefined],
      [1, ' \t', undefined],
      [1_000_000_000, '203.0.113.9, 198.51.100.1', undefined],
      [1_000_000_000, ',203.0.113.9', undefined],
      [1, ['192.0.2.66', '203.0.113.9'], '203.0.113.9'],
      [2, ['192.0.2.66', '203.0.113.9'], '192.0.2.66'],
      [2, ['192.0.2.66, 198.51.100.7', '203.0.113.9'], '198.51.100.7'],
      [1, '203.0.113.9,', undefined],
      [2, '203.0.113.9,', '203.0.113.9'],
      [2, '203.0.113.9, , 198.51.100.1', undefined],
      [1, ',203.0.113.9', '203.0.113.9'],
      [2, ',203.0.113.9', undefined],
      [2, '203.0.113.9, unknown', '203.0.113.9'],
      [1, '203.0.113.9, unknown', undefined],
    ])('%i of %j is %j', (hops, forwarded, expected) => {
      expect(resolve(hops, '10.0.0.1', forwarded)).toBe(expected)
    })

    it('counts a socket without an address, as of a Unix socket, as a hop', () => {
      expect(resolve(1, undefined, '203.0.113.9')).toBe('203.0.113.9')
    })
  })

  describe('with trusted ranges', () => {
    const proxies = ['10.0.0.0/8', '2001:db8:1::/48']

    it.each<[string | undefined, string | string[] | undefined, string | undefined]>([
      ['10.0.0.1', '203.0.113.9', '203.0.113.9'],
      ['10.0.0.1', '192.0.2.66, 203.0.113.9', '203.0.113.9'],
      ['10.0.0.1', '192.0.2.66, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
      ['10.0.0.1', '10.0.0.3, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
      ['::ffff:10.0.0.1', '203.0.113.9, ::ffff:a00:2', '203.0.113.9'],
      ['2001:db8:1::7', '"[2001:DB8:9::1]:443", 10.0.0.2:80', '2001:db8:9::1'],
      ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
      ['10.0.0.1', undefined, '10.0.0.1'],
      ['10.0.0.1', '', '10.0.0.1'],
      ['10.0.0.1', ' \t', '10.0.0.1'],
      ['203.0.113.9', '10.0.0.2', '203.0.113.9'],
      ['203.0.113.9', 'unknown', '203.0.113.9'],
      ['10.0.0.1', 'unknown', undefined],
      ['10.0.0.1', '203.0.113.9, unknown, 10.0.0.2', undefined],
      ['10.0.0.1', 'unknown, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
      ['10.0.0.1', '203.0.113.9,', undefined],
      ['10.0.0.1', ',10.0.0.2', undefined],
      ['10.0.0.1', ',,,', undefined],
      ['10.0.0.1', ['192.0.2.66', '203.0.113.9', '10.0.0.2'], '203.0.113.9'],
      [undefined, '203.0.113.9', undefined],
      ['fe80::1%eth0', '203.0.113.9', 'fe80::1'],
    ])('from %j with %j tells %j', (ip, forwarded, expected) => {
      expect(resolve(proxies, ip, forwarded)).toBe(expected)
    })

    it('trusts a proxy of the same link, whose address has a zone', () => {
      expect(resolve(['fe80::/10'], 'fe80::1%eth0', '203.0.113.9')).toBe('203.0.113.9')
      expect(resolve(['fe80::1'], 'fe80::1%eth0', '203.0.113.9')).toBe('203.0.113.9')
      expect(resolve(['fe80::/10'], 'fe80::1%eth0', '203.0.113.9, fe80::2%lan0')).toBe('203.0.113.9')
    })

    it('trusts nobody with an empty list', () => {
      expect(resolve([], '10.0.0.1', '203.0.113.9')).toBe('10.0.0.1')
    })
  })

  describe('with a function', () => {
    it('asks from the right, with the canonical address and the distance', () => {
      const asked: [string, number][] = []
      const trusted = (address: string, hop: number): boolean => {
        asked.push([address, hop])
        return hop < 2
      }
      expect(resolve(trusted, '::ffff:10.0.0.1', '192.0.2.66, 203.0.113.9, [2001:DB8::1]:9')).toBe(
        '203.0.113.9',
      )
      expect(asked).toEqual([
        ['10.0.0.1', 0],
        ['2001:db8::1', 1],
        ['203.0.113.9', 2],
      ])
    })

    it('trusts by true alone, and refuses what only seems to be true', () => {
      for (const untrusted of [false, undefined, null, 0, ''])
        expect(resolve((() => untrusted) as never, '10.0.0.1', '203.0.113.9')).toBe('10.0.0.1')
      const refused = (trusted: unknown) => () => resolve(trusted as never, '10.0.0.1', '203.0.113.9')
      expect(refused(async () => true)).toThrow(/trustedProxies must not be async/)
      expect(refused(() => Promise.reject(new Error('no list')))).toThrow(/trustedProxies must not be async/)
      expect(refused(() => 'yes')).toThrow(/trustedProxies must return true or false; it returned a string/)
    })
  })

  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['  1.2.3.4\t', '1.2.3.4'],
    ['1.2.3.4:5', '1.2.3.4'],
    ['1.2.3.4:65535', '1.2.3.4'],
    ['"1.2.3.4"', '1.2.3.4'],
    ['"1.2.3.4:5"', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['[::ffff:1.2.3.4]:5', '1.2.3.4'],
    ['2001:db8::5', '2001:db8::5'],
    ['[2001:db8::5]', '2001:db8::5'],
    ['[2001:db8::5]:5', '2001:db8::5'],
    ['"[2001:db8::5]:5"', '2001:db8::5'],
    ['1.2.3.4:', undefined],
    ['1.2.3.4:x', undefined],
    ['1.2.3.4:123456', undefined],
    ['1.2.3.4:5:6', undefined],
    ['1.2.3.4 5', undefined],
    ['[1.2.3.4]', undefined],
    ['[2001:db8::5', undefined],
    ['2001:db8::5]', undefined],
    ['[2001:db8::5]5', undefined],
    ['[2001:db8::5]:', undefined],
    ['[]', undefined],
    ['"', undefined],
    ['""', undefined],
    ['"1.2.3.4', undefined],
    ['"1.2.3.45', undefined],
    ['"[2001:db8::5]:55', undefined],
    ['1.2.3.4"', undefined],
    ["'1.2.3.4'", undefined],
    ['010.1.2.3', undefined],
    ['999.1.1.1', undefined],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%eth0]:5', 'fe80::1'],
    ['fe80::1%25eth0', 'fe80::1'],
    ['2001:db8::1%eth0', undefined],
    ['unknown', undefined],
    ['_hidden', undefined],
    ['localhost', undefined],
    ['for=1.2.3.4', undefined],
    ['1.2.3.4;5', undefined],
    ['1.2.3.4\u00a0', undefined],
  ])('reads the entry %j as %j', (entry, expected) => {
    expect(resolve(1, '10.0.0.1', entry)).toBe(expected)
  })

  it.each([1, 2, 40_000, 100_000, ['10.0.0.0/8'], () => true] as TrustedProxies[])(
    'gets through hostile headers with %j',
    (trusted) => {
      const clientAddress = createClientAddress(trusted)
      for (const unit of [',', ' ', ', ', '"', '[', ':', '1.1.1.1,', '10.1.1.1,']) {
        const forwarded = unit.repeat(65_536 / unit.length)
        expect(clientAddress('10.0.0.1', { 'x-forwarded-for': forwarded }) ?? '10.0.0.1').toMatch(/^1/)
      }
    },
  )

  it('agrees with splitting the whole header', () => {
    const entry = fc.constantFrom(
      '10.0.0.1',
      '10.9.9.9',
      '203.0.113.9',
      '2001:db8::1',
      'unknown',
      '',
      ' 10.0.0.5 ',
    )
    const entries = fc.array(entry, { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 10 }), fc.boolean(), (entries, hops, isArray) => {
        const isBlank = entries.join('').trim() === '' && entries.length === 1
        const trimmed = isBlank ? [] : entries.map((text) => text.trim())
        const forwarded = isArray ? entries : entries.join(',')
        const addressOf = (text: string | undefined): string | undefined =>
          text === 'unknown' || text === '' ? undefined : text

        expect(resolve(hops, '10.0.0.2', forwarded)).toBe(addressOf(trimmed.at(-hops)))
        const deciding = trimmed.findLastIndex((text) => !text.startsWith('10.'))
        const expected = deciding === -1 ? (trimmed[0] ?? '10.0.0.2') : addressOf(trimmed[deciding])
        expect(resolve(['10.0.0.0/8'], '10.0.0.2', forwarded)).toBe(expected)
      }),
      { numRuns: 1000 },
    )
  })

  it('throws over no header', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.array(fc.string())), fc.string(), (forwarded, ip) => {
        resolve(2, ip, forwarded)
        resolve(['0.0.0.0/0'], '10.0.0.1', forwarded)
      }),
    )
  })
})
