import type { IngestRequest } from '../../http/ingest-request.ts'
import { isAmbiguousPath } from '../../http/request-target.ts'
import { hasContent } from '../../http/unexpected-body.ts'
import { AmbiguousType, type EventTypeResolver } from '../../rules/event-types.ts'
import type { DecisionReport } from '../decision-report.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused } from '../verdict.ts'
import type { Visit } from '../visit.ts'

/**
 * Step 1: refuses what routers, or parsers further in, could read differently than we do. Sets the type that
 * the route or the path says.
 */
export type CheckTarget = (visit: Visit) => Refused | undefined

export function createTargetCheck(
  eventTypes: EventTypeResolver,
  { refuse }: Refusals,
  report: DecisionReport,
): CheckTarget {
  return function checkTarget(visit) {
    const { method, path, query, eventType } = visit.request
    if (typeof path !== 'string') throw new TypeError('request.path must be a string: the path as requested')
    if (isAmbiguousPath(path) || (typeof query === 'string' && query.includes('#'))) {
      return refuse(visit, 'invalid_path')
    }
    if (eventType === undefined) {
      const type = eventTypes.fromPath(path)
      if (type instanceof AmbiguousType) {
        report.ambiguousType(type)
        return refuse(visit, 'invalid_path')
      }
      visit.routeType = type
    } else visit.routeType = eventType === 'batch' ? null : eventType
    return isBodiless(method) && hasContent(visit.request) ? refuse(visit, 'unexpected_body') : undefined
  }
}

/** Whether requests of this method carry no events. */
export function isBodiless(method: IngestRequest['method']): boolean {
  return method === 'GET' || method === 'HEAD'
}
