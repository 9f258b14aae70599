import { assertNotFailed } from '../../http/failed-request.ts'
import type { IngestRequest } from '../../http/ingest-request.ts'
import { type Awaitable, chain } from '../../runtime/awaitable.ts'
import { AcceptedRequest, type JudgeAgain } from '../accepted-request.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { type CheckedEvents, joinRejected, noEvents, type RefusedEvents } from '../events.ts'
import { readingOf } from '../reading.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused, Verdict } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import type { InnerGuard } from './acceptance.ts'
import { type GateOptions, type JudgedAgain, stillHolds } from './gate.ts'
import type { Settlements } from './settlements.ts'
import { type CheckTarget, isBodiless } from './target.ts'

type Judged = CheckedEvents | RefusedEvents

/**
 * For an inner guard: events that were let through are judged by the guard's own type, and by the request's
 * present method and target. A guard that names no type, on a path that says none, agrees with the guard in
 * front of it. Code between the two may have waited: a key that may have changed meanwhile is judged again,
 * as at the gate. It may have changed the events too, in their place or by others: they are always judged as they are now.
 */
export function createInnerGuard(
  options: GateOptions,
  checkTarget: CheckTarget,
  { refuseKey, judgeEvents }: JudgedAgain,
  { refuse, refuseFailed }: Refusals,
  settlements: Settlements,
): InnerGuard {
  function judge(accepted: AcceptedRequest, before: Visit, visit: Visit, body: unknown): Verdict {
    const { request } = visit
    if (visit.key === before.key && isSameReading(before, visit)) {
      visit.routeType = before.routeType
      if (accepted.body === undefined) return accepted
      const checked = judgeEvents(visit, body)
      return checked.ok && isSameBody(accepted, checked) ? accepted : settle(accepted, before, visit, checked)
    }
    const refused = refuseAsAlone(visit, before)
    if (refused !== undefined) return refused
    if (request.eventType === undefined) visit.routeType ??= before.routeType
    if (isBodiless(request.method)) return innerVerdict(accepted, visit, noEvents(), judgeAndSettle)
    if (accepted.body === undefined) return refuse(visit, 'invalid_json')
    return settle(accepted, before, visit, judgeEvents(visit, inFormOf(request, before.request, body)))
  }

  function settle(accepted: AcceptedRequest, before: Visit, visit: Visit, checked: Judged): Verdict {
    visit.received = before.received
    return checked.ok
      ? innerVerdict(accepted, visit, checked, judgeAndSettle)
      : refuse(visit, checked.reason, { rejected: checked.rejected })
  }

  /** The target, and the key where the guard is of one workspace: refused as by a guard that has not found the key yet. */
  function refuseAsAlone(visit: Visit, { key }: Visit): Refused | undefined {
    const { allowOrigin } = visit
    visit.allowOrigin = '*'
    const isOfOne = 'workspace' in visit.request
    const refused = checkTarget(visit) ?? (isOfOne ? refuseKey(visit, key as CompiledKey) : undefined)
    if (refused === undefined) visit.allowOrigin = allowOrigin
    return refused
  }

  function judgeChanged(
    accepted: AcceptedRequest,
    before: Visit,
    visit: Visit,
    body: unknown,
  ): Awaitable<Verdict> {
    return chain(options.cache.findAgain(before.key as CompiledKey), (found) => {
      Object.assign(visit, { at: options.clock.now(), key: undefined, allowOrigin: '*' })
      return refuseKey(visit, found) ?? judge(accepted, before, visit, body)
    })
  }

  const judgeAgain: JudgeAgain = (accepted, before, request, body) => {
    const visit: Visit = { ...before, request, received: undefined, routeType: null }
    try {
      assertNotFailed(request)
      Object.assign(visit, { reading: readingOf(request, before.reading) })
      if (stillHolds(options, before.key as CompiledKey)) return judge(accepted, before, visit, body)
      const later = judgeChanged(accepted, before, visit, body)
      return later instanceof Promise ? later.catch((error) => refuseFailed(visit, error)) : later
    } catch (error) {
      return refuseFailed(visit, error)
    }
  }

  const judgeAndSettle: JudgeAgain = (accepted, before, request, body) => {
    return chain(judgeAgain(accepted, before, request, body), (verdict) => {
      if (verdict.ok) {
        const inner = verdict as AcceptedRequest
        const again = () => judgeAgain(accepted, before, request, inner.body)
        settlements.offer(before, inner, request, again, true)
      } else settlements.takeBack(before)
      return verdict
    })
  }

  return { judgeAgain, judgeAndSettle }
}

/** @param judgeAgain for guards further in */
function innerVerdict(
  { rejected, headers }: AcceptedRequest,
  visit: Visit,
  checked: CheckedEvents,
  judgeAgain: JudgeAgain,
): AcceptedRequest {
  const events = { ...checked, rejected: joinRejected(rejected, checked.rejected) }
  return new AcceptedRequest(visit, (visit.key as CompiledKey).verified, events, headers, judgeAgain)
}

function isSameBody(accepted: AcceptedRequest, { body, events }: CheckedEvents): boolean {
  // A body of which events are dropped is another one.
  if (body !== accepted.body || events.length !== accepted.events.length) return false
  return events.every((event, index) => event === accepted.events[index])
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
    !('workspace' in other) &&
    (other.bodyForm === undefined || one.bodyForm === other.bodyForm)
  )
}
