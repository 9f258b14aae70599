import type { FieldValues } from '../http/ingest-request.ts'

/**
 * Whether a page in a browser made the request: it has an `Origin`, or, since images and GETs within a site
 * have none, a `Sec-Fetch-Site` (Fetch Metadata Request Headers, section 2.4) that is not `none`, which a
 * browser sends when no page is involved. Servers send neither; Node's `fetch` sends `Sec-Fetch-Mode` alone.
 */
export function isFromPage(headers: FieldValues): boolean {
  if (headers.origin !== undefined) return true
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'none'
}

/**
 * The origin of the page that made a request: the `Origin`, or that of the `Referer` where the browser sends
 * none. `undefined` when it cannot be told, as under `Referrer-Policy: no-referrer`. Repeated headers are
 * joined, which no rule matches.
 * @param headers of a request of which `isFromPage` is true
 */
export function pageOrigin(headers: FieldValues): string | undefined {
  const { origin, referer } = headers
  if (origin !== undefined) return typeof origin === 'string' ? origin : origin.join(', ')
  return typeof referer === 'string' ? originOfUrl(referer) : undefined
}

function originOfUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { origin, protocol, host } = new URL(text)
  if (origin !== 'null') return origin
  // The URL parser knows an origin only for the web's own schemes; pages of an app send
  // `capacitor://localhost`.
  return host === '' ? undefined : `${protocol}//${host}`
}
