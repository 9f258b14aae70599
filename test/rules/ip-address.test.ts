import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIpAddress, parseIpAddress } from '../../src/rules/ip-address.ts'
import { spellIpv6 } from './spell-ipv6.ts'

const canonical = (text: string): string | undefined => {
  const address = parseIpAddress(text)
  return address === undefined ? undefined : formatIpAddress(address)
}

describe('parseIpAddress', () => {
  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['10.1.2.3', '10.1.2.3'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ])('reads %s as %s', (text, expected) => {
    expect(canonical(text)).toBe(expected)
  })

  it.each([
    '::ffff:10.1.2.3',
    '::FFFF:10.1.2.3',
    '::ffff:a01:203',
    '::ffff:0a01:0203',
    '0:0:0:0:0:ffff:10.1.2.3',
    '0:0:0:0:0:ffff:a01:203',
    '0000:0000:0000:0000:0000:ffff:10.1.2.3',
    '0000:0000:0000:0000:0000:FFFF:0A01:0203',
    '0::ffff:10.1.2.3',
    '::0:ffff:a01:203',
  ])('folds the IPv4-mapped %s into IPv4', (text) => {
    expect(parseIpAddress(text)).toBe(parseIpAddress('10.1.2.3'))
  })

  it.each([
    ['2001:db8::1.2.3.4', '2001:db8::102:304'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['2002:102:304::', '2002:102:304::'],
    ['2001:0:102:304::1', '2001:0:102:304::1'],
    ['::1.2.3.4', '::102:304'],
    ['::ffff:0:1.2.3.4', '::ffff:0:102:304'],
    ['1::ffff:1.2.3.4', '1::ffff:102:304'],
    ['::fffe:1.2.3.4', '::fffe:102:304'],
  ])('keeps %s, which only looks like IPv4, as IPv6', (text, expected) => {
    expect(canonical(text)).toBe(expected)
  })

  it.each([
    '',
    ' ',
    '999.1.1.1',
    '1.1.1.256',
    '010.1.2.3',
    '1.2.3.00',
    '1.2.3',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '1.2.3.4.5',
    '0x7f.1',
    '0x7f.0.0.1',
    '2130706433',
    '127.1',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1.2.3.4/32',
    '1.2.3.4:5',
    '+1.2.3.4',
    '1.2.3.-4',
    '1.2.3.a',
    '1.2.3.4a',
    '1.2.3.4F',
    '1.2.3.4\u0000',
    '１.2.3.4',
    'fe80::1%eth0',
    'fe80::1%',
    ':',
    ':::',
    '1:',
    ':1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '1:2:3:4:5:6:7:8:',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '::1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '::1:2:3:4:5:6:7:1.2.3.4',
    '1:2:3:4::5:6:7:8',
    '1::2::3',
    '1:::2',
    '12345::',
    '00001::',
    'g::',
    '::1 ',
    '[::1]',
    '::ffff:1.2.3',
    '::ffff:1.2.3.256',
    '::ffff:01.2.3.4',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::ffff:1.2.3.4%1',
    'unknown',
    'localhost',
  ])('refuses %j', (text) => {
    expect(parseIpAddress(text)).toBeUndefined()
  })

  it('accepts what net.isIP accepts, zone ids aside', () => {
    const pieces = fc.constantFrom(
      '0',
      '1',
      'ffff',
      '12',
      '255',
      '256',
      '01',
      ':',
      '::',
      '.',
      'a',
      'G',
      '%',
      ' ',
    )
    const text = fc.oneof(
      fc.array(pieces, { maxLength: 18 }).map((parts) => parts.join('')),
      fc.ipV4(),
      fc.ipV6(),
      fc.string(),
    )
    fc.assert(
      fc.property(text, (text) => {
        const isAddress = (isIPv4(text) || isIPv6(text)) && !text.includes('%')
        expect(parseIpAddress(text) !== undefined).toBe(isAddress)
      }),
      { numRuns: 5000 },
    )
  })

  it('reads every spelling of one address as the same address', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.nat(0xffff)), {
      minLength: 8,
      maxLength: 8,
    })
    fc.assert(
      fc.property(groups, fc.array(fc.nat(), { minLength: 20, maxLength: 20 }), (groups, choices) => {
        const addresses = choices.map((choice) => parseIpAddress(spellIpv6(groups, choice)))
        expect(addresses[0]).toBeDefined()
        expect(new Set(addresses).size).toBe(1)
      }),
    )
  })
})

describe('formatIpAddress', () => {
  it('agrees with the URL parser on IPv6 and is read back unchanged', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseIpAddress(text)
        if (address === undefined) throw new Error(`not read: ${text}`)
        expect(parseIpAddress(formatIpAddress(address))).toBe(address)
        if (typeof address === 'string') {
          expect(`[${formatIpAddress(address)}]`).toBe(new URL(`http://[${text}]`).hostname)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
