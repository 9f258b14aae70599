import { type IpAddress, parseSenderAddress } from '../rules/ip-address.ts'

/**
 * Leading code units (16 bits each) of a parsed IPv6 address that name its /64, which one subscriber usually
 * owns.
 */
const networkUnits = 4

/** Who pays for wrong keys: the IPv4 address, or the /64 of an IPv6 one; `unknown` when it cannot be told. */
export function addressSource(address: string | undefined): string {
  return networkOf(address === undefined ? undefined : parseSenderAddress(address))
}

/** The same for a parsed address. */
export function networkOf(parsed: IpAddress | undefined): string {
  if (parsed === undefined) return 'unknown'
  return typeof parsed === 'number' ? String(parsed) : parsed.slice(0, networkUnits)
}
