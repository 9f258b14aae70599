import type { Caller } from './access.ts'
import { AdminProblem } from './problem.ts'

/**
 * Refuses changes requested by a page of another origin: by `Sec-Fetch-Site`, or by `Origin` where a browser
 * does not send that (Fetch Metadata, W3C). Another host of the same site is another origin: somebody who can
 * write to one subdomain must not act with the session of the other. Browsers send a cookie along by
 * themselves, but never a Bearer token. So a call with a cookie and neither header changes nothing: its
 * origin is unknown.
 *
 * @throws AdminProblem `cross_site_request`
 */
export function assertSameOrigin(
  { headers, url }: Pick<Request, 'headers' | 'url'>,
  identifiedBy: Caller['identifiedBy'],
): void {
  const site = headers.get('sec-fetch-site')
  const isAmbient = identifiedBy === 'application' && headers.has('cookie')
  if (site === 'same-origin') return
  // Not requested by a page: an address typed in, an extension. It may use a token, but not a cookie.
  if (site === 'none' && identifiedBy === 'token') return
  if (site !== null) throw new AdminProblem('cross_site_request')
  const origin = headers.get('origin')
  if (origin === null ? isAmbient : !isOwnOrigin(origin, headers, url)) {
    throw new AdminProblem('cross_site_request')
  }
}

/**
 * Compared with the host, that of the URL where no field names one, and with the scheme where a proxy says it: behind one that ends TLS, nothing else
 * does.
 */
function isOwnOrigin(origin: string, headers: Headers, url: string): boolean {
  const host = first(headers.get('x-forwarded-host')) ?? headers.get('host') ?? new URL(url).host
  const scheme = first(headers.get('x-forwarded-proto'))
  if (!URL.canParse(origin)) return false
  const { protocol, host: originHost } = new URL(origin)
  if (scheme !== undefined && `${scheme.toLowerCase()}:` !== protocol) return false
  // Parsed with the same scheme, so that a default port counts as none.
  const own = `${protocol}//${host}`
  return originHost !== '' && URL.canParse(own) && new URL(own).host === originHost
}

function first(list: string | null): string | undefined {
  return list?.split(',', 1)[0]?.trim()
}
