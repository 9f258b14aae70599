import { parseIpAddress } from './ip-address.ts'
import type { IsPublicSuffix } from './public-suffix.ts'
import { anyLocalPort, maxHostLength, maxOriginLength, parseOrigin } from './web-origin.ts'

/** A rule in canonical spelling, or the problem with it: a sentence that follows the name of the field. */
export type OriginSpelling = { rule: string } | { problem: string }

const opaqueSchemes = new Set(['about', 'blob', 'data', 'file', 'filesystem', 'javascript'])
const nonPageSchemes = new Set(['ftp', 'ws', 'wss'])

/** With underscores, and hyphens at the edge of a label: such hosts exist in practice, and browsers open them. */
const ruleHost = /^(?:[a-z0-9_-]{1,63}(?:\.(?!$)|$))+$/

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
  // Escapes, spaces, quotes and the like: a URL parser would fold some of them into another host.
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
  if (host.length > maxHostLength || !ruleHost.test(host)) {
    return {
      problem:
        'must have a host name of letters, digits, hyphens and underscores, without empty labels or a dot at the end',
    }
  }
  return { rule: url.origin }
}

function isIpHost(hostname: string): boolean {
  return hostname.startsWith('[') || parseIpAddress(hostname) !== undefined
}

function describeExcess(excess: string): string {
  if (excess === '/') return 'a slash at the end'
  return excess.startsWith('/') ? 'a path' : excess.startsWith('?') ? 'a query' : 'a fragment'
}
