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
  const ipv4 = mergeRanges(cidrs.filter((cidr) => typeof cidr.first === 'number'))
  const ipv6 = mergeRanges(cidrs.filter((cidr) => typeof cidr.first === 'string'))
  return {
    has: (address) => hasAddress(typeof address === 'number' ? ipv4 : ipv6, address),
  }
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

  const allowedSet = allowed && createCidrSet(allowed.filter((cidr) => cidr !== undefined))
  const deniedSet = createCidrSet(denied.filter((cidr) => cidr !== undefined))
  return {
    allows(text) {
      const address = text === undefined ? undefined : parseIpAddress(text)
      if (address === undefined || deniedSet.has(address)) return false
      return allowedSet === null || allowedSet.has(address)
    },
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

interface MergedRanges {
  readonly firsts: readonly IpAddress[]
  readonly lasts: readonly IpAddress[]
}

function mergeRanges(cidrs: readonly Cidr[]): MergedRanges {
  const firsts: IpAddress[] = []
  const lasts: IpAddress[] = []
  for (const { first, last } of [...cidrs].sort((a, b) =>
    a.first < b.first ? -1 : a.first > b.first ? 1 : 0,
  )) {
    const previous = lasts.at(-1)
    if (previous !== undefined && first <= previous) {
      if (last > previous) lasts[lasts.length - 1] = last
    } else {
      firsts.push(first)
      lasts.push(last)
    }
  }
  // Copies have the length they need; what grew by pushing has room for 17.
  return firsts.length === 0 ? noRanges : { firsts: firsts.slice(), lasts: lasts.slice() }
}

const noRanges: MergedRanges = { firsts: [], lasts: [] }

function hasAddress({ firsts, lasts }: MergedRanges, address: IpAddress): boolean {
  let low = 0
  let high = firsts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((firsts[middle] as IpAddress) <= address) low = middle + 1
    else high = middle
  }
  return low > 0 && address <= (lasts[low - 1] as IpAddress)
}
