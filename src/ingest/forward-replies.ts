import type { Reply } from '../http/ingest-request.ts'
import { exposedHeaders } from '../verifier/cors.ts'
import type { Reason } from '../verifier/reasons.ts'
import { refusalReply } from '../verifier/refusal-reply.ts'

/** Headers on every answer of a forwarder. */
export const answerHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  vary: 'Origin',
  'access-control-expose-headers': exposedHeaders,
}

/** A refusal with the usual text. @param allowOrigin the page that may read it */
export function refuse(reason: Reason, allowOrigin: string | null): Reply {
  return refusalReply(reason, 'custom', { allowOrigin, fromBrowser: true, closeConnection: false })
}

const problems = {
  not_found: { title: 'Not found', status: 404, detail: 'No sender posts to this path.' },
  method_not_allowed: { title: 'Method not allowed', status: 405, detail: 'Send events by POST.' },
  request_timeout: {
    title: 'Request timeout',
    status: 408,
    detail: 'The request body took too long. Send the same request again.',
  },
} as const

/** Refusals that only a forwarder has. */
export function problem(code: keyof typeof problems, allowOrigin: string | null): Reply {
  const headers: Record<string, string> = { ...answerHeaders, 'content-type': 'application/problem+json' }
  if (allowOrigin !== null) headers['access-control-allow-origin'] = allowOrigin
  if (code === 'method_not_allowed') headers.allow = 'POST'
  return { status: problems[code].status, headers, body: JSON.stringify({ ...problems[code], code }) }
}
