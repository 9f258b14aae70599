import type { IngestRequest, Reply } from '../http/ingest-request.ts'
import { type ReceivedBody, receiveBody } from '../http/received-body.ts'
import { type Awaitable, chain } from '../keys/awaitable.ts'
import type { Clock } from '../keys/clock.ts'
import { StoreError } from '../keys/errors.ts'
import { isWellFormedSecret, type PresentedSecret, type SecretHasher } from '../keys/secret.ts'
import { toRetryAfterSeconds } from '../limits/rate-limit-headers.ts'
import type { RateLimiter, RateLimitResult } from '../limits/rate-limiter.ts'
import type { EventTypeResolver } from '../rules/event-types.ts'
import { allowsAddress } from '../rules/ip-rule.ts'
import { allowsOrigin } from '../rules/origin-rule.ts'
import type { KeyCache, Lookup } from '../stores/key-cache.ts'
import { addressSource } from './address-source.ts'
import type { CompiledKey } from './compiled-key.ts'
import { answerPreflight, exposedHeaders, originOf } from './cors.ts'
import {
  type CredentialSource,
  type Presented,
  presentedByBasic,
  presentedByBody,
  presentedByHeader,
  presentedByQuery,
  toOwned,
} from './credentials.ts'
import type { WriteKeyEvent } from './decision-event.ts'
import { type CheckedEvents, checkEvents } from './events.ts'
import { graceHeaders } from './grace-headers.ts'
import type { Reason } from './reasons.ts'
import {
  type ChallengePolicy,
  type RefusalDetails,
  refusalReply,
  unavailableRetrySeconds,
} from './replies.ts'
import type { DecisionWatch, RequestDecision } from './request-decision.ts'
import type { UsageCounter } from './usage-counter.ts'
import type { Accepted, Refused, Verdict } from './verdict.ts'

export interface VerifierOptions {
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
  challenge: ChallengePolicy
  clientAddress: (ip: string | undefined, headers: IngestRequest['headers']) => string | undefined
  /** Told of decisions and disturbances; must not throw. */
  emit: (event: WriteKeyEvent) => void
  /** Whether anybody listens to decisions; if not, no event objects are made for them. */
  tellDecisions: boolean
  usage: UsageCounter
  /** Who watches every decision in detail, as long as somebody does. */
  watch: DecisionWatch
}

export interface Verifier {
  preflight(request: IngestRequest): Reply | undefined
  verify(request: IngestRequest): Awaitable<Verdict>
}

/** One request on its way through the checks. */
interface Visit {
  readonly request: IngestRequest
  readonly origin: string | undefined
  /** Set once the key is known to be good: before that, every refusal must look the same. */
  key: CompiledKey | undefined
  /** Known to hooks as soon as the store knows the secret, good or not. */
  keyId: string | undefined
  /** When the key was found good, milliseconds since the epoch. */
  at: number
  /** What the route or path says about every event; null = each event says its own type. */
  routeType: string | null
  allowOrigin: string | null
  received: ReceivedBody | undefined
}

