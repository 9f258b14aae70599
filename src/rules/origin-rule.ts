import { domainToUnicode } from '../runtime/built-ins.ts'
import { parseIpAddress } from './ip-address.ts'
import type { IsPublicSuffix } from './public-suffix.ts'

/**
 * The origin rules of one write key, for `allowsOrigin`: one as it is written, or a few; for long lists an index. Every
 * cached key may hold one, so short lists have no object around them, and no sets.
 */
export type OriginRule = string | readonly string[] | OriginIndex

/** A host name has at most 253 characters; scheme and port need few more. */
const maxOriginLength = 300
const maxHostLength = 253

const opaqueSchemes = new Set(['about', 'blob', 'data', 'file', 'filesystem', 'javascript'])
const nonPageSchemes = new Set(['ftp', 'ws', 'wss'])

/** Letters, digits and hyphens, hyphens inside only: what a wildcard may stand for. */
const strictHost = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.(?!$)|$))+$/
/** Exact rules may also name hosts with underscores, which exist in practice. */
const exactHost = /^(?:[a-z0-9_-]{1,63}(?:\.(?!$)|$))+$/

/**
 * Checks an origin rule for saving and brings it to its one spelling: lower case, U-labels as A-labels, no default port.
 * Accepts exact origins (http, https, and app schemes such as `capacitor://localhost`, whose host is kept as written) and
 * `https://*.example.com`, with a port if need be. `problem` completes "allowedOrigins[2] …".
 * @param isPublicSuffix refuses a wildcard on names that anybody can get
 */
