import { knownCodings } from '../http/content-coding.ts'
import type { Reply } from '../http/ingest-request.ts'
import { type ChallengePolicy, challengeFor } from './challenge.ts'
import { exposedHeaders } from './cors.ts'
import { problems, type Reason } from './reasons.ts'

/** What a refusal needs to know beyond its reason. */
export interface RefusalDetails {
  /** Value of `Access-Control-Allow-Origin`; null = none. */
  allowOrigin: string | null
  /** Whether the request has an `Origin`. */
  fromBrowser: boolean
  /** Whether bytes of the body may still be on their way, so that the connection cannot be reused. */
  closeConnection: boolean
  /** Whole seconds, at least 1. Default: what `retrySeconds` has for the reason. */
  retryAfterSeconds?: number | undefined
  /** `RateLimit*` and `X-RateLimit-*`. */
  rateHeaders?: Readonly<Record<string, string>>
  rejected?: readonly { index: number; type: string | null; field?: string }[] | undefined
}

/** The detail of `invalid_event` when a schema of the application refused the event. */
const unfitDetail =
  'An event does not fit the schema for its name. `rejected` names each such event and the first field that does not fit.'

/** Seconds until a sender should retry, where the limiter does not say it. A busy process needs longer. */
const retrySeconds: Partial<Record<Reason, number>> = {
  store_unavailable: 1,
  internal_error: 1,
  too_many_failures: 1,
  key_paused: 60,
  busy: 5,
  handler_failed: 5,
}

/** The answer to a refused request: RFC 9457 problem details, readable by browser SDKs, never cached. */
export function refusalReply(reason: Reason, challenge: ChallengePolicy, details: RefusalDetails): Reply {
  const problem = problems[reason]
  const { retryAfterSeconds = retrySeconds[reason] } = details
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    vary: 'Origin',
    'access-control-expose-headers': exposedHeaders,
  }
  if (details.allowOrigin !== null) headers['access-control-allow-origin'] = details.allowOrigin
  if (details.closeConnection) headers.connection = 'close'
  if (problem.status === 401) headers['www-authenticate'] = challengeFor(challenge, details.fromBrowser)
  if (details.rateHeaders !== undefined) Object.assign(headers, details.rateHeaders)
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
  // RFC 9110, 15.5.16
  if (reason === 'unsupported_encoding') headers['accept-encoding'] = knownCodings().join(', ')
  return { status: problem.status, headers, body: problemBody(reason, details.rejected, retryAfterSeconds) }
}

function problemBody(
  reason: Reason,
  rejected: RefusalDetails['rejected'],
  retryAfterSeconds: number | undefined,
): string {
  if (rejected === undefined && retryAfterSeconds === undefined) return fixedBody(reason)
  const { title, status, detail, code } = problems[reason]
  const isUnfit = rejected?.some(({ field }) => field !== undefined)
  return JSON.stringify({
    title,
    status,
    detail: isUnfit ? unfitDetail : detail,
    code,
    ...(rejected !== undefined && { rejected }),
    ...(retryAfterSeconds !== undefined && { retry_after: retryAfterSeconds }),
  })
}

/** Each is made by the first refusal that needs it. */
const fixedBodies: Partial<Record<Reason, string>> = {}

function fixedBody(reason: Reason): string {
  const { title, status, detail, code } = problems[reason]
  const body = fixedBodies[reason] ?? JSON.stringify({ title, status, detail, code })
  fixedBodies[reason] = body
  return body
}
