import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { allowsOrigin, compileOriginRule } from '../rules/origin-rule.ts'
import { answerPreflight } from '../verifier/cors.ts'
import { isFromPage, pageOrigin } from '../verifier/page-origin.ts'
import type { WriteKeys } from '../write-keys-interface.ts'

/** Which pages may have their events forwarded. */
export interface PagePolicy {
  /** Answers a CORS preflight; undefined for every other request, and for pages that may not send. */
  preflight(request: IngestRequest): Reply | undefined
  /** @param url of the request; its host is used where no header names one */
  judge(request: IngestRequest, url: string): PageVerdict
}

interface PageVerdict {
  readonly allowed: boolean
  readonly allowOrigin: string | null
  /** Only a key that names the page's origin may let it through. */
  readonly needsKeyWithOrigin?: boolean
}

/**
 * @param origins the option; undefined: the handler's own origin, and what the keys name
 * @param keys these check the origins that they name themselves
 */
export function createPagePolicy(
  origins: readonly string[] | undefined,
  keys: Pick<WriteKeys, 'preflight'> | undefined,
): PagePolicy {
  const rule = origins === undefined ? null : compileOriginRule({ allowedOrigins: origins })

  function judge(request: IngestRequest, url: string): PageVerdict {
    const { headers } = request
    if (!isFromPage(headers)) return { allowed: true, allowOrigin: null }
    const origin = pageOrigin(headers)
    if (rule !== null) {
      const allowed = origin !== undefined && allowsOrigin(rule, origin)
      return { allowed, allowOrigin: allowed && headers.origin !== undefined ? (origin as string) : null }
    }
    const isOwn = isOwnPage(request, origin, url)
    return { allowed: keys !== undefined || isOwn, allowOrigin: null, needsKeyWithOrigin: !isOwn }
  }

  return {
    judge,
    preflight(request) {
      if (request.method !== 'OPTIONS') return undefined
      if (rule === null) return keys?.preflight(request)
      const answer = answerPreflight(request)
      const { allowOrigin } = judge(request, '')
      if (answer === undefined || allowOrigin === null) return undefined
      return { ...answer, headers: { ...answer.headers, 'access-control-allow-origin': allowOrigin } }
    },
  }
}

/**
 * `Sec-Fetch-Site` says so directly. Older browsers send `Origin` alone: its host must be the one that the
 * request was sent to. The scheme is compared only where TLS ends here; behind a proxy it is unknown.
 */
function isOwnPage({ headers }: IngestRequest, origin: string | undefined, url: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  if (origin === undefined || !URL.canParse(origin)) return false
  const own = new URL(url)
  const { host, protocol } = new URL(origin)
  const sentTo = typeof headers.host === 'string' ? headers.host.toLowerCase() : own.host
  return host !== '' && host === sentTo && (own.protocol !== 'https:' || protocol === 'https:')
}