export function normalizeOriginRule(
  text: string,
  isPublicSuffix: IsPublicSuffix,
): { rule: string } | { problem: string } {
  if (text === '') return { problem: 'must not be empty' }
  if (text === '*') return { problem: 'must name an origin; for any origin set the list to null' }
  if (text === 'null')
    return { problem: 'must name an origin: every sandboxed page and local file sends null' }
  if (text.length > maxOriginLength) return { problem: `must have at most ${maxOriginLength} characters` }
  if (/[\\^$()|{}+]|\/\/\.\*|^\/.*\/[a-z]*$/.test(text)) {
    return { problem: 'must not be a regular expression: write https://*.example.com for all subdomains' }
  }
  const [, writtenScheme, rest] = /^([a-z][a-z0-9.-]*):\/\/(.*)$/is.exec(text) ?? []
  if (writtenScheme === undefined || rest === undefined) {
    return { problem: 'must be an origin with its scheme, such as https://app.example.com' }
  }
  const scheme = writtenScheme.toLowerCase()
  if (opaqueSchemes.has(scheme)) return { problem: `must not use ${scheme}: such pages send the origin null` }
  if (nonPageSchemes.has(scheme))
    return { problem: 'must be the origin of a page, which begins with https:// or http://' }

  const end = rest.search(/[/?#]/)
  if (end !== -1) {
    const origin = normalizeOriginRule(`${scheme}://${rest.slice(0, end)}`, isPublicSuffix)
    return {
      problem: `must not have ${describeExcess(rest.slice(end))}${'rule' in origin ? `: write ${origin.rule}` : ''}`,
    }
  }
  if (rest.includes('@')) return { problem: 'must not have a user name or password' }
  if (scheme !== 'http' && scheme !== 'https') return normalizeAppOrigin(scheme, rest)
  return rest.includes('*')
    ? normalizeWildcard(scheme, rest, isPublicSuffix)
    : normalizeWebOrigin(scheme, rest, exactHost)
}

/**
 * Compiles the origin list of a key; `null` when it has no origin rule, and `[]` allows no origin at all. An entry that
 * `normalizeOriginRule` refuses matches nothing; of public suffixes only top-level domains are known here, the list is asked when a rule is saved. The cost of a decision does not grow with the number of rules.
 */
export function compileOriginRule(allowedOrigins: readonly string[] | null): OriginRule | null {
  if (allowedOrigins === null) return null
  const rules: string[] = []
  for (const text of allowedOrigins) {
    const result = normalizeOriginRule(text, isTopLevel)
    // What has been saved is canonical: the text itself, as a URL's origin would be kept with the whole URL.
    if ('rule' in result) rules.push(result.rule === text ? text : result.rule)
  }
  if (rules.length > maxListed) return indexOrigins(rules)
  // A copy has the length it needs; what grew by pushing has room for 17.
  return rules.length === 1 ? (rules[0] as string) : rules.slice()
}

function isTopLevel(host: string): boolean {
  return !host.includes('.')
}

/** From here on looking at each rule takes longer than the sets of an index. */
const maxListed = 16

/**
 * Whether a presented `Origin` may use the key. It counts only in the spelling a browser sends (RFC 6454 section 6.2):
 * nothing is folded. `null` never matches.
 */
export function allowsOrigin(rule: OriginRule, origin: string): boolean {
  if (typeof rule === 'string') return matchesRule(rule, origin)
  if (!isList(rule)) return isIndexed(rule, origin)
  for (let index = 0; index < rule.length; index++) {
    if (matchesRule(rule[index] as string, origin)) return true
  }
  return false
}

function isList(rule: readonly string[] | OriginIndex): rule is readonly string[] {
  return Array.isArray(rule)
}

function matchesRule(rule: string, origin: string): boolean {
  // A rule is canonical, so whatever equals one is canonical too. A wildcard equals no canonical origin.
  if (rule === origin) return rule.charCodeAt(hostStartOf(rule)) !== asterisk
  return rule.charCodeAt(hostStartOf(rule)) === asterisk && isBelow(rule, origin)
}

/** For a web origin; of an app's it is somewhere in the name. */
function hostStartOf(rule: string): number {
  return rule.charCodeAt('http'.length) === colon ? 'http://'.length : 'https://'.length
}

/** @param rule a wildcard: its scheme, `*.`, and what has to remain of an origin once labels are taken off */
function isBelow(rule: string, origin: string): boolean {
  const hostStart = hostStartOf(rule)
  const suffixStart = hostStart + 1
  const dot = origin.length - (rule.length - suffixStart)
  if (dot <= hostStart || origin.length > maxOriginLength) return false
  for (let index = rule.length - 1, at = origin.length - 1; index >= suffixStart; index--, at--) {
    if (rule.charCodeAt(index) !== origin.charCodeAt(at)) return false
  }
  return origin.startsWith(rule.slice(0, hostStart)) && isCanonical(origin, hostStart, dot)
}

const asterisk = 42
const colon = 58

/** For long lists: the cost of a decision does not grow with their length. */
interface OriginIndex {
  readonly exact: ReadonlySet<string>
  /** Wildcards without their `*.`: what has to remain of an origin once labels are taken off. */
  readonly parents: ReadonlySet<string>
  readonly longestParent: number
}

function indexOrigins(rules: readonly string[]): OriginIndex {
  const exact = new Set(rules.filter((rule) => !rule.includes('*')))
  const parents = new Set(rules.filter((rule) => rule.includes('*')).map((rule) => rule.replace('*.', '')))
  let longestParent = 0
  for (const parent of parents) longestParent = Math.max(longestParent, parent.length)
  return { exact, parents, longestParent }
}

function isIndexed({ exact, parents, longestParent }: OriginIndex, origin: string): boolean {
  if (exact.has(origin)) return true
  if (parents.size === 0) return false
  if (origin.length > maxOriginLength) return false
  const hostStart = origin.startsWith('https://') ? 8 : origin.startsWith('http://') ? 7 : -1
  if (hostStart === -1) return false
  const scheme = origin.slice(0, hostStart)
  // What follows an earlier dot is longer than any rule; a host of a hundred labels costs no more than one of ten.
  const firstDot = Math.max(hostStart, hostStart + origin.length - 1 - longestParent)
  for (let dot = origin.indexOf('.', firstDot); dot !== -1; dot = origin.indexOf('.', dot + 1)) {
    if (parents.has(scheme + origin.slice(dot + 1))) return isCanonical(origin, hostStart, dot)
  }
  return false
}

/** For an origin that equals a rule after `dot`, so that only what stands before it is in doubt. */
function isCanonical(origin: string, hostStart: number, dot: number): boolean {
  const port = origin.indexOf(':', dot)
  const hostLength = (port === -1 ? origin.length : port) - hostStart
  const labels = origin.slice(hostStart, dot)
  if (hostLength > maxHostLength || !strictHost.test(labels)) return false
  // Lower-case letters, digits and hyphens are their own canonical spelling, unless they claim to be Punycode.
  return !labels.includes('xn--') || parseOrigin(origin)?.origin === origin
}

function normalizeAppOrigin(scheme: string, host: string): { rule: string } | { problem: string } {
  if (host.includes('*')) return { problem: 'must be written out: * works with http and https only' }
  if (!/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::[1-9]\d{0,4})?$/i.test(host)) {
    return { problem: 'must have nothing but a host name after ://, as in capacitor://localhost' }
  }
  return { rule: `${scheme}://${host}` }
}

function normalizeWildcard(
  scheme: string,
  rest: string,
  isPublicSuffix: IsPublicSuffix,
): { rule: string } | { problem: string } {
  if (!rest.startsWith('*.') || rest.includes('*', 1)) {
    return { problem: 'must have * only as the whole first label, as in https://*.example.com' }
  }
  const parent = normalizeWebOrigin(scheme, rest.slice(2), strictHost)
  if ('problem' in parent) return parent
  const { hostname, host } = new URL(parent.rule)
  if (isIpHost(hostname)) return { problem: 'must not have * in front of an IP address' }
  if (isPublicSuffix(hostname)) {
    return {
      problem: `must not span ${hostname}, where anybody can get a name: write https://*.yours.${hostname} or exact origins`,
    }
  }
  return { rule: `${scheme}://*.${host}` }
}

function normalizeWebOrigin(
  scheme: string,
  rest: string,
  allowedHost: RegExp,
): { rule: string } | { problem: string } {
  // Escapes, spaces, quotes and the like: a URL parser would fold some of them into a host that nobody wrote.
  const isHostAndPort = /^[\w.:[\]\u0080-\u{10ffff}-]+$/u.test(rest)
  const url = isHostAndPort ? parseOrigin(`${scheme}://${rest}`) : undefined
  if (url === undefined)
    return {
      problem: 'must have nothing but a host name and a port after ://, as in https://app.example.com',
    }
  const host = url.hostname
  if (isIpHost(host)) {
    const isShortForm = !host.startsWith('[') && rest !== host && !rest.startsWith(`${host}:`)
    return isShortForm
      ? { problem: `must have the IP address in full: write ${url.origin}` }
      : { rule: url.origin }
  }
  if (host.length > maxHostLength || !allowedHost.test(host)) {
    return {
      problem:
        'must have a host name of letters, digits and hyphens, without empty labels or a dot at the end',
    }
  }
  return { rule: url.origin }
}

function parseOrigin(text: string): URL | undefined {
  try {
    const url = new URL(text)
    return url.hostname.split('.').every(isDecodable) ? url : undefined
  } catch {
    return undefined
  }
}

/** Whether a label that claims to be Punycode is: URL parsers differ in what they make of one that is not, Node 24's takes it. */
function isDecodable(label: string): boolean {
  return !label.startsWith('xn--') || /[^\0-\x7f]/.test(domainToUnicode(label))
}

function isIpHost(hostname: string): boolean {
  return hostname.startsWith('[') || parseIpAddress(hostname) !== undefined
}

function describeExcess(excess: string): string {
  if (excess === '/') return 'a slash at the end'
  return excess.startsWith('/') ? 'a path' : excess.startsWith('?') ? 'a query' : 'a fragment'
}
