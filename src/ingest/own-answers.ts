import type { IngestRequest } from '../http/ingest-request.ts'
import type { IngestEvent, RejectedEvent } from '../verifier/events.ts'

/** The answers of a sender that expects its own instead of the usual ones. */
export interface OwnAnswers {
  /** In words, for docs. */
  readonly words: string
  /** The body of a 200. Its type is JSON unless it says another. */
  success(
    taken: { readonly events: readonly IngestEvent[]; readonly rejected: readonly RejectedEvent[] },
    request: IngestRequest,
  ): { readonly body: string; readonly type?: string }
  /** The usual refusal, in the sender's own format. */
  refusal?(problem: Problem, request: IngestRequest): object
}

/** The body of a refusal. */
export interface Problem {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly rejected?: readonly { readonly index: number }[]
  /** Seconds. */
  readonly retry_after?: number
}

/** Whether a query parameter is `1`. */
export function isAsked({ query }: IngestRequest, name: string): boolean {
  if (typeof query === 'string') return new URLSearchParams(query).get(name) === '1'
  if (query instanceof URLSearchParams) return query.get(name) === '1'
  return query !== undefined && Object.hasOwn(query, name) && query[name] === '1'
}
