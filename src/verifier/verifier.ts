import type { KeyCache, Lookup } from '../cache/key-cache.ts'
import { toLowerCaseFields } from '../http/header-fields.ts'
import type { IngestRequest, IngestRequestInit, Reply } from '../http/ingest-request.ts'
import { createPendingBodies } from '../http/pending-bodies.ts'
import { type BodyLimits, receiveBody } from '../http/received-body.ts'
import { isAmbiguousPath } from '../http/request-target.ts'
import { createTurns } from '../http/turns.ts'
import { hasContent } from '../http/unexpected-body.ts'
import { isWellFormedSecret, type PresentedSecret, type SecretHasher } from '../keys/secret.ts'
import type { RateLimiter, RateLimitResult } from '../limits/rate-limiter.ts'
import type { ClientAddress } from '../rules/client-address.ts'
import { AmbiguousType, type EventTypeResolver } from '../rules/event-types.ts'
import { allowsAddress } from '../rules/ip-rule.ts'
import { allowsOrigin } from '../rules/origin-rule.ts'
import { type Awaitable, chain } from '../runtime/awaitable.ts'
import type { Clock } from '../runtime/clock.ts'
import { AcceptedRequest } from './accepted-request.ts'
import { addressSource, networkOf } from './address-source.ts'
import type { CompiledKey } from './compiled-key.ts'
import { answerPreflight, exposedHeaders } from './cors.ts'
import { createCredentialReader } from './credential-reader.ts'
import type { CredentialSource, Presented } from './credentials.ts'
import { createDecisionReport, type DecisionReportOptions } from './decision-report.ts'
import { eventCost } from './event-cost.ts'
import { type CheckedEvents, checkEvents, joinRejected, type RefusedEvents } from './events.ts'
import { graceHeaders } from './grace-headers.ts'
import { createRefusals, type RefusalsOptions } from './refusals.ts'
import type { Refused, Verdict } from './verdict.ts'
import { createEmptyVisit, createVisit, type Visit } from './visit.ts'

export interface VerifierOptions extends DecisionReportOptions, RefusalsOptions {
  cache: Pick<KeyCache<CompiledKey>, 'find' | 'findAgain' | 'isCurrent'>
  /** Newest pepper first; at least one. */
  hashers: readonly [SecretHasher, ...SecretHasher[]]
  limiter: RateLimiter
  clock: Clock
  environment: string
  credentials: readonly CredentialSource[]
  eventTypes: EventTypeResolver
  maxBodyBytes: number
  maxPendingBodyBytes: number
  eventBytes: number
  /** Whether a source has sent so many unknown keys that not even its body is read for another. */
  isSpent: (source: string) => boolean
  maxEvents: number
  onForbiddenEvent: 'reject' | 'drop'
  serverKeysInBrowsers: 'allow' | 'deny'
}

export interface Verifier {
  preflight(request: IngestRequestInit): Reply | undefined
  verify(request: IngestRequestInit): Awaitable<Verdict>
}

