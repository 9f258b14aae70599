import type { FieldValues, IngestRequest } from '../http/ingest-request.ts'
import { createSecretMask, type MaskSecrets } from '../keys/secret-mask.ts'
import { problems, type Reason } from '../verifier/reasons.ts'
import type { RequestDecision } from '../verifier/request-decision.ts'
import { cutMasked, cutText } from './cut-text.ts'
import { summarizeEvents } from './event-summary.ts'

/**
 * One decision as the event debugger shows it. Holds no secret, and nothing of the payload unless asked to.
 */
export interface RecentDecision {
  /**
   * Grows with every decision that this process knows of, its own and those of others, and from one run of a
   * process to the next.
   */
  readonly id: number
  /** The same in every process that knows of it. */
  readonly ref: string
  /** The process that decided, by its name: `activity.processName`. */
  readonly process: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly keyId: string | null
  readonly secretId: string | null
  /** Null = accepted. */
  readonly reason: Reason | null
  /** Why rules on trial would have refused what was accepted; null = they would not, or there are none. */
  readonly wouldRefuse: Reason | null
  /**
   * What the guard answered; 200 for a request that it let through, whose real answer comes from the
   * application.
   */
  readonly status: number
  readonly method: string | null
  /** Without the query; at most 300 characters. A secret in it is left out. */
  readonly path: string | null
  /** Number of accepted events. */
  readonly events: number
  readonly rejected: number
  /**
   * Different types and names among the first events, in order of appearance; names are cut at 200
   * characters.
   */
  readonly types: readonly string[]
  readonly names: readonly string[]
  readonly origin: string | null
  readonly address: string | null
  /** Name and version as the first event says, or the User-Agent; at most 200 characters. */
  readonly sdk: string | null
  /** Of the body: once inflated, or as its Content-Length says. */
  readonly bytes: number | null
  /** From when the key was looked up to the decision: mostly the time in which the body arrived. */
  readonly tookMs: number | null
  /** A test event of the management page. */
  readonly isTest: boolean
  /** Only with `keepHeaders`: less those that may hold a secret, values cut at 200 characters. */
  readonly headers: Readonly<Record<string, string>> | null
  /**
   * JSON of the body less `writeKey` and the key that the request presented, cut at 4 096 characters; only
   * with `keepPayloads`.
   */
  readonly payload: string | null
}

export interface KeptDetails {
  keepPayloads: boolean
  keepHeaders: boolean
}

/** What the page sends along with a test event. */
const testHeader = 'x-writekey-test'
const maxPayloadLength = 4096
const maxTextLength = 300
const maxShortLength = 200
const maxHeaders = 40

/** Everything that is kept of a decision, in copied texts. The caller adds ids and names. */
export function describeDecision(
  decision: RequestDecision,
  at: number,
  { keepPayloads, keepHeaders }: KeptDetails,
): Omit<RecentDecision, 'id' | 'ref' | 'process'> {
  const { request, reason, startedAt } = decision
  const mask = createSecretMask(decision.presented)
  const { types, names, library } = summarizeEvents(
    decision.body,
    decision.routeType,
    decision.batchFields,
    mask,
  )
  const userAgent = one(request?.headers['user-agent'])
  return {
    at,
    keyId: decision.keyId,
    secretId: decision.secret?.id ?? null,
    reason,
    wouldRefuse: decision.wouldRefuse ?? null,
    status: reason === null ? 200 : statusOf(reason),
    method: typeof request?.method === 'string' ? cutText(request.method, 20) : null,
    path: typeof request?.path === 'string' ? cutMasked(request.path, maxTextLength, mask) : null,
    events: decision.events,
    rejected: decision.rejected,
    types,
    names,
    origin: decision.origin === undefined ? null : cutMasked(decision.origin, maxTextLength, mask),
    address: decision.address === undefined ? null : cutText(decision.address, maxTextLength),
    sdk: library ?? (userAgent === undefined ? null : cutMasked(userAgent, maxShortLength, mask)),
    bytes: decision.bytes ?? contentLength(request?.headers),
    tookMs: startedAt === undefined || startedAt === 0 ? null : Math.max(0, at - startedAt),
    isTest: isTestEvent(request),
    headers: keepHeaders && request !== undefined ? keptHeaders(request.headers, mask) : null,
    payload: keepPayloads ? toPayload(decision.body, decision.keyFields, mask) : null,
  }
}

/**
 * Whether the management page sent it to try a key: the page's origin is that of the endpoint. Another page
 * that copied the header and the key does not count.
 */
export function isTestEvent(request: Pick<IngestRequest, 'headers'> | undefined): boolean {
  if (request === undefined || request.headers[testHeader] === undefined) return false
  const origin = one(request.headers.origin)
  const host = one(request.headers.host) ?? one(request.headers[':authority'])
  return origin !== undefined && host !== undefined && origin.replace(/^https?:\/\//, '') === host
}

function statusOf(reason: Reason): number {
  return reason === 'client_aborted' ? 499 : problems[reason].status
}

function one(value: FieldValues[string]): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function contentLength(headers: FieldValues | undefined): number | null {
  const text = one(headers?.['content-length'])
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
}

/** Header and field names in which applications, proxies and senders put credentials. */
const secretNames = /auth|cookie|key|token|secret|session|signature|password|credential/

function keptHeaders(headers: FieldValues, mask: MaskSecrets): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers).slice(0, maxHeaders)) {
    if (value === undefined) continue
    const text = typeof value === 'string' ? value : value.join(', ')
    const shown = secretNames.test(name) ? '(left out)' : cutMasked(text, maxShortLength, mask)
    Object.defineProperty(kept, cutMasked(name, maxShortLength, mask), { value: shown, enumerable: true })
  }
  return kept
}

function toPayload(
  body: unknown,
  keyFields: readonly string[] | undefined,
  mask: MaskSecrets,
): string | null {
  if (body === undefined) return null
  try {
    const text = JSON.stringify(body, (name, value: unknown) =>
      name === 'writeKey' || keyFields?.includes(name) ? undefined : value,
    )
    return text === undefined ? null : cutMasked(text, maxPayloadLength, mask)
  } catch {
    return null
  }
}
