/**
 * An address free of its spelling: IPv4 as an unsigned 32-bit number, IPv6 as a string of its eight groups,
 * one UTF-16 code unit each. Two addresses of one family compare with `===` and `<`. IPv4-mapped IPv6 is
 * IPv4. Not for display: see `formatIpAddress`.
 */
export type IpAddress = number | string

/** The longest spelling: six groups in full and a dotted tail. */
const maxTextLength = 45

/**
 * Reads one IP address, strictly: no zone id, port, brackets or white space, no octet above 255 or with a
 * leading zero, no short forms. Anything else is `undefined`. IPv4-mapped IPv6 (`::ffff:a.b.c.d`, in every
 * spelling) becomes IPv4; NAT64, 6to4, Teredo, IPv4-compatible and `::ffff:0:a.b.c.d` stay IPv6. RFC 4291
 * section 2.2.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.length > maxTextLength) return undefined
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/**
 * Reads the address of a sender, as Node tells it of a socket: that of a link has its zone (`fe80::1%eth0`), which is left out. The zone is
 * the name of an interface of the machine that says it, and no part of the address (RFC 4007, 11.2).
 */
export function parseSenderAddress(text: string): IpAddress | undefined {
  const zone = text.indexOf('%')
  if (zone === -1) return parseIpAddress(text)
  const address = zonePattern.test(text.slice(zone)) ? parseIpAddress(text.slice(0, zone)) : undefined
  return typeof address === 'string' && (address.charCodeAt(0) & 0xffc0) === 0xfe80 ? address : undefined
}

/** RFC 6874 section 2, without escapes. */
const zonePattern = /^%[\w.~-]{1,64}$/

/**
 * The one canonical text of an address: dotted decimal, or RFC 5952. `parseIpAddress` reads it back
 * unchanged.
 */
export function formatIpAddress(address: IpAddress): string {
  if (typeof address === 'number') {
    return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
  }
  const zeros = findLongestZeroRun(address)
  const head = formatGroups(address, 0, zeros.start)
  return zeros.end > zeros.start ? `${head}::${formatGroups(address, zeros.end, 8)}` : head
}

function parseIpv4(text: string): number | undefined {
  let address = 0
  let octet = -1
  let octets = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x2e) {
      if (octet === -1 || octets === 3) return undefined
      address = address * 256 + octet
      octets++
      octet = -1
    } else if (code < 0x30 || code > 0x39 || octet === 0) {
      // After a 0 only a dot may follow: 010 is 8 to some readers and 10 to others.
      return undefined
    } else {
      octet = (octet === -1 ? 0 : octet * 10) + code - 0x30
      if (octet > 255) return undefined
    }
  }
  return octets === 3 && octet !== -1 ? address * 256 + octet : undefined
}

function parseIpv6(text: string): IpAddress | undefined {
  const groups = [0, 0, 0, 0, 0, 0, 0, 0]
  let count = 0
  let gap = -1
  let position = 0
  if (text.startsWith('::')) {
    gap = 0
    position = 2
  }
  while (position < text.length) {
    if (count === 8) return undefined
    const start = position
    let group = 0
    for (; position < text.length; position++) {
      const digit = toHexDigit(text.charCodeAt(position))
      if (digit === -1) break
      group = group * 16 + digit
    }
    if (position < text.length && text.charCodeAt(position) === 0x2e) {
      const tail = parseIpv4(text.slice(start))
      if (tail === undefined || count > 6) return undefined
      groups[count++] = tail >>> 16
      groups[count++] = tail & 0xffff
      break
    }
    if (position === start || position - start > 4) return undefined
    groups[count++] = group
    if (position === text.length) break
    if (text.charCodeAt(position++) !== 0x3a || position === text.length) return undefined
    if (text.charCodeAt(position) === 0x3a) {
      if (gap !== -1) return undefined
      gap = count
      position++
    }
  }
  if (gap === -1 ? count !== 8 : count === 8) return undefined
  // The groups after the gap belong at the end of the eight.
  for (let from = count - 1, to = 7; gap !== -1 && from >= gap; from--, to--) {
    groups[to] = groups[from] as number
    groups[from] = 0
  }
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  if (f === 0xffff && (a | b | c | d | e) === 0) return g * 0x10000 + h
  return String.fromCharCode(a, b, c, d, e, f, g, h)
}

function toHexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/**
 * RFC 5952 section 4.2: the longest run of two or more zero groups, the first of equals; empty when there is
 * none.
 */
function findLongestZeroRun(groups: string): { start: number; end: number } {
  let longest = { start: 8, end: 8 }
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups.charCodeAt(end) === 0) end++
    if (end - start >= 2 && end - start > longest.end - longest.start) longest = { start, end }
    start = end
  }
  return longest
}

function formatGroups(groups: string, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) text += (i === start ? '' : ':') + groups.charCodeAt(i).toString(16)
  return text
}