/**
 * The sequence of checks, cheapest first, nothing revealed before the key is known to be good. A step returns the
 * verdict or goes on to the next; a promise appears only where something has to be waited for.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { cache, hashers, limiter, clock, emit, tellDecisions, usage, watch } = options
  const bodySource = options.credentials.includes('body')
  const headerSources = options.credentials.filter((source) => source !== 'body')

  function verify(request: IngestRequest): Awaitable<Verdict> {
    let visit: Visit | undefined
    try {
      const preflight = answerPreflight(request)
      if (preflight !== undefined) return { ok: false, reason: 'preflight', reply: preflight }
      const { headers } = request
      visit = {
        request,
        origin: originOf(headers),
        key: undefined,
        keyId: undefined,
        at: 0,
        routeType: null,
        allowOrigin: '*',
        received: undefined,
      }
      const started = visit
      const verdict = identify(started)
      return verdict instanceof Promise
        ? verdict.catch((error: unknown) => unavailable(started, error))
        : verdict
    } catch (error) {
      return unavailable(visit ?? emptyVisit(request), error)
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
    const presented = findPresented(visit, 0)
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
    return found instanceof Promise ? found.then((value) => admit(visit, value)) : admit(visit, found)
  }

  /** The first source, in the order configured, at which anything is presented; the body comes last as it must be read. */
  function findPresented(visit: Visit, index: number): Awaitable<Presented> {
    for (let next = index; next < headerSources.length; next++) {
      const presented = presentedAt(headerSources[next] as CredentialSource, visit.request)
      if (presented instanceof Promise) {
        return presented.then((value) =>
          value === undefined ? chain(findPresented(visit, next + 1), toOwned) : value,
        )
      }
      if (presented !== undefined) return presented
    }
    if (!bodySource) return undefined
    return chain(receive(visit), (received) => (received.ok ? presentedByBody(received.value) : undefined))
  }

  /** Steps 4 and 5, once per accepted pepper. */
  function findSecret(
    presented: PresentedSecret,
    visit: Visit,
    index: number,
  ): Awaitable<Lookup<CompiledKey>> {
    const digest = (hashers[index] as SecretHasher)(presented)
    const found = cache.find(digest, () => addressSource(addressOf(visit) ?? visit.request.ip))
    if (index + 1 === hashers.length) return found
    return chain(found, (value) => (value === 'unknown' ? findSecret(presented, visit, index + 1) : value))
  }

  /** Steps 6 to 9: is the key good, and may it be used from here, now. */
  function admit(visit: Visit, key: Lookup<CompiledKey>): Awaitable<Verdict> {
    if (key === 'unknown') return refuse(visit, 'unknown_key')
    if (key === 'too_many_failures') return refuse(visit, 'too_many_failures', { retryAfterSeconds: 1 })
    visit.keyId = key.id
    if (key.isRevoked) return refuse(visit, 'revoked_key')
    visit.at = clock.now()
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
      if (tellDecisions) emit({ type: 'server_key_in_browser', keyId: key.id, origin })
    }
    const { method, body } = visit.request
    if (typeof body === 'function') {
      const empty = peekEmpty(visit)
      if (empty !== undefined) return refuseRate(visit, empty)
    }
    if (method === 'GET' || method === 'HEAD') return charge(visit, noEvents())
    const received = visit.received ?? receiveBody(body, visit.request.headers, options.maxBodyBytes)
    return received instanceof Promise
      ? received.then((value) => judge(visit, value))
      : judge(visit, received)
  }

  /**
   * Step 9: what the limiter says when the bucket has no room for even one event. Asked before a body is read. With the
   * body at hand it is asked only once something else refuses, so that the same refusal wins: one look at the clock and
   * the bucket less for what is accepted (0.15 of 3 µs).
   */
  function peekEmpty(visit: Visit): RateLimitResult | undefined {
    const { ratePolicy, id } = visit.key as CompiledKey
    if (ratePolicy === null) return undefined
    const result = limiter.peek?.(id, ratePolicy.rate)
    return result === undefined || result.allowed === true ? undefined : result
  }

  /** A refusal behind step 9. */
  function refuseLate(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>): Refused {
    const empty = typeof visit.request.body === 'function' ? undefined : peekEmpty(visit)
    return empty === undefined ? refuse(visit, reason, details) : refuseRate(visit, empty)
  }

  function hasEnded(key: CompiledKey, now: number): boolean {
    if (key.ended) return true
    key.ended =
      (key.expiresAt !== null && key.expiresAt <= now) ||
      (key.secretExpiresAt !== null && key.secretExpiresAt <= now)
    return key.ended
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
    const empty = typeof visit.request.body === 'function' ? undefined : peekEmpty(visit)
    return refuseRate(visit, empty ?? result)
  }

  function accept(visit: Visit, checked: CheckedEvents, result: RateLimitResult | undefined): Accepted {
    const key = visit.key as CompiledKey
    // Added to, not copied from: assigning five properties to another object took as long as making them.
    const headers = result === undefined ? {} : (key.ratePolicy?.headers(result) ?? {})
    headers.vary = 'Origin'
    headers['access-control-expose-headers'] = exposedHeaders
    if (visit.allowOrigin !== null) headers['access-control-allow-origin'] = visit.allowOrigin
    if (key.secretExpiresAt !== null) {
      Object.assign(headers, graceHeaders(key))
      emit({
        type: 'grace_used',
        keyId: key.id,
        secretId: key.verified.secretId,
        expiresAt: new Date(key.secretExpiresAt),
      })
    }
    usage.accepted(key.id, key.verified.secretId, visit.routeType, checked.events, checked.rejected, visit.at)
    if (tellDecisions) tellAccepted(visit, checked)
    watch.record?.(toDecision(visit, null, checked))
    return {
      ok: true,
      writeKey: key.verified,
      events: checked.events,
      rejected: checked.rejected,
      body: checked.body,
      headers,
    }
  }

  function tellAccepted(visit: Visit, checked: CheckedEvents): void {
    emit({
      type: 'accepted',
      keyId: (visit.key as CompiledKey).id,
      secretId: (visit.key as CompiledKey).verified.secretId,
      events: checked.events.length,
      rejected: checked.rejected.length,
      ...whereFrom(visit),
    })
  }

  /** Step 10 ahead of its turn, for the key in it. At most once per request. */
  function receive(visit: Visit): Awaitable<ReceivedBody> {
    if (visit.received !== undefined) return visit.received
    return chain(receiveBody(visit.request.body, visit.request.headers, options.maxBodyBytes), (received) => {
      visit.received = received
      return received
    })
  }

  function refuseRate(visit: Visit, result: RateLimitResult): Refused {
    return refuse(visit, 'rate_limited', {
      retryAfterSeconds: toRetryAfterSeconds(result.retryAfterMs),
      rateHeaders: visit.key?.ratePolicy?.headers(result),
    })
  }

  function refuse(visit: Visit, reason: Reason, details?: Partial<RefusalDetails>): Refused {
    if (visit.keyId !== undefined) usage.refused(visit.keyId, reason, clock.now())
    if (tellDecisions) {
      const { keyId } = visit
      emit({ type: 'refused', reason, ...(keyId !== undefined && { keyId }), ...whereFrom(visit) })
    }
    watch.record?.(toDecision(visit, reason))
    const reply = refusalReply(reason, options.challenge, {
      allowOrigin: visit.allowOrigin,
      fromBrowser: visit.origin !== undefined,
      closeConnection: isBodyLeft(visit),
      ...details,
    })
    return { ok: false, reason, reply }
  }

  /** Worked out only for those who ask: most requests need no address. */
  function addressOf(visit: Visit): string | undefined {
    return options.clientAddress(visit.request.ip, visit.request.headers)
  }

  /** For what only tells: an application's `trustedProxies` that throws has refused the request already. */
  function addressIfTold(visit: Visit): string | undefined {
    try {
      return addressOf(visit)
    } catch {
      return undefined
    }
  }

  function whereFrom(visit: Visit): { origin?: string; address?: string } {
    const { origin } = visit
    const address = addressIfTold(visit)
    return { ...(origin !== undefined && { origin }), ...(address !== undefined && { address }) }
  }

  function toDecision(visit: Visit, reason: Reason | null, checked?: CheckedEvents): RequestDecision {
    const { received } = visit
    return {
      reason,
      keyId: visit.keyId ?? null,
      sourceType: visit.key?.verified.sourceType ?? null,
      secret: visit.key === undefined ? null : toSecret(visit.key),
      events: checked?.events.length ?? 0,
      rejected: checked?.rejected.length ?? 0,
      routeType: visit.routeType,
      body: received?.ok ? received.value : undefined,
      ...whereFrom(visit),
    }
  }

  function unavailable(visit: Visit, error: unknown): Refused {
    // Store errors have been reported where they arose, once per failed read and not once per waiting request.
    if (!(error instanceof StoreError)) emit({ type: 'internal_error', error: toError(error) })
    const retryAfterSeconds = unavailableRetrySeconds
    try {
      return refuse(visit, 'store_unavailable', { retryAfterSeconds })
    } catch {
      // What cannot even be told about, such as a request whose properties throw, is refused all the same.
      const plain = { allowOrigin: '*', fromBrowser: false, closeConnection: true, retryAfterSeconds }
      const reply = refusalReply('store_unavailable', options.challenge, plain)
      return { ok: false, reason: 'store_unavailable', reply }
    }
  }

  return { preflight, verify }
}

