import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIpAddress } from '../../src/rules/ip-address.ts'
import { allowsAddress, compileIpRule, type IpRule, parseCidr } from '../../src/rules/ip-rule.ts'
import { spellIpv6 } from './spell-ipv6.ts'

function allows(
  allowedIps: string[] | null,
  deniedIps: string[] | null,
  address: string | undefined,
): boolean {
  const rule = compileIpRule({ allowedIps, deniedIps })
  if (rule === null) throw new Error('no rule')
  return allowsText(rule, address)
}

function allowsText(rule: IpRule, text: string | undefined): boolean {
  return allowsAddress(rule, text === undefined ? undefined : parseIpAddress(text))
}

describe('parseCidr', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255/0', '0.0.0.0/0'],
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1/32', '192.0.2.1'],
    ['192.0.2.1/31', '192.0.2.0/31'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:db8:1:2ff::1/56', '2001:db8:1:200::/56'],
    ['2001:db8::1/128', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['ffff::/0', '::/0'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:a01:203/128', '10.1.2.3'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
  ])('reads %s as %s', (text, expected) => {
    expect(parseCidr(text)?.text).toBe(expected)
  })

  it.each([
    '',
    '/',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/+8',
    '10.0.0.0/8 ',
    ' 10.0.0.0/8',
    '10.0.0.0 /8',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0.0/1e1',
    '10.0.0/8',
    '10.0.0.*',
    '10.0.0.0-10.0.0.9',
    '2001:db8::/129',
    '2001:db8::/032',
    '[2001:db8::]/32',
    'fe80::1%eth0/64',
    '::ffff:10.0.0.0/95',
    '::ffff:10.0.0.0/8',
    '::ffff:10.0.0.0/129',
    'example.com',
  ])('refuses %j', (text) => {
    expect(parseCidr(text)).toBeUndefined()
  })
})

