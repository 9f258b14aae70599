import { nodeUrl } from '../runtime/built-ins.ts'

/** A host name has at most 253 characters; scheme and port need few more. */
export const maxOriginLength = 300
export const maxHostLength = 253

/**
 * What no host has that a rule means: an empty label, a dot at the end, or a character that a URL parser escapes,
 * folds or refuses. All others are their own canonical spelling. `*` is left out, which browsers escape and Node
 * does not.
 */
const unlikeHost = /^$|^\.|\.\.|\.$|[^a-z\d.\-_~!"$&'()+,;=`{}]/

/**
 * Whether browsers open pages of such a host, or of hosts that begin with these labels: an underscore, a hyphen at the
 * edge and labels of more than 63 characters are all right. Length and Punycode are not checked.
 */
export function isLikeHost(labels: string): boolean {
  return !unlikeHost.test(labels)
}

/** The rule for pages of one's own machine, whatever port a development server has taken. */
export const anyLocalPort = 'http://localhost:*'

/** Whether it is such a page, in the spelling of browsers: no leading zero, and 80 left out. */
export function isLocalPage(origin: string): boolean {
  if (!origin.startsWith('http://localhost')) return false
  const port = origin.slice('http://localhost'.length)
  return port === '' || (/^:[1-9]\d{0,4}$/.test(port) && port !== ':80' && Number(port.slice(1)) <= 65_535)
}

/** The URL of `scheme://host:port`; `undefined` for what browsers could read in different ways. */
export function parseOrigin(text: string): URL | undefined {
  try {
    const url = new URL(text)
    return url.hostname.split('.').every(isDecodable) ? url : undefined
  } catch {
    return undefined
  }
}

/**
 * Whether a label that looks like Punycode is valid. URL parsers differ about invalid ones; Node 24 accepts
 * them.
 */
function isDecodable(label: string): boolean {
  return !label.startsWith('xn--') || /[^\0-\x7f]/.test(nodeUrl().domainToUnicode(label))
}