function toSecret(key: CompiledKey): RequestDecision['secret'] {
  const { verified, secretCreatedAt: createdAt, secretExpiresAt: expiresAt } = key
  return { id: verified.secretId, createdAt, expiresAt }
}

/** A new array each time: handlers own what they get. */
function noEvents(): CheckedEvents {
  return { ok: true, events: [], rejected: [], body: undefined }
}

function presentedAt(source: CredentialSource, request: IngestRequest): Awaitable<Presented> {
  if (source === 'basic') return presentedByBasic(request.headers)
  if (source === 'header') return presentedByHeader(request.headers)
  if (source === 'query') return presentedByQuery(request.query)
  if (typeof source === 'function') {
    return chain(source(request) as Awaitable<unknown>, (value) =>
      value === undefined || value === null ? undefined : typeof value === 'string' ? value : null,
    )
  }
  return undefined
}

/** Whether the connection may still carry bytes of a body that nobody will read. */
function isBodyLeft({ request, received }: Visit): boolean {
  if (received !== undefined) return !received.ok && received.bodyLeft
  if (typeof request.body !== 'function') return false
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  if (coding !== undefined) return true
  if (length !== undefined) return length !== '0'
  return request.method !== 'GET' && request.method !== 'HEAD'
}

function emptyVisit(request: IngestRequest): Visit {
  return {
    request: { method: 'POST', path: '/', headers: {}, body: bodyIfAny(request) },
    origin: undefined,
    key: undefined,
    keyId: undefined,
    at: 0,
    routeType: null,
    allowOrigin: '*',
    received: undefined,
  }
}

function bodyIfAny(request: unknown): unknown {
  try {
    return (request as Partial<IngestRequest> | undefined)?.body
  } catch {
    return undefined
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
