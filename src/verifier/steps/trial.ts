import { createMemoryLimiter } from '../../limits/memory-limiter.ts'
import { createSenderLimiter } from '../../limits/sender-limiter.ts'
import { allowsAddress } from '../../rules/ip-rule.ts'
import { allowsOrigin } from '../../rules/origin-rule.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ClientOf } from '../client.ts'
import type { CompiledKey } from '../compiled-key.ts'
import type { CompiledTrial } from '../compiled-trial.ts'
import { eventCost } from '../event-cost.ts'
import { type CheckedEvents, checkEvents } from '../events.ts'
import type { Reason } from '../reasons.ts'
import type { Visit } from '../visit.ts'
import type { EventRulesOptions } from './event-rules.ts'

export interface TrialOptions extends EventRulesOptions {
  clock: Clock
  eventBytes: number
}

/**
 * What the rules on trial would have said to a request that the enforced ones let through, in the same order;
 * undefined: they would have let it through too. Refuses, drops and charges nothing: rates on trial have
 * their own buckets, in this process.
 */
export type JudgeTrial = (visit: Visit, trial: CompiledTrial, checked: CheckedEvents) => Reason | undefined

export function createTrial(options: TrialOptions, client: ClientOf): JudgeTrial {
  const buckets = createMemoryLimiter({ clock: options.clock })
  const shares = createSenderLimiter(options.clock)

  function judgeSender(visit: Visit, { ips, origins }: CompiledTrial): Reason | undefined {
    const { origin, fromPage } = visit
    if (ips !== null && !allowsAddress(ips, client.addressOf(visit)?.parsed)) return 'ip_not_allowed'
    if (origins === null || !fromPage) return undefined
    return origin !== undefined && allowsOrigin(origins, origin) ? undefined : 'origin_not_allowed'
  }

  /** Judges what the enforced rules have left. */
  function judgeEvents(
    visit: Visit,
    { events: rule }: CompiledTrial,
    { body }: CheckedEvents,
  ): Reason | undefined {
    if (rule === null || body === undefined) return undefined
    const { maxEvents, onForbiddenEvent } = options
    const { batchFields } = visit.reading
    const { routeType } = visit
    const judged = checkEvents(body, {
      routeType,
      rule,
      onForbiddenEvent,
      maxEvents,
      batchFields,
      keyFields: [],
    })
    return judged.ok ? judged.rejected[0]?.code : judged.reason
  }

  function judgeRate(visit: Visit, trial: CompiledTrial, checked: CheckedEvents): Reason | undefined {
    const { ratePolicy, senderPolicy } = trial
    if (ratePolicy === null && senderPolicy === null) return undefined
    const { id, mark } = visit.key as CompiledKey
    const { received, request } = visit
    const cost = eventCost(checked, received?.ok ? received.bytes : 0, request.headers, options.eventBytes)
    const sender = senderPolicy === null ? undefined : client.addressOf(visit)?.parsed
    if (senderPolicy !== null && sender !== undefined) {
      if (!shares.consume(mark, sender, cost, senderPolicy.rate).allowed) return 'sender_rate_limited'
    }
    if (ratePolicy === null || buckets.consume(id, cost, ratePolicy.rate).allowed) return undefined
    if (senderPolicy !== null && sender !== undefined) shares.refund(mark, sender, cost, senderPolicy.rate)
    return 'rate_limited'
  }

  return (visit, trial, checked) =>
    judgeSender(visit, trial) ?? judgeEvents(visit, trial, checked) ?? judgeRate(visit, trial, checked)
}
