import { AcceptedRequest, type JudgeAgain } from '../accepted-request.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { exposedHeaders } from '../cors.ts'
import type { DecisionReport } from '../decision-report.ts'
import type { CheckedEvents } from '../events.ts'
import { graceHeaders, usesGrace } from '../grace.ts'
import type { Visit } from '../visit.ts'
import type { Charged } from './bucket-charge.ts'
import type { Settlements } from './settlements.ts'
import type { JudgeTrial } from './trial.ts'

/** All checks have passed: reports it, and makes the verdict with the headers of the answer. */
export type Accept = (visit: Visit, checked: CheckedEvents, charged: Charged) => AcceptedRequest

/** How an inner guard, or an endpoint, judges an accepted request again. */
export interface InnerGuard {
  readonly judgeAgain: JudgeAgain
  /** For endpoints that have the last word on a request, behind a guard that has counted and charged it. */
  readonly judgeAndSettle: JudgeAgain
}

export function createAcceptance(
  report: DecisionReport,
  { judgeAgain, judgeAndSettle }: InnerGuard,
  settlements: Settlements,
  judgeTrial: JudgeTrial,
): Accept {
  return function accept(visit, checked, charged) {
    const key = visit.key as CompiledKey
    // Added to, not copied: assigning five properties to another object took as long as making them.
    if (key.trial !== null && !visit.isPaid) visit.wouldRefuse = judgeTrial(visit, key.trial, checked)
    const policy = visit.isSenderTighter ? key.senderPolicy : key.ratePolicy
    const headers = charged === undefined ? {} : (policy?.headers(charged) ?? {})
    headers.vary = 'Origin'
    headers['access-control-expose-headers'] = exposedHeaders
    if (visit.allowOrigin !== null) headers['access-control-allow-origin'] = visit.allowOrigin
    if (usesGrace(key)) Object.assign(headers, graceHeaders(key))
    const accepted = new AcceptedRequest(visit, key.verified, checked, headers, judgeAndSettle)
    const { request } = visit
    const isLeftOpen = settlements.offer(visit, accepted, request, () =>
      judgeAgain(accepted, visit, request, accepted.body),
    )
    if (!isLeftOpen) report.accepted(visit, key, checked)
    return accepted
  }
}
