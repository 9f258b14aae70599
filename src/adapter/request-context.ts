import type { IngestRequest } from '../http/ingest-request.ts'
import { mayHoldEvents, type ParsedBody } from '../http/parsed-body.ts'
import { sharedByCopies } from '../runtime/shared-by-copies.ts'
import { AcceptedRequest } from '../verifier/accepted-request.ts'
import type { VerifiedKey } from '../verifier/compiled-key.ts'
import type { IngestEvent, RejectedEvent } from '../verifier/events.ts'
import { expectGuard } from '../verifier/settlement.ts'
import type { Accepted, PreflightReply, Verdict } from '../verifier/verdict.ts'
import { markPaid } from '../verifier/visit.ts'
import type { AcceptedHeaders } from './accepted-headers.ts'

/** What handlers find on the request: the key that verified it, and the events. */
export interface WriteKeyContext extends VerifiedKey {
  /** The events as sent, without `writeKey`; empty for GET and HEAD. */
  readonly events: IngestEvent[]
  /** Events left out under `onForbiddenEvent: 'drop'`. */
  readonly rejected: readonly RejectedEvent[]
  /**
   * The type of every event as the path or the route says it, spelled out (`track` for `/t`); null = each
   * event says its own type.
   */
  readonly eventType: string | null
  /** The client's address, found as `trustedProxies` says; undefined when it cannot be told. */
  readonly ip: string | undefined
  /** The origin of the page that sent the request; undefined when none did, or it cannot be told. */
  readonly origin: string | undefined
}

/** The part of `WriteKeys` that adapters use. */
export interface VerifyingKeys {
  preflight(request: IngestRequest): PreflightReply | undefined
  verify(request: IngestRequest): Promise<Verdict>
}

/**
 * A guard that let a request through, and the guard before it: one request may pass guards of several keys.
 */
interface Passage {
  readonly keys: VerifyingKeys
  readonly eventType: string | undefined
  readonly verdict: Accepted
  readonly context: WriteKeyContext
  readonly headers: AcceptedHeaders | undefined
  readonly before: Passage | undefined
}

/** A constructor that returns a given object, so that a class can put a private field on it. */
class Borrowed {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the point of it
    return object
  }
}

/**
 * The passages of a request, in a private field on the request itself: no other code can put them there, copy
 * them to another request or lose them. A weak map instead took 8 µs of a request of 50, most of it in the
 * garbage collector.
 */
class OwnPassedRequest extends Borrowed {
  #newest: Passage

  private constructor(request: object, newest: Passage) {
    super(request)
    this.#newest = newest
  }

