import type { IngestRequest } from '../../http/ingest-request.ts'
import { type Awaitable, chain } from '../../runtime/awaitable.ts'
import type { AcceptedRequest } from '../accepted-request.ts'
import type { CompiledKey } from '../compiled-key.ts'
import type { DecisionReport } from '../decision-report.ts'
import type { CheckedEvents } from '../events.ts'
import type { Refusals } from '../refusals.ts'
import { createRefundAllowance, settlementReceiver } from '../settlement.ts'
import type { UnderWay } from '../under-way.ts'
import type { Verdict } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import type { ChargeStep } from './charge.ts'
import type { EventRulesOptions } from './event-rules.ts'

export interface Settlements {
  /**
   * Leaves the end of an accepted request to the caller that asked for it.
   * @param visit the one that was charged
   * @param request the caller's mark is on it
   * @param judgeAgain for callers that have waited
   * @param isInner a guard in front has let the request through: counted it, or left that open
   * @returns whether a caller asked for it
   */
  offer(
    visit: Visit,
    accepted: AcceptedRequest,
    request: IngestRequest,
    judgeAgain: () => Awaitable<Verdict>,
    isInner?: boolean,
  ): boolean
  /**
   * An inner guard has refused what was left open: it does not count as accepted, and its charge is given
   * back.
   * @param visit of the guard in front
   */
  takeBack(visit: Visit): void
}

export function createSettlements(
  { onForbiddenEvent }: Pick<EventRulesOptions, 'onForbiddenEvent'>,
  report: DecisionReport,
  { refuse }: Pick<Refusals, 'refuse'>,
  { giveBack, giveBackToMonth }: Pick<ChargeStep, 'giveBack' | 'giveBackToMonth'>,
  underWay: Pick<UnderWay, 'leaveOpen' | 'decide'>,
): Settlements {
  const refund = createRefund({ giveBack, giveBackToMonth })
  /** Whether this is the first who decides. */
  const decide = ({ count }: Visit) => count !== undefined && underWay.decide(count)

  return {
    offer(visit, accepted, request, judgeAgain, isInner = false) {
      const receiver = settlementReceiver(request)
      if (receiver === undefined) return false
      const key = visit.key as CompiledKey
      const { events, rejected, body } = accepted
      const checked: CheckedEvents = { ok: true, events, rejected, body }
      const isAtEndpoint = receiver.decider === 'endpoint'
      function accept(left?: Pick<CheckedEvents, 'events' | 'rejected'>): void {
        if (!decide(visit)) return
        // An endpoint may know a type that its guard did not.
        const counted =
          visit.routeType === accepted.eventType ? visit : { ...visit, routeType: accepted.eventType }
        report.accepted(counted, key, { ...checked, ...left })
        visit.isCounted = true
        visit.quotaMonth = undefined
      }
      if (!isInner) {
        visit.count = { isAtEndpoint, events: events.length, accept }
        underWay.leaveOpen(visit.count)
      } else if (visit.count !== undefined && isAtEndpoint) visit.count.isAtEndpoint = true
      receiver.receive({
        // A single event is refused: nothing else is left to pass.
        drops: onForbiddenEvent === 'drop' && body !== events[0],
        bytes: visit.received?.ok ? visit.received.bytes : undefined,
        judgeAgain: () =>
          chain(judgeAgain(), (verdict) => {
            if (verdict.ok) return undefined
            decide(visit)
            giveBack(visit)
            return verdict
          }),
        accept,
        pass() {
          if (visit.count?.isAtEndpoint !== true) accept()
        },
        refuse(reason, { keepCharge = false, error, ...details } = {}) {
          decide(visit)
          refund(visit, keepCharge)
          return refuse(visit, reason, details, error)
        },
      })
      return true
    },
    takeBack(visit) {
      if (decide(visit)) giveBack(visit)
    },
  }
}

/** Gives back what a refused request was charged, as far as its key may have it, and its place in the month. */
function createRefund({ giveBack, giveBackToMonth }: Pick<ChargeStep, 'giveBack' | 'giveBackToMonth'>) {
  const allowance = createRefundAllowance()
  return function refund(visit: Visit, keepCharge: boolean): void {
    const key = visit.key as CompiledKey
    const bucket = (key.ratePolicy ?? key.senderPolicy)?.rate.burst ?? 0
    const charged = Math.max(visit.charged, visit.chargedSender)
    if (!keepCharge && allowance.take(key.id, charged, bucket, visit.at)) giveBack(visit)
    else giveBackToMonth(visit)
  }
}
