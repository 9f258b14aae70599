import { AcceptedRequest, type JudgeAgain } from '../accepted-request.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { exposedHeaders } from '../cors.ts'
import type { DecisionReport } from '../decision-report.ts'
import type { CheckedEvents } from '../events.ts'
import { graceHeaders } from '../grace-headers.ts'
import type { Visit } from '../visit.ts'
import type { Charged } from './charge.ts'

/** Every check has been passed: reports it, and makes the verdict with the headers of the answer. */
export type Accept = (visit: Visit, checked: CheckedEvents, charged: Charged) => AcceptedRequest

export function createAcceptance(report: DecisionReport, judgeAgain: JudgeAgain): Accept {
  return function accept(visit, checked, charged) {
    const key = visit.key as CompiledKey
    // Added to, not copied from: assigning five properties to another object took as long as making them.
    const headers = charged === undefined ? {} : (key.ratePolicy?.headers(charged) ?? {})
    headers.vary = 'Origin'
    headers['access-control-expose-headers'] = exposedHeaders
    if (visit.allowOrigin !== null) headers['access-control-allow-origin'] = visit.allowOrigin
    if (key.secretExpiresAt !== null) Object.assign(headers, graceHeaders(key))
    report.accepted(visit, key, checked)
    return new AcceptedRequest(visit, key.verified, checked, headers, judgeAgain)
  }
}
