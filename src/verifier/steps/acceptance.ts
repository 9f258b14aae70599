import { chain } from '../../runtime/awaitable.ts'
import { AcceptedRequest, type JudgeAgain } from '../accepted-request.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { exposedHeaders } from '../cors.ts'
import type { DecisionReport } from '../decision-report.ts'
import type { CheckedEvents } from '../events.ts'
import { graceHeaders } from '../grace-headers.ts'
import type { Refusals } from '../refusals.ts'
import { createRefundAllowance, type Settlement, settlementReceiver } from '../settlement.ts'
import type { Visit } from '../visit.ts'
import type { Charged, ChargeStep } from './charge.ts'
import type { EventRulesOptions } from './event-rules.ts'
import type { JudgeTrial } from './trial.ts'

/** Every check has been passed: reports it, and makes the verdict with the headers of the answer. */
export type Accept = (visit: Visit, checked: CheckedEvents, charged: Charged) => AcceptedRequest

export function createAcceptance(
  { onForbiddenEvent }: Pick<EventRulesOptions, 'onForbiddenEvent'>,
  report: DecisionReport,
  judgeAgain: JudgeAgain,
  { refuse }: Pick<Refusals, 'refuse'>,
  { giveBack }: Pick<ChargeStep, 'giveBack'>,
  judgeTrial: JudgeTrial,
): Accept {
  const allowance = createRefundAllowance()

  function toSettlement(visit: Visit, accepted: AcceptedRequest, checked: CheckedEvents): Settlement {
    const key = visit.key as CompiledKey
    return {
      // A single event is refused: nothing else is left to pass.
      drops: onForbiddenEvent === 'drop' && checked.body !== checked.events[0],
      judgeAgain: () =>
        chain(judgeAgain(accepted, visit, visit.request), (verdict) => {
          if (verdict.ok) return undefined
          giveBack(visit)
          return verdict
        }),
      accept: (left) => report.accepted(visit, key, { ...checked, ...left }),
      refuse(reason, { keepCharge = false, error, ...details } = {}) {
        const bucket = (key.ratePolicy ?? key.senderPolicy)?.rate.burst ?? 0
        const charged = Math.max(visit.charged, visit.chargedSender)
        if (!keepCharge && allowance.take(key.id, charged, bucket, visit.at)) giveBack(visit)
        return refuse(visit, reason, details, error)
      },
    }
  }

  return function accept(visit, checked, charged) {
    const key = visit.key as CompiledKey
    // Added to, not copied from: assigning five properties to another object took as long as making them.
    if (key.trial !== null && !visit.isPaid) visit.wouldRefuse = judgeTrial(visit, key.trial, checked)
    const policy = visit.isSenderTighter ? key.senderPolicy : key.ratePolicy
    const headers = charged === undefined ? {} : (policy?.headers(charged) ?? {})
    headers.vary = 'Origin'
    headers['access-control-expose-headers'] = exposedHeaders
    if (visit.allowOrigin !== null) headers['access-control-allow-origin'] = visit.allowOrigin
    if (key.secretExpiresAt !== null) Object.assign(headers, graceHeaders(key))
    const accepted = new AcceptedRequest(visit, key.verified, checked, headers, judgeAgain)
    const receive = settlementReceiver(visit.request)
    if (receive === undefined) report.accepted(visit, key, checked)
    else receive(toSettlement(visit, accepted, checked))
    return accepted
  }
}
