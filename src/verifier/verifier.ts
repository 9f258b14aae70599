import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { type ReceivedBody, receiveBody } from '../http/received-body.ts'
import { type Awaitable, chain } from '../keys/awaitable.ts'
import type { Clock } from '../keys/clock.ts'
import { isWellFormedSecret, type PresentedSecret, type SecretHasher } from '../keys/secret.ts'
import type { RateLimiter, RateLimitResult } from '../limits/rate-limiter.ts'
import type { EventTypeResolver } from '../rules/event-types.ts'
import { allowsAddress } from '../rules/ip-rule.ts'
import { allowsOrigin } from '../rules/origin-rule.ts'
import type { KeyCache, Lookup } from '../stores/key-cache.ts'
import { addressSource } from './address-source.ts'
import type { CompiledKey } from './compiled-key.ts'
import { answerPreflight, exposedHeaders, originOf } from './cors.ts'
import { createCredentialReader } from './credential-reader.ts'
import { type CredentialSource, type Presented, toOwned } from './credentials.ts'
import { createDecisionReport, type DecisionReportOptions } from './decision-report.ts'
import { type CheckedEvents, checkEvents } from './events.ts'
import { graceHeaders } from './grace-headers.ts'
import { createRefusals, type RefusalsOptions } from './refusals.ts'
import type { Accepted, Verdict } from './verdict.ts'
import { createEmptyVisit, createVisit, type Visit } from './visit.ts'

export interface VerifierOptions extends DecisionReportOptions, RefusalsOptions {
  cache: Pick<KeyCache<CompiledKey>, 'find'>
  /** Newest pepper first; at least one. */
  hashers: readonly SecretHasher[]
  limiter: RateLimiter
  clock: Clock
  environment: string
  credentials: readonly CredentialSource[]
  eventTypes: EventTypeResolver
  maxBodyBytes: number
  maxEvents: number
  onForbiddenEvent: 'reject' | 'drop'
  serverKeysInBrowsers: 'allow' | 'deny'
}

export interface Verifier {
  preflight(request: IngestRequest): Reply | undefined
  verify(request: IngestRequest): Awaitable<Verdict>
}