  static add(request: object, passage: Passage): void {
    if (#newest in request) (request as OwnPassedRequest).#newest = passage
    else new OwnPassedRequest(request, passage)
  }

  static newestOf(request: object): Passage | undefined {
    return #newest in request ? (request as OwnPassedRequest).#newest : undefined
  }
}

/** Of the first copy of this package, so that a guard of any copy finds what those of all have let through. */
const PassedRequest = /* @__PURE__ */ sharedByCopies('PassedRequest', () => OwnPassedRequest)

/**
 * The newest context of a request; `undefined` when it has passed no guard.
 * @param request Node's own, where a framework has wrapped it
 */
export function findContext(request: object): WriteKeyContext | undefined {
  return PassedRequest.newestOf(request)?.context
}

/** Whether a request has passed a guard. */
export function hasPassed(request: object): boolean {
  return PassedRequest.newestOf(request) !== undefined
}

/** Copies the passages of a request to another object. */
export function rememberWith(other: object, request: object): void {
  const passage = PassedRequest.newestOf(request)
  if (passage !== undefined) PassedRequest.add(other, passage)
}

/** The body that the newest guard of a request has let through; undefined when there is none. */
export function acceptedBodyOf(request: object): unknown {
  return PassedRequest.newestOf(request)?.verdict.body
}

/**
 * Stores the context for handlers with the request, so that inner guards do not verify it again.
 * @param request the one that handlers get
 * @param asked the one that was passed to {@link verifyOnce}
 * @param headers what the guard has put on the answer
 */
export function createContext(
  request: object,
  verdict: Accepted,
  keys: VerifyingKeys,
  eventType: string | undefined,
  asked = request,
  headers?: AcceptedHeaders,
): WriteKeyContext {
  const before = PassedRequest.newestOf(asked)
  if (before?.verdict === verdict) {
    PassedRequest.add(request, { ...before, headers, before })
    return before.context
  }
  const { writeKey, events, rejected, ip, origin } = verdict
  const context: WriteKeyContext = {
    id: writeKey.id,
    name: writeKey.name,
    sourceType: writeKey.sourceType,
    environment: writeKey.environment,
    workspace: writeKey.workspace,
    plan: writeKey.plan,
    metadata: writeKey.metadata,
    secretId: writeKey.secretId,
    start: writeKey.start,
    events,
    rejected,
    eventType: verdict.eventType,
    ip,
    origin,
  }
  PassedRequest.add(request, { keys, eventType, verdict, context, headers, before })
  return context
}

/**
 * Verifies a request, unless these keys have let it through already: it is read and charged once. An inner
 * guard judges the events by the key's rules again, as they are now, and for its own type, method and target. A guard of other
 * keys verifies the request itself. Neither charges it again. A refusal takes back what the guards in front have put on the answer.
 *
 * @param request identifies the request: Node's own, where a framework has wrapped it
 * @param toNeutral called for the request as it is now
 * @param holder where handlers look for the body, if others may have replaced it there
 */
export function verifyOnce(
  request: object,
  keys: VerifyingKeys,
  toNeutral: () => IngestRequest,
  eventType?: string,
  holder?: ParsedBody,
): Promise<Verdict> {
  const newest = PassedRequest.newestOf(request)
  if (newest === undefined) return keys.verify(toNeutral())
  return verifyAgain(newest, keys, toNeutral, eventType, holder).then((verdict) => {
    if (!verdict.ok) takeBackHeaders(request)
    return verdict
  })
}

/** For a refusal of a request that has passed guards: takes what they have put on its answer. */
export function takeBackHeaders(request: object): void {
  let passage = PassedRequest.newestOf(request)
  for (; passage !== undefined; passage = passage.before) passage.headers?.takeBack()
}

async function verifyAgain(
  newest: Passage,
  keys: VerifyingKeys,
  toNeutral: () => IngestRequest,
  eventType: string | undefined,
  holder: ParsedBody | undefined,
): Promise<Verdict> {
  let passage: Passage | undefined = newest
  while (passage !== undefined && passage.keys !== keys) passage = passage.before
  if (passage === undefined) return keys.verify(payFor(toNeutral(), newest.verdict))
  // One guard may be mounted twice.
  expectGuard(keys)
  const neutral = toNeutral()
  const { body } = newest.verdict
  const changed = newest === passage ? holder?.body : undefined
  const verdict = AcceptedRequest.judgeAgain(
    passage.verdict,
    neutral,
    mayHoldEvents(changed) ? changed : body,
  )
  if (verdict !== undefined) return verdict
  // A verdict of the application's own keys.
  return passage.eventType === eventType && !('workspace' in neutral) && neutral.bodyForm === undefined
    ? passage.verdict
    : keys.verify(neutral)
}

/**
 * A guard of other keys judges what the one before it let through, never what parsers have kept of the
 * original body.
 */
function payFor(request: IngestRequest, verdict: Accepted): IngestRequest {
  if (verdict.body !== undefined) request.body = verdict.body
  return markPaid(request, AcceptedRequest.bytesOf(verdict))
}

/**
 * The context that a guard has stored, whatever `requestProperty` says.
 * @param request what the guard was called with; Node's own, where a framework has wrapped it
 * @throws Error when the request has passed none.
 */
export function requireContext(request: object): WriteKeyContext {
  const context = findContext(request)
  if (context !== undefined) return context
  throw new Error(
    'This request has not passed a guard of writekey: mount writeKeyAuth in front of this handler, or ask for the key in handlers behind it only.',
  )
}
