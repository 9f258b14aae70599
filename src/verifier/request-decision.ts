import type { IngestRequest } from '../http/ingest-request.ts'
import type { SecretRecord } from '../keys/key-record.ts'
import type { PresentedSecret } from '../keys/secret.ts'
import type { SourceType } from '../keys/source-type.ts'
import type { Reason } from './reasons.ts'

/**
 * What verification decided about one request, for those who watch traffic. Passed synchronously: copy it, do
 * not keep it.
 */
export interface RequestDecision {
  /** Why it was refused; null = accepted. */
  readonly reason: Reason | null
  /** Why rules on trial would have refused what was accepted. */
  readonly wouldRefuse?: Reason | undefined
  /** Null while the key is not known. */
  readonly keyId: string | null
  /** Null until the key is known to be good. */
  readonly sourceType: SourceType | null
  readonly secret: Pick<SecretRecord, 'id' | 'createdAt' | 'expiresAt'> | null
  /** Number of accepted events. */
  readonly events: number
  /** Number of events left out under `onForbiddenEvent: 'drop'`. */
  readonly rejected: number
  /** The event type that the path says; null when each event says its own. */
  readonly routeType: string | null
  /** The parsed body, if the checks got that far. */
  readonly body?: unknown
  readonly request?: IngestRequest
  /** When the key was looked up, milliseconds since the epoch; 0 = it was not. */
  readonly startedAt?: number
  /** Length of the body once inflated, where it was read. */
  readonly bytes?: number | undefined
  /** Where it keeps its events. */
  readonly batchFields: readonly string[]
  /** Properties of body and events that hold the key, beside `writeKey`. */
  readonly keyFields?: readonly string[]
  /** What was found where a key may be: to be left out of everything that is kept. */
  readonly presented?: PresentedSecret | null | undefined
  readonly origin?: string | undefined
  readonly address?: string | undefined
}

/** Where decisions are recorded. `record` comes and goes with the watchers; it must not throw. */
export interface DecisionWatch {
  record?: ((decision: RequestDecision) => void) | undefined
}
