import { AdminProblem } from './problem.ts'

/**
 * Refuses changes that another site's page asks for: by `Sec-Fetch-Site`, or by `Origin` where a browser sends none
 * (Fetch Metadata, W3C). A Bearer token is never sent along by itself; a session cookie behind `authorize` is.
 *
 * @throws AdminProblem `cross_site_request`
 */
export function assertSameSite(headers: Headers): void {
  const site = headers.get('sec-fetch-site')
  if (site === 'cross-site') throw new AdminProblem('cross_site_request')
  if (site !== null) return
  const origin = headers.get('origin')
  if (origin !== null && hostOf(origin) !== (headers.get('x-forwarded-host') ?? headers.get('host'))) {
    throw new AdminProblem('cross_site_request')
  }
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}
