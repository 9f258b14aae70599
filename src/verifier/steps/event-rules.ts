import { keyFieldsOf } from '../carried-key.ts'
import type { CompiledKey } from '../compiled-key.ts'
import { type CheckedEvents, checkEvents, type RefusedEvents } from '../events.ts'
import type { Visit } from '../visit.ts'

export interface EventRulesOptions {
  maxEvents: number
  onForbiddenEvent: 'reject' | 'drop'
}

/** Step 11: every event of a parsed body against the route's type and the key's rules. */
export type JudgeEvents = (visit: Visit, body: unknown) => CheckedEvents | RefusedEvents

export function createEventRules({ maxEvents, onForbiddenEvent }: EventRulesOptions): JudgeEvents {
  return function judgeEvents({ routeType, key, reading, presented }, body) {
    const { events: rule } = key as CompiledKey
    const { batchFields, credentials } = reading
    const keyFields = keyFieldsOf(credentials, presented, body)
    return checkEvents(body, { routeType, rule, onForbiddenEvent, maxEvents, batchFields, keyFields })
  }
}