/**
 * The sequence of checks, cheapest first, nothing revealed before the key is known to be good. A step returns the
 * verdict or goes on to the next; a promise appears only where something has to be waited for.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { cache, limiter, clock, eventTypes } = options
  const [newestHasher, ...olderHashers] = options.hashers
  const pending = createPendingBodies(options.maxPendingBodyBytes)
  const bodyLimits: BodyLimits<Visit> = {
    maxBytes: options.maxBodyBytes,
    pending,
    turns: createTurns({ ...inflating, clock }),
    turnName: (visit) => visit.keyId ?? sourceOf(visit),
  }
  const readCredential = createCredentialReader(options.credentials, receiveEarly)
  const report = createDecisionReport(options)
  const { refuse, refuseIfEmpty, refuseLate, refuseRate, refuseUnavailable } = createRefusals(options, report)

  function verify(request: IngestRequestInit): Awaitable<Verdict> {
    let visit: Visit | undefined
    try {
      const preflight = answerPreflight(request)
      if (preflight !== undefined) return { ok: false, reason: 'preflight', reply: preflight }
      // Nobody may get to wait for it: its rejection would end the process.
      if (request.body instanceof Promise) request.body.catch(() => {})
      visit = createVisit(toIngestRequest(request))
      const started = visit
      const verdict = readTarget(started) ?? identify(started)
      return verdict instanceof Promise
        ? verdict.then(
            (value) => end(started, value),
            (error: unknown) => end(started, refuseFailed(started, error)),
          )
        : end(started, verdict)
    } catch (error) {
      const failed = visit ?? createEmptyVisit(request)
      return end(failed, refuseFailed(failed, error))
    }
  }

  function end(visit: Visit, verdict: Verdict): Verdict {
    if (visit.heldBytes > 0) pending.release(visit)
    return verdict
  }

  function preflight(request: IngestRequestInit): Reply | undefined {
    try {
      return answerPreflight(request)
    } catch {
      // Not a request at all; `verify` refuses it.
      return undefined
    }
  }

  /**
   * Step 1: what routers, and parsers further in, could read in another way than we do is refused before anything else.
   * Sets the type that the route or the path says.
   */
  function readTarget(visit: Visit): Refused | undefined {
    const { method, path, query, eventType } = visit.request
    if (typeof path !== 'string') throw new TypeError('request.path must be a string: the path as requested')
    if (isAmbiguousPath(path) || (typeof query === 'string' && query.includes('#'))) {
      return refuse(visit, 'invalid_path')
    }
    if (eventType === undefined) {
      const type = eventTypes.fromPath(path)
      if (type instanceof AmbiguousType) {
        report.ambiguousType(type)
        return refuse(visit, 'invalid_path')
      }
      visit.routeType = type
    } else visit.routeType = eventType === 'batch' ? null : eventType
    return isBodiless(method) && hasContent(visit.request) ? refuse(visit, 'unexpected_body') : undefined
  }

  /** Steps 2 and 3: what is presented, and does it look like a key. */
  function identify(visit: Visit): Awaitable<Verdict> {
    const presented = readCredential(visit)
    return presented instanceof Promise
      ? presented.then((value) => authenticate(visit, value))
      : authenticate(visit, presented)
  }

  function authenticate(visit: Visit, presented: Presented): Awaitable<Verdict> {
    if (presented === undefined) {
      const { received } = visit
      return received?.ok === false ? refuse(visit, received.reason) : refuse(visit, 'missing_key')
    }
    if (presented === null || !isWellFormedSecret(presented)) return refuse(visit, 'malformed_key')
    const found = findSecret(presented, visit)
    return found instanceof Promise ? found.then((value) => admitLater(visit, value)) : admit(visit, found)
  }

  /** Steps 4 and 5, under every pepper. */
  function findSecret(presented: PresentedSecret, visit: Visit): Awaitable<Lookup<CompiledKey>> {
    const digest = newestHasher(presented)
    visit.at = clock.now()
    const older =
      olderHashers.length === 0 ? undefined : () => olderHashers.map((hasher) => hasher(presented))
    return cache.find(digest, () => sourceOf(visit), visit.at, older)
  }

  /** After a wait, in which a deadline may have passed. */
  function admitLater(visit: Visit, key: Lookup<CompiledKey>): Awaitable<Verdict> {
    visit.at = clock.now()
    visit.waited = true
    return admit(visit, key)
  }

  /** Steps 6 to 9, and on to the body. */
  function admit(visit: Visit, found: Lookup<CompiledKey>): Awaitable<Verdict> {
    const refusedKey = refuseKey(visit, found)
    if (refusedKey !== undefined) return refusedKey
    const key = visit.key as CompiledKey
    if (visit.fromPage && key.verified.sourceType === 'server') report.serverKeyInBrowser(key, visit.origin)
    const refused = refuseIfEmpty(visit)
    if (refused !== undefined) return refused
    const { method } = visit.request
    if (isBodiless(method)) return charge(visit, noEvents())
    const received = visit.received ?? receive(visit)
    return received instanceof Promise
      ? received.then((value) => judgeLater(visit, value))
      : judge(visit, received)
  }

  /** Steps 6 to 8: is the key good, and may it be used from here, now. */
  function refuseKey(visit: Visit, key: Lookup<CompiledKey>): Refused | undefined {
    if (key === 'unknown') return refuse(visit, 'unknown_key')
    if (key === 'too_many_failures') return refuse(visit, 'too_many_failures')
    visit.keyId = key.id
    if (key.isRevoked) return refuse(visit, 'revoked_key')
    if (hasEnded(key, visit.at)) return refuse(visit, 'expired_key')
    if (key.verified.environment !== options.environment) return refuse(visit, 'wrong_environment')

    visit.key = key
    const { origin, fromPage } = visit
    const originAllowed =
      key.origins === null || !fromPage || (origin !== undefined && allowsOrigin(key.origins, origin))
    if (key.origins !== null) visit.allowOrigin = origin !== undefined && originAllowed ? origin : null
    const address = addressOf(visit)
    if (key.ips !== null && !allowsAddress(key.ips, address?.parsed)) return refuse(visit, 'ip_not_allowed')
    if (!originAllowed) return refuse(visit, 'origin_not_allowed')
    if (fromPage && key.verified.sourceType === 'server' && options.serverKeysInBrowsers === 'deny') {
      visit.allowOrigin = null
      return refuse(visit, 'origin_not_allowed')
    }
    return undefined
  }

  function hasEnded(key: CompiledKey, now: number): boolean {
    return (
      (key.expiresAt !== null && key.expiresAt <= now) ||
      (key.secretExpiresAt !== null && key.secretExpiresAt <= now)
    )
  }

  function judgeLater(visit: Visit, received: Received): Awaitable<Verdict> {
    visit.waited = true
    return judge(visit, received)
  }

  /** Step 10. */
  function receive(visit: Visit): Awaitable<Received> {
    return receiveBody(visit.request.body, visit.request.headers, bodyLimits, visit)
  }

  /** Step 10 ahead of its turn, when the key may be in the body. */
  function receiveEarly(visit: Visit): Awaitable<Received> {
    const isSpent = typeof visit.request.body === 'function' && options.isSpent(sourceOf(visit))
    return isSpent ? { ok: false, reason: 'too_many_failures', bodyLeft: true } : receive(visit)
  }

  /** Step 11: every event against the route's type and the key's rules. */
  function judge(visit: Visit, received: Received): Awaitable<Verdict> {
    visit.received = received
    if (!received.ok) return refuseLate(visit, received.reason)
    const checked = check(visit, received.value)
    if (!checked.ok) return refuseLate(visit, checked.reason, rejectedOf(checked))
    return charge(visit, checked)
  }

  function check(visit: Visit, body: unknown): CheckedEvents | RefusedEvents {
    return checkEvents(body, {
      routeType: visit.routeType,
      rule: (visit.key as CompiledKey).events,
      onForbiddenEvent: options.onForbiddenEvent,
      maxEvents: options.maxEvents,
    })
  }

  /**
   * For a guard further in: what has been let through is read by the guard's own type, and by the request's method and target
   * as they are now. A guard that names no type, on a path that says none, agrees with the one in front of it.
   */
  function judgeAgain(accepted: AcceptedRequest, before: Visit, request: IngestRequest): Verdict {
    if (isSameReading(before.request, request)) return accepted
    const visit: Visit = { ...before, request, received: undefined, routeType: null }
    try {
      const refused = readTarget(visit)
      if (refused !== undefined) return refused
      if (request.eventType === undefined) visit.routeType ??= before.routeType
      if (isBodiless(request.method)) return again(accepted, visit, noEvents())
      if (accepted.body === undefined) return refuse(visit, 'invalid_json')
      visit.received = { ok: true, value: accepted.body, bytes: undefined }
      const checked = check(visit, accepted.body)
      return checked.ok ? again(accepted, visit, checked) : refuse(visit, checked.reason, rejectedOf(checked))
    } catch (error) {
      return refuseUnavailable(visit, error)
    }
  }

  function again(accepted: AcceptedRequest, visit: Visit, checked: CheckedEvents): AcceptedRequest {
    const rejected = joinRejected(accepted.rejected, checked.rejected)
    return new AcceptedRequest(
      visit,
      accepted.writeKey,
      { ...checked, rejected },
      accepted.headers,
      judgeAgain,
    )
  }

  /** Step 12: all events or none. */
  function charge(visit: Visit, checked: CheckedEvents): Awaitable<Verdict> {
    const { ratePolicy, id } = visit.key as CompiledKey
    if (ratePolicy === null || visit.isPaid) return pass(visit, checked, undefined)
    const { received, request } = visit
    const bytes = received?.ok ? received.bytes : 0
    const cost = eventCost(checked, bytes, request.headers, options.eventBytes)
    const result = limiter.consume(id, cost, ratePolicy.rate)
    if (!(result instanceof Promise)) return settle(visit, checked, result, cost)
    return result.then((value) => {
      visit.waited = true
      return settle(visit, checked, value, cost)
    })
  }

  function settle(
    visit: Visit,
    checked: CheckedEvents,
    result: RateLimitResult,
    cost: number,
  ): Awaitable<Verdict> {
    if (result.allowed !== true) return refuseRate(visit, result)
    visit.charged = cost
    return pass(visit, checked, result)
  }

  /**
   * Step 13, the gate: in the turn of the verdict, behind the last wait. A key that may have changed meanwhile is judged
   * again by steps 6 to 8, and its events by step 11; nothing is charged twice.
   */
  function pass(
    visit: Visit,
    checked: CheckedEvents,
    result: RateLimitResult | undefined,
  ): Awaitable<Verdict> {
    const key = visit.key as CompiledKey
    if (!visit.waited || (cache.isCurrent(key) && !hasEnded(key, clock.now())))
      return accept(visit, checked, result)
    return chain(cache.findAgain(key), (found) => {
      Object.assign(visit, { at: clock.now(), key: undefined, allowOrigin: '*' })
      const refused = refuseKey(visit, found)
      if (refused !== undefined) return giveBack(visit, refused)
      const again = found !== key && visit.received?.ok ? check(visit, visit.received.value) : checked
      if (!again.ok) return giveBack(visit, refuse(visit, again.reason, rejectedOf(again)))
      return pass(visit, again, result)
    })
  }

  function giveBack(visit: Visit, refused: Refused): Refused {
    if (visit.charged > 0 && visit.keyId !== undefined) {
      const cost = visit.charged
      visit.charged = 0
      refund(visit.keyId, cost).catch(() => {})
    }
    return refused
  }

  async function refund(keyId: string, cost: number): Promise<void> {
    await limiter.refund?.(keyId, cost)
  }

  function refuseFailed(visit: Visit, error: unknown): Refused {
    return giveBack(visit, refuseUnavailable(visit, error))
  }

  function accept(
    visit: Visit,
    checked: CheckedEvents,
    result: RateLimitResult | undefined,
  ): AcceptedRequest {
    const key = visit.key as CompiledKey
    // Added to, not copied from: assigning five properties to another object took as long as making them.
    const headers = result === undefined ? {} : (key.ratePolicy?.headers(result) ?? {})
    headers.vary = 'Origin'
    headers['access-control-expose-headers'] = exposedHeaders
    if (visit.allowOrigin !== null) headers['access-control-allow-origin'] = visit.allowOrigin
    if (key.secretExpiresAt !== null) Object.assign(headers, graceHeaders(key))
    report.accepted(visit, key, checked)
    return new AcceptedRequest(visit, key.verified, checked, headers, judgeAgain)
  }

  /** Whom to count wrong keys and unread bodies against. */
  function sourceOf(visit: Visit): string {
    const address = addressOf(visit)
    return address === undefined ? addressSource(visit.request.ip) : networkOf(address.parsed)
  }

  function addressOf(visit: Visit): ClientAddress | undefined {
    if (visit.address === undefined) {
      visit.address = options.clientAddress(visit.request.ip, visit.request.headers) ?? null
    }
    return visit.address ?? undefined
  }

  return { preflight, verify }
}

type Received = NonNullable<Visit['received']>

/**
 * One at a time: inflating takes less than parsing what comes of it, so two would only double what lies about. With two,
 * 1 500 small bombs added 112 MB, with one 65.
 */
const inflating = { atOnce: 1, patienceMs: 5_000 }

function toIngestRequest(request: IngestRequestInit): IngestRequest {
  const headers = toLowerCaseFields(request.headers)
  return headers === request.headers ? (request as IngestRequest) : { ...request, headers }
}

function isSameReading(one: IngestRequest, other: IngestRequest): boolean {
  return (
    one.method === other.method &&
    one.path === other.path &&
    one.query === other.query &&
    one.eventType === other.eventType
  )
}

function rejectedOf({ rejected }: RefusedEvents): Pick<RefusedEvents, 'rejected'> {
  return rejected === undefined ? {} : { rejected }
}

function isBodiless(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** A new array each time: handlers own what they get. */
function noEvents(): CheckedEvents {
  return { ok: true, events: [], rejected: [], body: undefined }
}
