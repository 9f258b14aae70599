import { maxJsonDepth } from '../http/json-body.ts'

/** The codes of refused management calls. */
export type AdminCode =
  | 'invalid_token'
  | 'too_many_failures'
  | 'read_only_token'
  | 'cross_site_request'
  | 'not_found'
  | 'method_not_allowed'
  | 'unsupported_media_type'
  | 'payload_too_large'
  | 'invalid_json'
  | 'invalid_field'
  | 'conflict'
  | 'other_caller'
  | 'store_unavailable'
  | 'internal_error'

const problems: Readonly<Record<AdminCode, { status: number; title: string; detail: string }>> = {
  invalid_token: {
    status: 401,
    title: 'Invalid token',
    detail: 'Send a management token: Authorization: Bearer <token>. Write keys are not accepted here.',
  },
  too_many_failures: {
    status: 429,
    title: 'Too many invalid tokens',
    detail: 'Too many invalid tokens came from this network address. Try again after Retry-After seconds.',
  },
  read_only_token: {
    status: 403,
    title: 'Read-only token',
    detail: 'This token has the role viewer, which may read only. Use a token with the role admin.',
  },
  cross_site_request: {
    status: 403,
    title: 'Cross-site request',
    detail:
      'Changes are refused unless they come from a page of this origin, or from a client that is no browser.',
  },
  not_found: { status: 404, title: 'Not found', detail: 'There is nothing here.' },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    detail: 'This method is not allowed here; the Allow header lists those that are.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    detail: 'Send the body as JSON with Content-Type: application/json and no content encoding.',
  },
  payload_too_large: {
    status: 413,
    title: 'Payload too large',
    detail: 'The body of a management call may have at most 65536 bytes.',
  },
  invalid_json: {
    status: 400,
    title: 'Invalid JSON',
    detail: `The body must be a JSON object in UTF-8, at most ${maxJsonDepth} levels deep and not made of little but objects and lists.`,
  },
  invalid_field: { status: 422, title: 'Invalid field', detail: 'A field has a value it cannot have.' },
  conflict: { status: 409, title: 'Conflict', detail: 'The state of the key does not allow this.' },
  other_caller: {
    status: 412,
    title: 'Another caller',
    detail: 'Nothing was done: the call comes from somebody else than its X-WriteKey-Caller says.',
  },
  store_unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    detail: 'The store of write keys does not answer. Try again after Retry-After seconds.',
  },
  internal_error: { status: 500, title: 'Internal error', detail: 'The call failed; it was logged.' },
}

/** Details of a problem, in addition to its code. */
export interface ProblemDetails {
  detail?: string
  /** The field at fault, in the spelling of the JSON API. */
  field?: string
  /** Every field at fault, the first ten. */
  errors?: readonly { field: string; detail: string }[]
  /** With `conflict`: why the state of the key does not allow the call. */
  reason?: string
  retryAfterSeconds?: number
  /** Further headers of the answer. */
  headers?: Readonly<Record<string, string>>
}

/** Thrown to refuse a management call. One place catches it and makes the answer. */
export class AdminProblem extends Error {
  override readonly name = 'AdminProblem'

  constructor(
    readonly code: AdminCode,
    readonly details: ProblemDetails = {},
  ) {
    super(code)
  }

  get status(): number {
    return problems[this.code].status
  }
}

/** Headers of every answer: never stored, never framed, never read by another site, no type to guess. */
export const answerHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store, no-transform',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
}

/** The answer to a refused call (RFC 9457). */
export function toProblemResponse({ code, details }: AdminProblem): Response {
  const { status, title, detail } = problems[code]
  const { field, errors, reason, retryAfterSeconds } = details
  const body = {
    title,
    status,
    detail: details.detail ?? detail,
    code,
    ...(field !== undefined && { field }),
    ...(errors !== undefined && { errors }),
    ...(reason !== undefined && { reason }),
    ...(retryAfterSeconds !== undefined && { retry_after: retryAfterSeconds }),
  }
  const headers = new Headers({ ...answerHeaders, ...details.headers })
  headers.set('content-type', 'application/problem+json')
  // Not Basic: a browser would open a login box over the page.
  if (status === 401) headers.set('www-authenticate', 'Bearer realm="writekey"')
  if (retryAfterSeconds !== undefined) headers.set('retry-after', String(retryAfterSeconds))
  return new Response(JSON.stringify(body), { status, headers })
}
