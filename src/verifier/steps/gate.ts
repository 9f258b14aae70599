import type { KeyCache, Lookup } from '../../cache/key-cache-interface.ts'
import { type Awaitable, chain } from '../../runtime/awaitable.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { CompiledKey } from '../compiled-key.ts'
import type { CheckedEvents } from '../events.ts'
import { hasEnded } from '../grace.ts'
import type { HandlerTurns } from '../handler-turns.ts'
import type { Refusals } from '../refusals.ts'
import type { Refused, Verdict } from '../verdict.ts'
import type { Visit } from '../visit.ts'
import type { Accept } from './acceptance.ts'
import type { Charged } from './bucket-charge.ts'
import type { ChargeStep } from './charge.ts'
import type { JudgeEvents } from './event-rules.ts'

export interface GateOptions {
  cache: Pick<KeyCache<CompiledKey>, 'findAgain' | 'isCurrent'>
  clock: Clock
}

/** The steps that judge a key again which may have changed. */
export interface JudgedAgain {
  /** Steps 6 to 8. */
  refuseKey(visit: Visit, found: Lookup<CompiledKey>): Refused | undefined
  judgeEvents: JudgeEvents
}

/**
 * Step 13, in the same turn as the verdict, after the last wait. A key that may have changed meanwhile is
 * judged again by steps 6 to 8, and its events by step 11. Nothing is charged twice. When the request is
 * refused here, its charge is given back. Requests that come here together pass in turns.
 */
export type PassGate = (visit: Visit, checked: CheckedEvents, charged: Charged) => Awaitable<Verdict>

/**
 * Whether the result still holds: the lease is valid, nothing of the key was dropped, and no deadline of it
 * has passed.
 */
export function stillHolds({ cache, clock }: GateOptions, key: CompiledKey): boolean {
  return cache.isCurrent(key) && !hasEnded(key, clock.now())
}

export function createGate(
  options: GateOptions,
  { refuseKey, judgeEvents }: JudgedAgain,
  { giveBack }: ChargeStep,
  { refuse }: Refusals,
  accept: Accept,
  turns: HandlerTurns,
): PassGate {
  const { cache, clock } = options

  function refuseNow(visit: Visit, refused: Refused): Refused {
    giveBack(visit)
    return refused
  }

  function passGate(visit: Visit, checked: CheckedEvents, charged: Charged): Awaitable<Verdict> {
    const turn = turns.take(visit.waited)
    if (turn === undefined) return look(visit, checked, charged)
    visit.waited = true
    return turn.then(() => look(visit, checked, charged))
  }

  function look(visit: Visit, checked: CheckedEvents, charged: Charged): Awaitable<Verdict> {
    const key = visit.key as CompiledKey
    if (!visit.waited || stillHolds(options, key)) {
      return accept(visit, checked, charged)
    }
    return chain(cache.findAgain(key), (found) => {
      Object.assign(visit, { at: clock.now(), key: undefined, allowOrigin: '*' })
      const refused = refuseKey(visit, found)
      if (refused !== undefined) return refuseNow(visit, refused)
      const again = found !== key && visit.received?.ok ? judgeEvents(visit, visit.received.value) : checked
      if (!again.ok) return refuseNow(visit, refuse(visit, again.reason, { rejected: again.rejected }))
      return passGate(visit, again, charged)
    })
  }

  return passGate
}
