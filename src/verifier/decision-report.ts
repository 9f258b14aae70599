import type { FindClientAddress } from '../rules/client-address.ts'
import type { AmbiguousType } from '../rules/event-types.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CompiledKey } from './compiled-key.ts'
import type { DecisionMeasure } from './decision-counts.ts'
import { bytesOf, createDecisionDescriber } from './decision-describer.ts'
import type { WriteKeyEvent } from './decision-event.ts'
import type { CheckedEvents } from './events.ts'
import { isInGrace, usesGrace } from './grace.ts'
import { createRateNotice } from './rate-notice.ts'
import type { Reason } from './reasons.ts'
import type { DecisionWatch } from './request-decision.ts'
import type { UsageCounter } from './usage-counter.ts'
import type { Visit } from './visit.ts'

export interface DecisionReportOptions {
  clock: Pick<Clock, 'now'>
  clientAddress: FindClientAddress
  /** Whether `trustedProxies` is unset, so that `X-Forwarded-For` is not looked at. */
  ignoresForwardedFor: boolean
  /** Called with decisions and disturbances; must not throw. */
  emit: (event: WriteKeyEvent) => void
  /** Whether anybody listens to decisions. If not, no event objects are made for them. */
  tellDecisions: boolean
  /** Whether anybody listens to notices about keys. */
  tellsNotices: boolean
  usage: UsageCounter
  /** The watcher of every decision in detail, while there is one. */
  watch: DecisionWatch
  /** The counter of decisions for metrics, if there is one. */
  measure: DecisionMeasure
}

/** Reports each decision to the usage counts, the application's hook and watchers. */
export interface DecisionReport {
  accepted(visit: Visit, key: CompiledKey, checked: CheckedEvents): void
  /** @param error what the application threw: logged in any case */
  refused(visit: Visit, reason: Reason, error?: Error): void
  /** @param origin of the page, where it is known */
  serverKeyInBrowser(key: CompiledKey, origin: string | undefined): void
  /**
   * A request was refused because its path names two types, which may be what the application's own routes
   * look like. Told once.
   */
  ambiguousType(ambiguous: AmbiguousType): void
  /**
   * The key of a request is known: does the request come through a proxy although `trustedProxies` is not
   * set? Told once.
   */
  senderKnown(visit: Visit): void
}

export function createDecisionReport(options: DecisionReportOptions): DecisionReport {
  const { clock, emit, tellDecisions, usage, watch, measure } = options
  const { whereFrom, toDecision } = createDecisionDescriber(options.clientAddress)
  const tellRateReached = createRateNotice(clock, emit)
  let toldAmbiguousType = false
  let looksForProxy = options.ignoresForwardedFor

  function tellAccepted(visit: Visit, key: CompiledKey, checked: CheckedEvents): void {
    emit({
      type: 'accepted',
      keyId: key.id,
      secretId: key.verified.secretId,
      events: checked.events.length,
      rejected: checked.rejected.length,
      ...(visit.wouldRefuse !== undefined && { wouldRefuse: visit.wouldRefuse }),
      ...whereFrom(visit),
    })
  }

  function tellTrial(visit: Visit, key: CompiledKey, checked: CheckedEvents): void {
    const { wouldRefuse: reason } = visit
    const events = checked.events.length
    usage.tried(key.id, reason, events, visit.at)
    if (reason === undefined || !tellDecisions) return
    emit({ type: 'would_refuse', reason, keyId: key.id, events, ...whereFrom(visit) })
  }

  return {
    accepted(visit, key, checked) {
      const { secretId } = key.verified
      if (usesGrace(key)) {
        emit({ type: 'grace_used', keyId: key.id, secretId, expiresAt: new Date(key.secretExpiresAt) })
      }
      visit.isCounted = true
      usage.accepted(key.id, secretId, visit.routeType, checked.events, checked.rejected, visit.at)
      visit.quotaMonth?.settle(visit.quotaTaken, checked.events.length)
      visit.quotaMonth = undefined
      if (isInGrace(key, visit.at)) usage.ofSecret(key.id, secretId, checked.events.length, visit.at)
      if (key.trial !== null && !visit.isPaid) tellTrial(visit, key, checked)
      measure.meter?.accepted(key.id, checked.events.length, checked.rejected.length, bytesOf(visit))
      if (tellDecisions) tellAccepted(visit, key, checked)
      watch.record?.(toDecision(visit, null, checked))
    },
    refused(visit, reason, error) {
      const { keyId } = visit
      if (reason === 'rate_limited' && options.tellsNotices && visit.key !== undefined)
        tellRateReached(visit.key)
      // A client that went away was not refused.
      const isRefused = reason !== 'client_aborted' && !visit.isCounted
      if (keyId !== undefined && isRefused) usage.refused(keyId, reason, clock.now())
      if (!visit.isCounted) measure.meter?.refused(keyId, reason, bytesOf(visit))
      if (tellDecisions || error !== undefined) {
        const who = { ...(keyId !== undefined && { keyId }), ...whereFrom(visit) }
        emit({ type: 'refused', reason, ...who, ...(error !== undefined && { error }) })
      }
      if (reason !== 'client_aborted') watch.record?.(toDecision(visit, reason))
    },
    serverKeyInBrowser(key, origin) {
      if (!tellDecisions) return
      emit({ type: 'server_key_in_browser', keyId: key.id, ...(origin !== undefined && { origin }) })
    },
    senderKnown({ request }) {
      if (!looksForProxy || request.headers['x-forwarded-for'] === undefined) return
      looksForProxy = false
      emit({ type: 'forwarded_for_ignored' })
    },
    ambiguousType({ types }) {
      if (types === undefined || toldAmbiguousType) return
      toldAmbiguousType = true
      emit({ type: 'ambiguous_path', eventTypes: types })
    },
  }
}
