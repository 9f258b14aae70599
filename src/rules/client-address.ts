import type { FieldValues } from '../http/ingest-request.ts'
import { badOption } from '../runtime/config-error.ts'
import { badAnswer } from '../runtime/option-answer.ts'
import { formatIpAddress, type IpAddress, parseSenderAddress } from './ip-address.ts'
import { createCidrSet, parseCidr } from './ip-rule.ts'

/**
 * Who may speak for the client in `X-Forwarded-For`: the number of proxies in front (0 = none, the default),
 * the CIDR ranges they connect from, or a function that is given the canonical address and its distance (0 =
 * the socket) and trusts by returning `true`. It must not be async: a promise, or another value that only seems to
 * be true, refuses the request with 503.
 */
export type TrustedProxies = number | readonly string[] | ((address: string, hop: number) => boolean)

/**
 * Resolves the client's address in canonical text; `undefined` when it cannot be told. Never throws because
 * of what a client sent; only when a function of the application throws, or returns a promise.
 */
export type ResolveClientAddress = (ip: string | undefined, headers: FieldValues) => string | undefined

/** A client's address, read once for a request. */
export interface ClientAddress {
  /** The one canonical text. */
  readonly text: string
  readonly parsed: IpAddress
}

/** The same with the address parsed, for rules. */
export type FindClientAddress = (ip: string | undefined, headers: FieldValues) => ClientAddress | undefined

/** Longer than any address with brackets, quotes and a port. */
const maxEntryLength = 64

/**
 * Creates the function that tells a client's address from the socket's address and `X-Forwarded-For`.
 *
 * - nothing trusted: the socket's address, the header is ignored;
 * - a hop count: the entry that many steps left of the socket; a header with fewer entries tells nothing;
 * - CIDR ranges or a function: from the right, the first address that is not trusted; the left-most when all
 *   are.
 *
 * An entry that is not an address (`unknown`, empty, a name) is never skipped: where it decides, the answer
 * is `undefined`. `Forwarded`, `X-Real-IP` and the like are never read.
 *
 * @throws ConfigError for anything else, above all `true`, which would let every client choose its address.
 */
export function createClientAddress(trustedProxies: TrustedProxies | undefined): ResolveClientAddress {
  const find = createAddressFinder(trustedProxies)
  return (ip, headers) => find(ip, headers)?.text
}

/** `createClientAddress` for callers that also need the parsed address. @throws ConfigError */
export function createAddressFinder(trustedProxies: TrustedProxies | undefined): FindClientAddress {
  if (trustedProxies === undefined || trustedProxies === 0) return (ip) => readAddress(ip)
  if (typeof trustedProxies === 'function')
    return resolveByTrust(({ text }, hop) => isTrue(trustedProxies(text, hop)))
  if (Array.isArray(trustedProxies)) return resolveByTrust(trustRanges(trustedProxies))
  if (typeof trustedProxies === 'number' && Number.isSafeInteger(trustedProxies) && trustedProxies > 0) {
    return resolveByHopCount(trustedProxies)
  }
  throw badOption(
    'trustedProxies',
    trustedProxies,
    'the number of proxies in front (0, 1, 2, ...), a list of CIDR ranges such as ["10.0.0.0/8"], or a function',
  )
}

/** @throws ConfigError for what only seems to be true, such as a promise */
function isTrue(returned: unknown): boolean {
  if (Boolean(returned) === (returned === true)) return returned === true
  throw badAnswer('trustedProxies', returned, 'true or false')
}

function trustRanges(ranges: readonly unknown[]): (address: ClientAddress) => boolean {
  const trusted = createCidrSet(
    // Array.from visits holes, which map would skip.
    Array.from(ranges, (range) => {
      const cidr = typeof range === 'string' ? parseCidr(range) : undefined
      if (cidr === undefined) {
        throw badOption(
          'trustedProxies',
          range,
          'a list of CIDR ranges or addresses such as ["10.0.0.0/8", "::1"], without a zone such as %eth0',
        )
      }
      return cidr
    }),
  )
  return ({ parsed }) => trusted.has(parsed)
}

function resolveByHopCount(hops: number): FindClientAddress {
  return (_ip, headers) => {
    const forwarded = readForwardedFor(headers)
    let end = forwarded.length
    let start = previousComma(forwarded, end) + 1
    for (let hop = 1; hop < hops; hop++) {
      if (start === 0) return undefined
      end = start - 1
      start = previousComma(forwarded, end) + 1
    }
    return parseForwardedEntry(forwarded.slice(start, end))
  }
}

function resolveByTrust(isTrusted: (address: ClientAddress, hop: number) => boolean): FindClientAddress {
  return (ip, headers) => {
    let address = readAddress(ip)
    if (address === undefined || !isTrusted(address, 0)) return address

    const forwarded = readForwardedFor(headers)
    if (forwarded === '') return address
    let end = forwarded.length
    for (let hop = 1; end !== -1; hop++) {
      const comma = previousComma(forwarded, end)
      address = parseForwardedEntry(forwarded.slice(comma + 1, end))
      if (address === undefined || !isTrusted(address, hop)) return address
      end = comma
    }
    return address
  }
}

/** Repeated lines count as one list, in order (RFC 9110 section 5.3). Blank is the same as absent. */
function readForwardedFor(headers: FieldValues): string {
  const value = headers['x-forwarded-for'] ?? ''
  const joined = typeof value === 'string' ? value : value.join(',')
  return trimBlanks(joined) === '' ? '' : joined
}

/**
 * The last comma before `end`, or -1. `lastIndexOf` takes a negative start for 0, so it would find a leading
 * comma forever.
 */
function previousComma(text: string, end: number): number {
  return end > 0 ? text.lastIndexOf(',', end - 1) : -1
}

/**
 * `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5`, each also in double quotes. Proxies that run on Node add the
 * zone of an address that has one.
 */
function parseForwardedEntry(entry: string): ClientAddress | undefined {
  let host = trimBlanks(entry)
  if (host.length > maxEntryLength) return undefined
  if (host.startsWith('"')) {
    if (host.length < 2 || !host.endsWith('"')) return undefined
    host = host.slice(1, -1)
  }
  if (host.startsWith('[')) {
    const bracketed = /^\[([^\]]*:[^\]]*)\](?::\d{1,5})?$/.exec(host)
    return readAddress(bracketed?.[1])
  }
  const withPort = /^([\d.]+):\d{1,5}$/.exec(host)
  return readAddress(withPort?.[1] ?? host)
}

function readAddress(text: string | undefined): ClientAddress | undefined {
  const parsed = typeof text === 'string' ? parseSenderAddress(text) : undefined
  if (text === undefined || parsed === undefined) return undefined
  // Dotted decimal has one spelling only.
  return { text: text.includes(':') ? formatIpAddress(parsed) : text, parsed }
}

function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
