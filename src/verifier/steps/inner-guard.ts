import type { IngestRequest } from '../../http/ingest-request.ts'
import { AcceptedRequest, type JudgeAgain } from '../accepted-request.ts'
import { type CheckedEvents, joinRejected, noEvents } from '../events.ts'
import type { Refusals } from '../refusals.ts'
import type { Verdict } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import { type JudgeEvents, rejectedOf } from './event-rules.ts'
import { type CheckTarget, isBodiless } from './target.ts'

/**
 * For a guard further in: what has been let through is read by the guard's own type, and by the request's method and target
 * as they are now. A guard that names no type, on a path that says none, agrees with the one in front of it.
 */
export function createInnerGuard(
  checkTarget: CheckTarget,
  judgeEvents: JudgeEvents,
  { refuse, refuseFailed }: Refusals,
): JudgeAgain {
  function judge(accepted: AcceptedRequest, before: Visit, visit: Visit): Verdict {
    const { request } = visit
    const refused = checkTarget(visit)
    if (refused !== undefined) return refused
    if (request.eventType === undefined) visit.routeType ??= before.routeType
    if (isBodiless(request.method)) return accept(accepted, visit, noEvents())
    if (accepted.body === undefined) return refuse(visit, 'invalid_json')
    visit.received = { ok: true, value: accepted.body, bytes: undefined }
    const checked = judgeEvents(visit, accepted.body)
    return checked.ok ? accept(accepted, visit, checked) : refuse(visit, checked.reason, rejectedOf(checked))
  }

  function accept(accepted: AcceptedRequest, visit: Visit, checked: CheckedEvents): AcceptedRequest {
    const rejected = joinRejected(accepted.rejected, checked.rejected)
    const events = { ...checked, rejected }
    return new AcceptedRequest(visit, accepted.writeKey, events, accepted.headers, judgeAgain)
  }

  function judgeAgain(accepted: AcceptedRequest, before: Visit, request: IngestRequest): Verdict {
    if (isSameReading(before.request, request)) return accepted
    const visit: Visit = { ...before, request, received: undefined, routeType: null }
    try {
      return judge(accepted, before, visit)
    } catch (error) {
      return refuseFailed(visit, error)
    }
  }

  return judgeAgain
}

function isSameReading(one: IngestRequest, other: IngestRequest): boolean {
  return (
    one.method === other.method &&
    one.path === other.path &&
    one.query === other.query &&
    one.eventType === other.eventType
  )
}
