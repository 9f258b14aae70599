import { parseIpAddress } from './ip-address.ts'
import type { IsPublicSuffix } from './public-suffix.ts'
import { anyLocalPort, isLikeHost, maxHostLength, maxOriginLength, parseOrigin } from './web-origin.ts'

/** A rule in canonical spelling, or the problem with it: a sentence that follows the name of the field. */
export type OriginSpelling = { rule: string } | { problem: string }

const opaqueSchemes = new Set(['about', 'blob', 'data', 'file', 'filesystem', 'javascript'])
const nonPageSchemes = new Set(['ftp', 'ws', 'wss'])

/**
 * What comes from a list, from quotes, or from a pattern or placeholder. Browsers open hosts with some of these
 * characters, but a rule that has them is more likely a mistake, which would allow nobody. Wildcards cover such hosts.
 */
const mistakes: readonly (readonly [RegExp, string])[] = [
  [
    /[\\^$()|{}]|\/\/\.\*|[.\]]\+|^\/.*\/[a-z]*$/,
    'must not be a regular expression or a placeholder: write https://*.example.com for all subdomains',
  ],
  [/["'`]/, 'must be written without quotes'],
  [
    /^[^/?#]*:\/\/[^/?#]*(?:[,;]|\s[a-z]+:)/i,
    'must be a single origin: give each origin an entry of its own, without , or ; between them',
  ],
]

/**
 * Checks an origin rule for saving and returns its canonical spelling: lower case, U-labels as A-labels, no
 * default port. Accepts exact origins (http, https, and app schemes such as `capacitor://localhost`, whose
 * host is kept as written), `https://*.example.com`, with a port if need be, and `http://localhost:*`. `problem` completes
 * "allowedOrigins[2] …".
 * @param isPublicSuffix refuses a wildcard on names that anybody can register
 */
export function normalizeOriginRule(text: string, isPublicSuffix: IsPublicSuffix): OriginSpelling {
  if (text === '') return { problem: 'must not be empty' }
  if (text === '*') return { problem: 'must name an origin; for any origin set the list to null' }
  if (text === 'null')
    return { problem: 'must name an origin: every sandboxed page and local file sends null' }
  if (text.length > maxOriginLength) return { problem: `must have at most ${maxOriginLength} characters` }
  const mistake = findMistake(text)
  if (mistake !== undefined) return { problem: mistake }
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
  if (`${scheme}://${rest.toLowerCase()}` === anyLocalPort) return { rule: anyLocalPort }
  if (rest.includes('@')) return { problem: 'must not have a user name or password' }
  if (scheme !== 'http' && scheme !== 'https') return normalizeAppOrigin(scheme, rest)
  return rest.includes('*')
    ? normalizeWildcard(scheme, rest, isPublicSuffix)
    : normalizeWebOrigin(scheme, rest)
}

function normalizeAppOrigin(scheme: string, host: string): OriginSpelling {
  if (host.includes('*')) return { problem: 'must be written out: * works with http and https only' }
  // `app://.` is what many Electron apps serve their pages from.
  if (host !== '.' && !/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::[1-9]\d{0,4})?$/i.test(host)) {
    return { problem: 'must have nothing but a host name after ://, as in capacitor://localhost' }
  }
  return { rule: `${scheme}://${host}` }
}

function normalizeWildcard(scheme: string, rest: string, isPublicSuffix: IsPublicSuffix): OriginSpelling {
  if (rest.endsWith(':*'))
    return { problem: 'must name its port: * as a port works in http://localhost:* only' }
  if (!rest.startsWith('*.') || rest.includes('*', 1)) {
    return { problem: 'must have * only as the whole first label, as in https://*.example.com' }
  }
  const parent = normalizeWebOrigin(scheme, rest.slice(2))
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

function normalizeWebOrigin(scheme: string, rest: string): OriginSpelling {
  // A URL parser takes blanks out and decodes escapes, and so would save another host than the one that was written.
  const url = /^[^\0-\x20\x7f%]+$/.test(rest) ? parseOrigin(`${scheme}://${rest}`) : undefined
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
  // Other scripts have forms of ASCII characters, which are these in a host.
  const problem = findMistake(url.origin) ?? hostProblem(host)
  return problem === undefined ? { rule: url.origin } : { problem }
}

function findMistake(text: string): string | undefined {
  return mistakes.find(([pattern]) => pattern.test(text))?.[1]
}

function hostProblem(host: string): string | undefined {
  if (host.length > maxHostLength) return `must have a host name of at most ${maxHostLength} characters`
  if (host.endsWith('.')) return 'must have a host name without a dot at the end'
  return isLikeHost(host) ? undefined : 'must have a host name without empty labels, as in app.example.com'
}

function isIpHost(hostname: string): boolean {
  return hostname.startsWith('[') || parseIpAddress(hostname) !== undefined
}

function describeExcess(excess: string): string {
  if (excess === '/') return 'a slash at the end'
  return excess.startsWith('/') ? 'a path' : excess.startsWith('?') ? 'a query' : 'a fragment'
}
