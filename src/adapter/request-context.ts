import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { AcceptedRequest } from '../verifier/accepted-request.ts'
import type { VerifiedKey } from '../verifier/compiled-key.ts'
import type { IngestEvent, RejectedEvent } from '../verifier/events.ts'
import type { Accepted, Verdict } from '../verifier/verdict.ts'

/** What handlers find on the request: the key that verified it, and the events. */
export interface WriteKeyContext extends VerifiedKey {
  /** The events as sent, less `writeKey`; empty for GET and HEAD. */
  readonly events: IngestEvent[]
  /** Events left out under `onForbiddenEvent: 'drop'`. */
  readonly rejected: readonly RejectedEvent[]
  /** What the path or the route says about every event, spelled out (`track` for `/t`); null = each event says its own type. */
  readonly eventType: string | null
  /** The client's address, found as `trustedProxies` says; undefined when it cannot be told. */
  readonly ip: string | undefined
  /** The origin of the page that sent the request; undefined when none did, or it cannot be told. */
  readonly origin: string | undefined
}

/** The part of `WriteKeys` that adapters use. */
export interface VerifyingKeys {
  preflight(request: IngestRequest): Reply | undefined
  verify(request: IngestRequest): Promise<Verdict>
}

/** Where a verdict came from, and what the request had passed before: one request may pass adapters of several keys. */
interface Passage {
  readonly keys: VerifyingKeys
  readonly eventType: string | undefined
  readonly verdict: Accepted
  readonly before: PassedContext | undefined
}

/**
 * A context that remembers how it came about, so that a request is verified once for each set of keys, however many
 * adapters it passes. In the context, as that is put on the request anyway: a weak map beside it took 8 µs of a
 * request of 50, most of it in the garbage collector, and another property of one of Express's requests takes 2 µs.
 */
class PassedContext implements WriteKeyContext {
  readonly id: string
  readonly name: string
  readonly sourceType: VerifiedKey['sourceType']
  readonly environment: string
  readonly metadata: VerifiedKey['metadata']
  readonly secretId: string
  readonly start: string
  readonly events: IngestEvent[]
  readonly rejected: readonly RejectedEvent[]
  readonly eventType: string | null
  readonly ip: string | undefined
  readonly origin: string | undefined
  readonly #passage: Passage

  constructor(passage: Passage) {
    const { writeKey, events, rejected, eventType, ip, origin } = passage.verdict
    this.id = writeKey.id
    this.name = writeKey.name
    this.sourceType = writeKey.sourceType
    this.environment = writeKey.environment
    this.metadata = writeKey.metadata
    this.secretId = writeKey.secretId
    this.start = writeKey.start
    this.events = events
    this.rejected = rejected
    this.eventType = eventType
    this.ip = ip
    this.origin = origin
    this.#passage = passage
  }

  static passageOf(context: PassedContext): Passage {
    return context.#passage
  }

  static is(value: unknown): value is PassedContext {
    return typeof value === 'object' && value !== null && #passage in value
  }
}

/** Names under which adapters of this process put contexts: one, unless an application chose others. */
const contextProperties: string[] = []

export function noteContextProperty(name: string): void {
  if (!contextProperties.includes(name)) contextProperties.push(name)
}

/**
 * The newest context on a request; `undefined` when it has not passed an adapter yet.
 * @param holder what adapters put contexts on: the request, or Koa's `ctx.state`
 * @param inner where else to look: Node's request inside of Fastify's
 */
export function findContext(holder: object, inner: object = holder): WriteKeyContext | undefined {
  let newest: PassedContext | undefined
  for (const name of contextProperties) {
    const found = (holder as Record<string, unknown>)[name]
    if (PassedContext.is(found) && isBefore(newest, found)) newest = found
    if (inner === holder) continue
    const within = (inner as Record<string, unknown>)[name]
    if (PassedContext.is(within) && isBefore(newest, within)) newest = within
  }
  return newest
}

function isBefore(one: PassedContext | undefined, other: PassedContext): boolean {
  let before: PassedContext | undefined = other
  while (before !== undefined && before !== one) before = PassedContext.passageOf(before).before
  return before === one
}

/** @param before what {@link findContext} found on the request */
export function createContext(
  verdict: Accepted,
  keys: VerifyingKeys,
  eventType: string | undefined,
  before: WriteKeyContext | undefined,
): WriteKeyContext {
  return new PassedContext({
    keys,
    eventType,
    verdict,
    before: PassedContext.is(before) ? before : undefined,
  })
}

/**
 * Verifies a request, unless these keys have let it through already: it is read and charged once. A guard further in that
 * names another type, or finds another method or target, judges the same events by the key's rules.
 * @param before what {@link findContext} found on the request
 */
export function verifyOnce(
  keys: VerifyingKeys,
  before: WriteKeyContext | undefined,
  request: () => IngestRequest,
  eventType?: string,
): Promise<Verdict> {
  let context = before
  while (PassedContext.is(context)) {
    const passage = PassedContext.passageOf(context)
    if (passage.keys === keys) {
      const verdict = AcceptedRequest.judgeAgain(passage.verdict, request())
      if (verdict !== undefined) return Promise.resolve(verdict)
      // The verdict of somebody's own keys.
      if (passage.eventType === eventType) return Promise.resolve(passage.verdict)
      break
    }
    context = passage.before
  }
  return keys.verify(request())
}