/**
 * The sequence of checks, cheapest first, nothing revealed before the key is known to be good. A step returns the
 * verdict or goes on to the next; a promise appears only where something has to be waited for.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { cache, hashers, limiter, clock } = options
  const readCredential = createCredentialReader(options.credentials, options.maxBodyBytes)
  const report = createDecisionReport(options)
  const { refuse, refuseIfEmpty, refuseLate, refuseRate, refuseUnavailable } = createRefusals(options, report)

  function verify(request: IngestRequest): Awaitable<Verdict> {
    let visit: Visit | undefined
    try {
      const preflight = answerPreflight(request)
      if (preflight !== undefined) return { ok: false, reason: 'preflight', reply: preflight }
      visit = createVisit(request, originOf(request.headers))
      const started = visit
      const verdict = identify(started)
      return verdict instanceof Promise
        ? verdict.catch((error: unknown) => refuseUnavailable(started, error))
        : verdict
    } catch (error) {
      return refuseUnavailable(visit ?? createEmptyVisit(request), error)
    }
  }

  function preflight(request: IngestRequest): Reply | undefined {
    try {
      return answerPreflight(request)
    } catch {
      // Not a request at all; `verify` refuses it.
      return undefined
    }
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
      if (visit.received?.ok === false) return refuse(visit, visit.received.reason)
      return refuse(visit, 'missing_key')
    }
    if (presented === null || !isWellFormedSecret(presented)) return refuse(visit, 'malformed_key')
    const found = findSecret(hashers.length === 1 ? presented : toOwned(presented), visit, 0)
    return found instanceof Promise ? found.then((value) => admitLater(visit, value)) : admit(visit, found)
  }

  /** Steps 4 and 5, once per accepted pepper. */
  function findSecret(
    presented: PresentedSecret,
    visit: Visit,
    index: number,
  ): Awaitable<Lookup<CompiledKey>> {
    const digest = (hashers[index] as SecretHasher)(presented)
    visit.at = clock.now()
    const found = cache.find(digest, () => addressSource(addressOf(visit) ?? visit.request.ip), visit.at)
    if (index + 1 === hashers.length) return found
    return chain(found, (value) => (value === 'unknown' ? findSecret(presented, visit, index + 1) : value))
  }

  /** After a wait, in which a deadline may have passed. */
  function admitLater(visit: Visit, key: Lookup<CompiledKey>): Awaitable<Verdict> {
    visit.at = clock.now()
    return admit(visit, key)
  }

  /** Steps 6 to 9: is the key good, and may it be used from here, now. */
  function admit(visit: Visit, key: Lookup<CompiledKey>): Awaitable<Verdict> {
    if (key === 'unknown') return refuse(visit, 'unknown_key')
    if (key === 'too_many_failures') return refuse(visit, 'too_many_failures', { retryAfterSeconds: 1 })
    visit.keyId = key.id
    if (key.isRevoked) return refuse(visit, 'revoked_key')
    if (hasEnded(key, visit.at)) return refuse(visit, 'expired_key')
    if (key.verified.environment !== options.environment) return refuse(visit, 'wrong_environment')

    visit.key = key
    const { origin } = visit
    const originAllowed = origin === undefined || key.origins === null || allowsOrigin(key.origins, origin)
    if (key.origins !== null) visit.allowOrigin = origin !== undefined && originAllowed ? origin : null
    if (key.ips !== null && !allowsAddress(key.ips, addressOf(visit))) return refuse(visit, 'ip_not_allowed')
    if (!originAllowed) return refuse(visit, 'origin_not_allowed')
    if (origin !== undefined && key.verified.sourceType === 'server') {
      if (options.serverKeysInBrowsers === 'deny') {
        visit.allowOrigin = null
        return refuse(visit, 'origin_not_allowed')
      }
      report.serverKeyInBrowser(key, origin)
    }
    const { method, body } = visit.request
    const refused = refuseIfEmpty(visit)
    if (refused !== undefined) return refused
    if (method === 'GET' || method === 'HEAD') return charge(visit, noEvents())
    const received = visit.received ?? receiveBody(body, visit.request.headers, options.maxBodyBytes)
    return received instanceof Promise
      ? received.then((value) => judge(visit, value))
      : judge(visit, received)
  }

  function hasEnded(key: CompiledKey, now: number): boolean {
    if (key.ended) return true
    const ended =
      (key.expiresAt !== null && key.expiresAt <= now) ||
      (key.secretExpiresAt !== null && key.secretExpiresAt <= now)
    // Written once: writing what is there already took 30 ns of every request.
    if (ended) key.ended = true
    return ended
  }

  /** Step 11: every event against the route's type and the key's rules. */
  function judge(visit: Visit, received: ReceivedBody): Awaitable<Verdict> {
    visit.received = received
    if (!received.ok) return refuseLate(visit, received.reason)
    const { request } = visit
    visit.routeType = request.eventType ?? options.eventTypes.fromPath(request.path)
    const checked = checkEvents(received.value, {
      routeType: visit.routeType,
      rule: (visit.key as CompiledKey).events,
      onForbiddenEvent: options.onForbiddenEvent,
      maxEvents: options.maxEvents,
    })
    if (!checked.ok) {
      return refuseLate(
        visit,
        checked.reason,
        checked.rejected === undefined ? undefined : { rejected: checked.rejected },
      )
    }
    return charge(visit, checked)
  }

  /** Step 12: all events or none. */
  function charge(visit: Visit, checked: CheckedEvents): Awaitable<Verdict> {
    const { ratePolicy, id } = visit.key as CompiledKey
    if (ratePolicy === null) return accept(visit, checked, undefined)
    const result = limiter.consume(id, Math.max(1, checked.events.length), ratePolicy.rate)
    return result instanceof Promise
      ? result.then((value) => settle(visit, checked, value))
      : settle(visit, checked, result)
  }

  function settle(visit: Visit, checked: CheckedEvents, result: RateLimitResult): Verdict {
    if (result.allowed === true) return accept(visit, checked, result)
    return refuseRate(visit, result)
  }

  function accept(visit: Visit, checked: CheckedEvents, result: RateLimitResult | undefined): Accepted {
    const key = visit.key as CompiledKey
    // Added to, not copied from: assigning five properties to another object took as long as making them.
    const headers = result === undefined ? {} : (key.ratePolicy?.headers(result) ?? {})
    headers.vary = 'Origin'
    headers['access-control-expose-headers'] = exposedHeaders
    if (visit.allowOrigin !== null) headers['access-control-allow-origin'] = visit.allowOrigin
    if (key.secretExpiresAt !== null) Object.assign(headers, graceHeaders(key))
    report.accepted(visit, key, checked)
    return {
      ok: true,
      writeKey: key.verified,
      events: checked.events,
      rejected: checked.rejected,
      body: checked.body,
      headers,
    }
  }

  /** Worked out only for those who ask: most requests need no address. */
  function addressOf(visit: Visit): string | undefined {
    return options.clientAddress(visit.request.ip, visit.request.headers)
  }

  return { preflight, verify }
}

/** A new array each time: handlers own what they get. */
function noEvents(): CheckedEvents {
  return { ok: true, events: [], rejected: [], body: undefined }
}