describe('compileIpRule', () => {
  it('gives no rule for no lists and for an empty deny list', () => {
    expect(compileIpRule({ allowedIps: null, deniedIps: null })).toBeNull()
    expect(compileIpRule({ allowedIps: null, deniedIps: [] })).toBeNull()
  })

  it.each([
    '10.1.2.3',
    '::ffff:10.1.2.3',
    '::ffff:a01:203',
    '0:0:0:0:0:ffff:10.1.2.3',
    '0000:0000:0000:0000:0000:FFFF:0a01:0203',
  ])('matches the IPv4 rule 10.0.0.0/8 with %s', (address) => {
    expect(allows(['10.0.0.0/8'], null, address)).toBe(true)
    expect(allows(null, ['10.0.0.0/8'], address)).toBe(false)
  })

  it.each([
    '64:ff9b::10.1.2.3',
    '2002:a01:203::',
    '2001:0:a01:203::',
    '::10.1.2.3',
    '::ffff:0:10.1.2.3',
    '2001:db8::10.1.2.3',
  ])('does not take %s for IPv4', (address) => {
    expect(allows(['0.0.0.0/0'], null, address)).toBe(false)
    expect(allows(null, ['0.0.0.0/0'], address)).toBe(true)
  })

  it.each([
    undefined,
    '',
    '999.1.1.1',
    '010.1.2.3',
    '1.2.3',
    '0x7f.1',
    '10.1.2.3 ',
    'fe80::1%eth0',
    'unknown',
  ])('refuses the address %j under any rule', (address) => {
    expect(allows(['0.0.0.0/0', '::/0'], null, address)).toBe(false)
    expect(allows(null, ['203.0.113.7'], address)).toBe(false)
  })

  it('lets deny win over allow', () => {
    expect(allows(['10.0.0.0/8'], ['10.1.0.0/16'], '10.1.2.3')).toBe(false)
    expect(allows(['10.0.0.0/8'], ['10.1.0.0/16'], '10.2.2.3')).toBe(true)
    expect(allows(['10.1.2.3'], ['10.0.0.0/8'], '10.1.2.3')).toBe(false)
  })

  it.each([
    ['10.0.0.0/31', '9.255.255.255', '10.0.0.0', '10.0.0.1', '10.0.0.2'],
    ['128.0.0.0/1', '127.255.255.255', '128.0.0.0', '255.255.255.255', '127.0.0.1'],
    [
      '2001:db8:1:200::/56',
      '2001:db8:1:1ff:ffff:ffff:ffff:ffff',
      '2001:db8:1:200::',
      '2001:db8:1:2ff:ffff:ffff:ffff:ffff',
      '2001:db8:1:300::',
    ],
  ])('holds exactly the addresses of %s', (cidr, before, first, last, after) => {
    expect([before, first, last, after].map((address) => allows([cidr], null, address))).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  it('holds the wider of two ranges that begin alike, whichever is named first', () => {
    const ranges = ['10.0.0.0/16', '10.0.0.0/8', '2001:db8::/64', '2001:db8::/32']
    for (const allowedIps of [ranges, ranges.toReversed()]) {
      expect(allows(allowedIps, null, '10.255.0.1')).toBe(true)
      expect(allows(allowedIps, null, '2001:db8:ffff::1')).toBe(true)
      expect(allows(allowedIps, null, '11.0.0.1')).toBe(false)
    }
  })

  it('keeps the families apart', () => {
    expect(allows(['::/0'], null, '10.1.2.3')).toBe(false)
    expect(allows(['0.0.0.0/0'], null, '2001:db8::1')).toBe(false)
  })

  it('becomes stricter over an unreadable entry, whichever list it is in', () => {
    expect(allows(['nonsense'], null, '10.1.2.3')).toBe(false)
    expect(allows(['nonsense', '10.0.0.0/8'], null, '10.1.2.3')).toBe(true)
    expect(allows(null, ['nonsense'], '10.1.2.3')).toBe(false)
  })

  it('refuses everything under an empty allow list', () => {
    expect(allows([], null, '10.1.2.3')).toBe(false)
  })

  it('decides among 10 000 ranges', () => {
    const cidrs = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 8}.${i & 255}.128/25`)
    const rule = compileIpRule({ allowedIps: cidrs, deniedIps: null }) as IpRule
    expect(allowsText(rule, '10.39.15.128')).toBe(true)
    expect(allowsText(rule, '10.39.15.127')).toBe(false)
    expect(allowsText(rule, '10.39.16.128')).toBe(false)
  })

  it('agrees with a comparison of every bit', () => {
    const ipv4 = fc
      .tuple(fc.constantFrom(10n, 11n, 203n), fc.bigInt({ min: 0n, max: 0xffffffn }), fc.nat(32))
      .map(([high, low, prefix]) => ({ bits: 32, value: (high << 24n) | low, prefix }))
    const ipv6 = fc
      .tuple(
        fc.constantFrom(0x2001_0db8n, 0xfe80_0000n),
        fc.bigInt({ min: 0n, max: (1n << 96n) - 1n }),
        fc.nat(128),
      )
      .map(([high, low, prefix]) => ({ bits: 128, value: (high << 96n) | low, prefix }))
    const network = fc.oneof(ipv4, ipv6)
    const networks = fc.array(network, { maxLength: 12 })

    fc.assert(
      fc.property(networks, networks, network, fc.nat(128), (allowed, denied, other, flipped) => {
        // Mostly an address next to one of the ranges: one bit away from it.
        const base = [...allowed, ...denied, other][flipped % (allowed.length + denied.length + 1)] ?? other
        const address = { ...base, value: base.value ^ (1n << BigInt(flipped % base.bits)) }
        const holds = (list: (typeof other)[]): boolean =>
          list.some(
            ({ bits, value, prefix }) =>
              bits === address.bits &&
              value >> BigInt(bits - prefix) === address.value >> BigInt(bits - prefix),
          )
        const expected = !holds(denied) && holds(allowed)
        const write = (list: (typeof other)[]): string[] =>
          list.map((item) => `${spell(item)}/${item.prefix}`)
        expect(allows(write(allowed), write(denied), spell(address))).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('decides alike for every spelling of one address', () => {
    const groups = fc.array(fc.constantFrom(0, 1, 0xffff), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(
        groups,
        fc.nat(128),
        fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
        (groups, prefix, choices) => {
          const range = parseCidr(`${spellIpv6(groups, 0)}/${prefix}`)
          const allowedIps = [range?.text ?? '::/0', '0.0.0.0/1']
          expect(
            new Set(choices.map((choice) => allows(allowedIps, null, spellIpv6(groups, choice)))).size,
          ).toBe(1)
        },
      ),
    )
  })

  it('answers each question by itself, whatever was asked before', () => {
    const rules = [
      { allowedIps: ['10.0.0.0/8'], deniedIps: null },
      { allowedIps: ['10.0.0.0/8'], deniedIps: ['10.0.0.1'] },
      { allowedIps: null, deniedIps: ['2001:db8::/32'] },
    ].map((lists) => compileIpRule(lists) as IpRule)
    const addresses = ['10.0.0.1', '10.0.0.2', '2001:db8::1', '192.0.2.1', 'none', undefined]
    const answers = [
      [true, true, false, false, false, false],
      [false, true, false, false, false, false],
      [true, true, false, true, false, false],
    ]
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(5)), { maxLength: 20 }), (questions) => {
        for (const [rule, address] of questions) {
          expect(allowsText(rules[rule] as IpRule, addresses[address])).toBe(answers[rule]?.[address])
        }
      }),
    )
  })

  it('throws over no input', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { maxLength: 4 }),
        fc.array(fc.string(), { maxLength: 4 }),
        fc.string(),
        (a, b, address) => {
          expect(typeof allows(a, b, address)).toBe('boolean')
        },
      ),
    )
  })
})

function spell({ bits, value }: { bits: number; value: bigint }): string {
  const size = bits === 32 ? 8 : 16
  const parts = Array.from({ length: bits / size }, (_, i) =>
    Number((value >> BigInt(bits - size * (i + 1))) & ((1n << BigInt(size)) - 1n)),
  )
  return bits === 32 ? parts.join('.') : parts.map((part) => part.toString(16)).join(':')
}
