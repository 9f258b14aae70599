import { hasIpv4, hasIpv6, packRanges, toUnits, uint32At } from './address-ranges.ts'
import { formatIpAddress, type IpAddress, parseIpAddress } from './ip-address.ts'

/** A range of addresses of one family, both ends included. */
export interface Cidr {
  readonly first: IpAddress
  readonly last: IpAddress
  /** The canonical spelling, e.g. `10.0.0.0/8`. A single address has no prefix length. */
  readonly text: string
}

/** Tells whether an address lies in one of many ranges. The cost grows with the logarithm of their number. */
export interface CidrSet {
  has(address: IpAddress): boolean
}

/**
 * The IP rules of one write key, for `allowsAddress`: the allowed and the denied ranges in one string, with
 * the start of each part in front. Every cached key may hold one, and two objects with lists take three times
 * as much memory.
 */
export type IpRule = string

/**
 * Reads a CIDR range or a single address, IPv4 or IPv6. Host bits are masked away: `10.1.2.3/8` is
 * `10.0.0.0/8`. `undefined` for anything else, also for a prefix length with a leading zero. An IPv4-mapped
 * range is its IPv4 range (`::ffff:10.0.0.0/104` is `10.0.0.0/8`) and is refused when shorter than /96. IPv6
 * ranges never hold IPv4 addresses.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const address = parseIpAddress(slash === -1 ? text : text.slice(0, slash))
  if (address === undefined) return undefined
  const bits = typeof address === 'number' ? 32 : 128
  if (slash === -1) return { first: address, last: address, text: formatIpAddress(address) }

  const written = text.slice(slash + 1)
  if (!/^(?:0|[1-9]\d{0,2})$/.test(written)) return undefined
  const isMapped = typeof address === 'number' && text.includes(':')
  const prefix = Number(written) - (isMapped ? 96 : 0)
  if (prefix < 0 || prefix > bits) return undefined

  const [first, last] =
    typeof address === 'number' ? toIpv4Range(address, prefix) : toIpv6Range(address, prefix)
  return {
    first,
    last,
    text: prefix === bits ? formatIpAddress(first) : `${formatIpAddress(first)}/${prefix}`,
  }
}

/** Sorts and merges ranges once, so that a lookup is one binary search. */
export function createCidrSet(cidrs: readonly Cidr[]): CidrSet {
  const ipv4 = packRanges(cidrs, 'number')
  const ipv6 = packRanges(cidrs, 'string')
  return {
    has: (address) =>
      typeof address === 'number'
        ? hasIpv4(ipv4, 0, ipv4.length, address)
        : hasIpv6(ipv6, 0, ipv6.length, address),
  }
}

/**
 * Compiles the IP lists of a key; `null` when it has no IP rule. Lists come from `parseRuleFields`. Should a
 * stored entry be unreadable, it allows nobody in an allow list and refuses everybody in a deny list.
 */
export function compileIpRule(lists: {
  allowedIps: readonly string[] | null
  deniedIps: readonly string[] | null
}): IpRule | null {
  const allowed = lists.allowedIps === null ? null : lists.allowedIps.map(parseCidr)
  const denied = (lists.deniedIps ?? []).map(parseCidr)
  if (allowed === null && denied.length === 0) return null
  const isUnreadable = denied.includes(undefined)
  const cidrs = (list: readonly (Cidr | undefined)[]) => list.filter((cidr) => cidr !== undefined)
  return packRule(isUnreadable ? [] : allowed && cidrs(allowed), cidrs(denied))
}

/** Deny wins over allow. An unknown address is refused. */
export function allowsAddress(rule: IpRule, address: IpAddress | undefined): boolean {
  if (address === undefined) return false
  const allowsAll = uint32At(rule, 0) === 1
  const ipv6 = uint32At(rule, 2)
  const ipv4Denied = uint32At(rule, 4)
  const ipv6Denied = uint32At(rule, 6)
  if (typeof address === 'number') {
    if (hasIpv4(rule, ipv4Denied, ipv6Denied, address)) return false
    return allowsAll || hasIpv4(rule, partsLength, ipv6, address)
  }
  if (hasIpv6(rule, ipv6Denied, rule.length, address)) return false
  return allowsAll || hasIpv6(rule, ipv6, ipv4Denied, address)
}

/** The header: whether everything that is not denied is allowed, and where the parts begin. */
const partsLength = 8

function packRule(allowed: readonly Cidr[] | null, denied: readonly Cidr[]): IpRule {
  const parts = [allowed ?? [], denied].flatMap((cidrs) => [
    packRanges(cidrs, 'number'),
    packRanges(cidrs, 'string'),
  ])
  const places: number[] = []
  let place = partsLength
  for (const part of parts) {
    places.push(place)
    place += part.length
  }
  return [allowed === null ? 1 : 0, ...places.slice(1)].map(toUnits).concat(parts).join('')
}

function toIpv4Range(address: number, prefix: number): [number, number] {
  // A shift by 32 shifts by 0 in JavaScript.
  const hostBits = prefix === 0 ? 0xffffffff : ~(0xffffffff << (32 - prefix))
  return [(address & ~hostBits) >>> 0, (address | hostBits) >>> 0]
}

function toIpv6Range(address: string, prefix: number): [string, string] {
  let first = ''
  let last = ''
  for (let i = 0; i < 8; i++) {
    const networkBits = Math.min(16, Math.max(0, prefix - 16 * i))
    const hostBits = 0xffff >>> networkBits
    first += String.fromCharCode(address.charCodeAt(i) & ~hostBits)
    last += String.fromCharCode(address.charCodeAt(i) | hostBits)
  }
  return [first, last]
}
