import type { Reply } from '../http/ingest-request.ts'
import type { CarriedKey } from './carried-key.ts'
import type { VerifiedKey } from './compiled-key.ts'
import type { IngestEvent, RejectedEvent } from './events.ts'
import type { Reason } from './reasons.ts'

/** A request that may go on to its handler. */
export interface Accepted {
  readonly ok: true
  readonly writeKey: VerifiedKey
  /** The events as sent, without `writeKey`; empty for GET and HEAD. */
  readonly events: IngestEvent[]
  /** Events left out under `onForbiddenEvent: 'drop'`. */
  readonly rejected: readonly RejectedEvent[]
  /**
   * Why the key's rules on trial would have refused the request, or some of its events; undefined: they would
   * not, or there are none.
   */
  readonly wouldRefuse?: Reason | undefined
  /** The parsed body, without `writeKey`, with exactly `events`; undefined for GET and HEAD. */
  readonly body: unknown
  /**
   * The type of every event as the path or the route says it, spelled out; null = each event says its own
   * type.
   */
  readonly eventType: string | null
  /** The client's address in canonical text, found as `trustedProxies` says; undefined when it cannot be told. */
  readonly ip: string | undefined
  /** The origin of the page that sent the request; undefined when none did, or it cannot be told. */
  readonly origin: string | undefined
  /** Headers to set on the answer before the handler runs; names in lower case. `vary` is to be merged. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * What must be hidden from handlers and logs because it holds the key: see `hideKey` of `writekey/adapter`.
   * Undefined: nothing.
   */
  readonly carried?: CarriedKey | undefined
}

/** A request that must not reach its handler. */
export interface Refused {
  readonly ok: false
  /** Why, for hooks and logs. `preflight` when `verify` was called for one: its reply is the preflight's answer. */
  readonly reason: Reason | 'preflight'
  /** To be written unchanged. */
  readonly reply: Reply
  /** What holds a key, good or not. Undefined: nothing. */
  readonly carried?: CarriedKey | undefined
}

/** The answer to a CORS preflight, to be written out unchanged. */
export interface PreflightReply extends Reply {
  /** What of the request holds a key: see `Refused`. Nothing when undefined. */
  readonly carried?: CarriedKey | undefined
}

/** What verification returns: a value, never an exception. */
export type Verdict = Accepted | Refused
