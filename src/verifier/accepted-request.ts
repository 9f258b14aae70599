import type { IngestRequest } from '../http/ingest-request.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import { sharedByCopies } from '../runtime/shared-by-copies.ts'
import type { CarriedKey } from './carried-key.ts'
import type { VerifiedKey } from './compiled-key.ts'
import type { CheckedEvents, IngestEvent, RejectedEvent } from './events.ts'
import type { Reason } from './reasons.ts'
import type { Accepted, Verdict } from './verdict.ts'
import type { Visit } from './visit.ts'

/**
 * Judges the events of an accepted request again, as an inner guard reads it. Charges nothing.
 * @param body the accepted one, or what the application has made of it
 */
export type JudgeAgain = (
  accepted: AcceptedRequest,
  before: Visit,
  request: IngestRequest,
  body: unknown,
) => Awaitable<Verdict>

/**
 * The verdict on an accepted request. A private field holds how it was reached, so that no other code can
 * make such a verdict, and an inner guard can judge the same events by its own type.
 */
class OwnAcceptedRequest implements Accepted {
  readonly ok = true
  readonly writeKey: VerifiedKey
  readonly events: IngestEvent[]
  readonly rejected: readonly RejectedEvent[]
  readonly wouldRefuse: Reason | undefined
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly eventType: string | null
  readonly ip: string | undefined
  readonly origin: string | undefined
  readonly carried: CarriedKey | undefined
  readonly #visit: Visit
  readonly #judgeAgain: JudgeAgain

  constructor(
    visit: Visit,
    writeKey: VerifiedKey,
    checked: CheckedEvents,
    headers: Readonly<Record<string, string>>,
    judgeAgain: JudgeAgain,
  ) {
    this.writeKey = writeKey
    this.events = checked.events
    this.rejected = checked.rejected
    this.wouldRefuse = visit.wouldRefuse
    this.body = checked.body
    this.headers = headers
    this.eventType = visit.routeType
    this.ip = visit.address?.text
    this.origin = visit.origin
    this.carried = undefined
    this.#visit = visit
    this.#judgeAgain = judgeAgain
  }

  /** The verdict of an inner guard; undefined for a verdict that no verifier of ours made. */
  static judgeAgain(
    verdict: Accepted,
    request: IngestRequest,
    body: unknown,
  ): Awaitable<Verdict> | undefined {
    if (!(#visit in verdict)) return undefined
    const accepted = verdict as OwnAcceptedRequest
    return accepted.#judgeAgain(accepted, accepted.#visit, request, body)
  }

  /** The length of the body as it was read; undefined when somebody else has parsed it. */
  static bytesOf(verdict: Accepted): number | undefined {
    const received = #visit in verdict ? (verdict as OwnAcceptedRequest).#visit.received : undefined
    return received?.ok ? received.bytes : undefined
  }
}

/** Of the first copy of this package, so that a guard of any copy knows the verdicts of all. */
export const AcceptedRequest = /* @__PURE__ */ sharedByCopies('AcceptedRequest', () => OwnAcceptedRequest)
export type AcceptedRequest = OwnAcceptedRequest
