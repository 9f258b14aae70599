import type { IngestRequest } from '../http/ingest-request.ts'
import type { Awaitable } from '../runtime/awaitable.ts'
import { sharedByCopies, sharedLayout } from '../runtime/shared-by-copies.ts'
import type { CheckedEvents } from './events.ts'
import type { RefusalDetails } from './refusal-reply.ts'
import type { Refused } from './verdict.ts'

/**
 * The end of a request that has passed every check, when somebody else still decides about it. It is accepted
 * or refused once.
 */
export interface Settlement {
  /** Whether bad events of a batch are left out, so that the others pass. */
  readonly drops: boolean
  /** The length of the body as it was read; undefined when there is none, or somebody else has parsed it. */
  readonly bytes: number | undefined
  /**
   * For callers that have waited: the refusal, when the key has ended or changed since. The charge is then
   * given back.
   */
  judgeAgain(): Awaitable<Refused | undefined>
  /**
   * Counts the request as accepted.
   * @param left what is left of its events, where some were left out
   */
  accept(left?: Pick<CheckedEvents, 'events' | 'rejected'>): void
  /** For guards, when nothing more is to come: accepts the request, unless an endpoint still works on it. */
  pass(): void
  /**
   * Counts it as refused. Its charge is given back, unless `keepCharge` is set, up to one bucket a minute for
   * each key.
   */
  refuse(reason: 'handler_failed' | 'invalid_event', details?: SettledRefusal): Refused
}

interface SettledRefusal extends Pick<RefusalDetails, 'rejected'> {
  keepCharge?: boolean
  /** What was thrown, for events and log only. */
  error?: unknown
}

interface SettlementReceiver {
  /** A guard leaves the end to whoever is behind it. An endpoint decides itself. */
  readonly decider: 'guard' | 'endpoint'
  readonly receive: (settlement: Settlement) => void
}

const receiver = /* @__PURE__ */ Symbol.for(`writekey.settlement.${sharedLayout}`)

/**
 * Lets the caller decide how an accepted request ends. No sender can: nothing in a request makes a symbol.
 */
export function withSettlement(
  request: IngestRequest,
  decider: SettlementReceiver['decider'],
  receive: SettlementReceiver['receive'],
): IngestRequest {
  return Object.assign(request, { [receiver]: { decider, receive } })
}

export function settlementReceiver(request: IngestRequest): SettlementReceiver | undefined {
  return (request as { [receiver]?: SettlementReceiver })[receiver]
}

const endpointKeys = /* @__PURE__ */ sharedByCopies('endpointKeys', () => new WeakSet<object>())
const guardedKeys = /* @__PURE__ */ sharedByCopies(
  'guardedKeys',
  () => new WeakMap<object, 'once' | 'repeatedly'>(),
)

/** Tells guards of these keys that an endpoint behind them may decide how a request ends. */
export function expectEndpoints(keys: object): void {
  endpointKeys.add(keys)
}

/** Notes a guard of these keys. With a second one, either may stand behind the other. */
export function expectGuard(keys: object): void {
  guardedKeys.set(keys, guardedKeys.has(keys) ? 'repeatedly' : 'once')
}

export function haveEndpoints(keys: object): boolean {
  return endpointKeys.has(keys)
}

/** Whether an endpoint or an inner guard of these keys may refuse what a guard lets through. */
export function mayBeSettled(keys: object): boolean {
  return endpointKeys.has(keys) || guardedKeys.get(keys) === 'repeatedly'
}

const windowMs = 60_000
const maxKeys = 10_000

/**
 * Bounds what is given back to each key: a sender of events that make a handler fail could otherwise send
 * without a limit.
 */
export interface RefundAllowance {
  /** Whether `cost` fits into what is left of one bucket a minute; if so it is taken out. */
  take(keyId: string, cost: number, bucket: number, nowMs: number): boolean
}

export function createRefundAllowance(): RefundAllowance {
  const given = new Map<string, { since: number; events: number }>()
  return {
    take(keyId, cost, bucket, nowMs) {
      let window = given.get(keyId)
      if (window === undefined || nowMs - window.since >= windowMs || nowMs < window.since) {
        given.delete(keyId)
        if (given.size >= maxKeys) given.delete(given.keys().next().value as string)
        window = { since: nowMs, events: 0 }
        given.set(keyId, window)
      }
      // One request may cost more than a bucket holds. It would otherwise never be given back.
      if (window.events > 0 && window.events + cost > bucket) return false
      window.events += cost
      return true
    },
  }
}
