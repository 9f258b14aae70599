import { formatIpAddress, type IpAddress, parseIpAddress } from './ip-address.ts'

/** A range of addresses of one family, both ends included. */
export interface Cidr {
  readonly first: IpAddress
  readonly last: IpAddress
  /** The one canonical spelling, e.g. `10.0.0.0/8`; a single address is written without its prefix length. */
  readonly text: string
}

/** Says whether an address lies in one of many ranges. The cost grows with the logarithm of their number. */
export interface CidrSet {
  has(address: IpAddress): boolean
}

/** The IP rules of one write key. */
export interface IpRule {
  /** Deny wins over allow. An address that is missing or unreadable is refused. */
  allows(address: string | undefined): boolean
}

/**
 * Reads a CIDR range or a single address, IPv4 or IPv6. Host bits are masked away: `10.1.2.3/8` is `10.0.0.0/8`.
 * `undefined` for anything else, also for a prefix length with a leading zero. An IPv4-mapped range is its IPv4 range
 * (`::ffff:10.0.0.0/104` is `10.0.0.0/8`) and is refused when shorter than /96. IPv6 ranges never hold IPv4 addresses.
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

/** Sorts and merges ranges once, so that a look-up is one binary search. */
export function createCidrSet(cidrs: readonly Cidr[]): CidrSet {
  const ranges = packRanges(cidrs)
  return { has: (address) => hasAddress(ranges, address) }
}

/**
 * Compiles the IP lists of a key; `null` when it has no IP rule. Lists are expected as `parseRuleFields` leaves them. Should a
 * stored entry be unreadable all the same, it allows nobody in an allow list and refuses everybody in a deny list.
 */
export function compileIpRule(lists: {
  allowedIps: readonly string[] | null
  deniedIps: readonly string[] | null
}): IpRule | null {
  const allowed = lists.allowedIps === null ? null : lists.allowedIps.map(parseCidr)
  const denied = (lists.deniedIps ?? []).map(parseCidr)
  if (allowed === null && denied.length === 0) return null
  if (denied.includes(undefined)) return { allows: () => false }

  return new PackedIpRule(
    allowed && packRanges(allowed.filter((cidr) => cidr !== undefined)),
    packRanges(denied.filter((cidr) => cidr !== undefined)),
  )
}

class PackedIpRule implements IpRule {
  readonly #allowed: PackedRanges | null
  readonly #denied: PackedRanges

  constructor(allowed: PackedRanges | null, denied: PackedRanges) {
    this.#allowed = allowed
    this.#denied = denied
  }

  allows(text: string | undefined): boolean {
    const address = text === undefined ? undefined : parseIpAddress(text)
    if (address === undefined || hasAddress(this.#denied, address)) return false
    return this.#allowed === null || hasAddress(this.#allowed, address)
  }
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

/**
 * Ranges as one string of 16-bit code units: in two how many of IPv4 there are; these, four units each; those of IPv6,
 * sixteen each. Both kinds sorted, none overlapping. A cached key holds one or two such lists, and a range of IPv4
 * takes 8 bytes like this, 48 in arrays.
 */
type PackedRanges = string

const ipv4Start = 2
const ipv4Width = 4
const ipv6Width = 16

function packRanges(cidrs: readonly Cidr[]): PackedRanges {
  const ipv4 = mergeRanges(cidrs.filter((cidr) => typeof cidr.first === 'number'))
  const ipv6 = mergeRanges(cidrs.filter((cidr) => typeof cidr.first === 'string'))
  if (ipv4.length === 0 && ipv6.length === 0) return noRanges
  return [
    toUnits(ipv4.length),
    ...[...ipv4, ...ipv6].map(({ first, last }) => toUnits(first) + toUnits(last)),
  ].join('')
}

/** One string for all keys that deny nothing. */
const noRanges: PackedRanges = '\0\0'

function toUnits(address: IpAddress): string {
  return typeof address === 'number' ? String.fromCharCode(address >>> 16, address & 0xffff) : address
}

interface Range {
  readonly first: IpAddress
  last: IpAddress
}

function mergeRanges(cidrs: readonly Cidr[]): readonly Range[] {
  const merged: Range[] = []
  for (const { first, last } of [...cidrs].sort((a, b) =>
    a.first < b.first ? -1 : a.first > b.first ? 1 : 0,
  )) {
    const previous = merged.at(-1)
    if (previous === undefined || first > previous.last) merged.push({ first, last })
    else if (last > previous.last) previous.last = last
  }
  return merged
}

function hasAddress(ranges: PackedRanges, address: IpAddress): boolean {
  const ipv6Start = ipv4Start + ipv4Width * ipv4At(ranges, 0)
  return typeof address === 'number'
    ? hasIpv4(ranges, ipv6Start, address)
    : hasIpv6(ranges, ipv6Start, address)
}

function hasIpv4(ranges: PackedRanges, end: number, address: number): boolean {
  let low = 0
  let high = (end - ipv4Start) / ipv4Width
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ipv4At(ranges, ipv4Start + middle * ipv4Width) <= address) low = middle + 1
    else high = middle
  }
  return low > 0 && address <= ipv4At(ranges, ipv4Start + (low - 1) * ipv4Width + 2)
}

function ipv4At(ranges: PackedRanges, at: number): number {
  return ranges.charCodeAt(at) * 0x10000 + ranges.charCodeAt(at + 1)
}

function hasIpv6(ranges: PackedRanges, start: number, address: string): boolean {
  let low = 0
  let high = (ranges.length - start) / ipv6Width
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareIpv6(ranges, start + middle * ipv6Width, address) <= 0) low = middle + 1
    else high = middle
  }
  return low > 0 && compareIpv6(ranges, start + (low - 1) * ipv6Width + 8, address) >= 0
}

/** Below 0 when the address at this place comes before the other. */
function compareIpv6(ranges: PackedRanges, at: number, address: string): number {
  for (let group = 0; group < 8; group++) {
    const difference = ranges.charCodeAt(at + group) - address.charCodeAt(group)
    if (difference !== 0) return difference
  }
  return 0
}
