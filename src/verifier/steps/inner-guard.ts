import type { IngestRequest } from '../../http/ingest-request.ts'
import { type Awaitable, chain } from '../../runtime/awaitable.ts'
import { AcceptedRequest } from '../accepted-request.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { type CheckedEvents, joinRejected, noEvents } from '../events.ts'
import { readingOf } from '../reading.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused, Verdict } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import type { InnerGuard } from './acceptance.ts'
import { rejectedOf } from './event-rules.ts'
import { type GateOptions, type JudgedAgain, stillHolds } from './gate.ts'
import type { Settlements } from './settlements.ts'
import { type CheckTarget, isBodiless } from './target.ts'

/**
 * For an inner guard: events that were let through are judged by the guard's own type, and by the request's
 * present method and target. A guard that names no type, on a path that says none, agrees with the guard in
 * front of it. Code between the two may have waited: a key that may have changed meanwhile is judged again,
 * as at the gate.
 */
export function createInnerGuard(
  options: GateOptions,
  checkTarget: CheckTarget,
  { refuseKey, judgeEvents }: JudgedAgain,
  { refuse, refuseFailed }: Refusals,
  settlements: Settlements,
): InnerGuard {
  function judge(accepted: AcceptedRequest, before: Visit, visit: Visit): Verdict {
    const { request } = visit
    const refused = checkTarget(visit) ?? refuseForeign(visit, before)
    if (refused !== undefined) return refused
    if (request.eventType === undefined) visit.routeType ??= before.routeType
    if (isBodiless(request.method)) return accept(accepted, visit, noEvents())
    if (accepted.body === undefined) return refuse(visit, 'invalid_json')
    const body = inFormOf(request, before.request, accepted.body)
    visit.received = { ok: true, value: body, bytes: undefined }
    const checked = judgeEvents(visit, body)
    return checked.ok ? accept(accepted, visit, checked) : refuse(visit, checked.reason, rejectedOf(checked))
  }

  /** An inner guard of one workspace has the key judged again. */
  function refuseForeign(visit: Visit, { key }: Visit): Refused | undefined {
    return 'workspace' in visit.request ? refuseKey(visit, key as CompiledKey) : undefined
  }

  function accept(accepted: AcceptedRequest, visit: Visit, checked: CheckedEvents): AcceptedRequest {
    const rejected = joinRejected(accepted.rejected, checked.rejected)
    const events = { ...checked, rejected }
    return new AcceptedRequest(
      visit,
      (visit.key as CompiledKey).verified,
      events,
      accepted.headers,
      judgeAndSettle,
    )
  }

  function judgeChanged(accepted: AcceptedRequest, before: Visit, visit: Visit): Awaitable<Verdict> {
    return chain(options.cache.findAgain(before.key as CompiledKey), (found) => {
      Object.assign(visit, { at: options.clock.now(), key: undefined, allowOrigin: '*' })
      const refused = refuseKey(visit, found)
      if (refused !== undefined) return refused
      return found === before.key && isSameReading(before, visit) ? accepted : judge(accepted, before, visit)
    })
  }

  function judgeAgain(accepted: AcceptedRequest, before: Visit, request: IngestRequest): Awaitable<Verdict> {
    const visit: Visit = { ...before, request, received: undefined, routeType: null }
    try {
      Object.assign(visit, { reading: readingOf(request, before.reading) })
      const holds = stillHolds(options, before.key as CompiledKey)
      if (holds) return isSameReading(before, visit) ? accepted : judge(accepted, before, visit)
      const verdict = judgeChanged(accepted, before, visit)
      return verdict instanceof Promise ? verdict.catch((error) => refuseFailed(visit, error)) : verdict
    } catch (error) {
      return refuseFailed(visit, error)
    }
  }

  function judgeAndSettle(
    accepted: AcceptedRequest,
    before: Visit,
    request: IngestRequest,
  ): Awaitable<Verdict> {
    return chain(judgeAgain(accepted, before, request), (verdict) => {
      if (verdict.ok) {
        const inner = verdict as AcceptedRequest
        settlements.offer(before, inner, request, () => judgeAgain(accepted, before, request), true)
      } else settlements.takeBack(before)
      return verdict
    })
  }

  return { judgeAgain, judgeAndSettle }
}

/** The guard in front may not know the format of the sender's own endpoint, and so what its events are. */
function inFormOf({ bodyForm }: IngestRequest, before: IngestRequest, body: unknown): unknown {
  return bodyForm === undefined || bodyForm === before.bodyForm ? body : bodyForm.shape(body)
}

function isSameReading({ request: one }: Visit, { request: other }: Visit): boolean {
  return (
    one.method === other.method &&
    one.path === other.path &&
    one.query === other.query &&
    one.eventType === other.eventType &&
    (!('workspace' in other) || one.workspace === other.workspace) &&
    (other.bodyForm === undefined || one.bodyForm === other.bodyForm) &&
    (other.batchFields === undefined || one.batchFields === other.batchFields)
  )
}
