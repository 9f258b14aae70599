import type { IpAddress } from './ip-address.ts'

/** Both ends included. */
export interface AddressRange {
  readonly first: IpAddress
  readonly last: IpAddress
}

/**
 * Ranges of one family as a string of 16-bit code units, sorted, none overlapping: two for an IPv4 address,
 * eight for an IPv6 one. An IPv4 range takes 8 bytes like this, 48 in arrays.
 */
export type PackedRanges = string

const ipv4Width = 4
const ipv6Width = 16

/** @param family the family to check for: a number stands for IPv4, a string for IPv6 */
export function packRanges(ranges: readonly AddressRange[], family: 'number' | 'string'): PackedRanges {
  return mergeRanges(ranges.filter(({ first }) => typeof first === family))
    .flatMap(({ first, last }) => [toUnits(first), toUnits(last)])
    .join('')
}

export function toUnits(address: IpAddress): string {
  return typeof address === 'number' ? String.fromCharCode(address >>> 16, address & 0xffff) : address
}

/** The number whose two units stand at this place. */
export function uint32At(packed: string, at: number): number {
  return packed.charCodeAt(at) * 0x10000 + packed.charCodeAt(at + 1)
}

function mergeRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const merged: { first: IpAddress; last: IpAddress }[] = []
  for (const { first, last } of [...ranges].sort((a, b) =>
    a.first < b.first ? -1 : a.first > b.first ? 1 : 0,
  )) {
    const previous = merged.at(-1)
    if (previous === undefined || first > previous.last) merged.push({ first, last })
    else if (last > previous.last) previous.last = last
  }
  return merged
}

/**
 * Whether a range between these two places has the address. The cost grows with the logarithm of their
 * number.
 */
export function hasIpv4(packed: string, start: number, end: number, address: number): boolean {
  let low = 0
  let high = (end - start) / ipv4Width
  while (low < high) {
    const middle = (low + high) >>> 1
    if (uint32At(packed, start + middle * ipv4Width) <= address) low = middle + 1
    else high = middle
  }
  return low > 0 && address <= uint32At(packed, start + (low - 1) * ipv4Width + ipv4Width / 2)
}

/** As `hasIpv4`. */
export function hasIpv6(packed: string, start: number, end: number, address: string): boolean {
  let low = 0
  let high = (end - start) / ipv6Width
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareIpv6(packed, start + middle * ipv6Width, address) <= 0) low = middle + 1
    else high = middle
  }
  return low > 0 && compareIpv6(packed, start + (low - 1) * ipv6Width + ipv6Width / 2, address) >= 0
}

/** Below 0 when the address at this place comes before the other. */
function compareIpv6(packed: string, at: number, address: string): number {
  for (let group = 0; group < ipv6Width / 2; group++) {
    const difference = packed.charCodeAt(at + group) - address.charCodeAt(group)
    if (difference !== 0) return difference
  }
  return 0
}
