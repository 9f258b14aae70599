import type { Limits } from './limits.ts'
import { managerSteps } from './manager.ts'
import { processSteps, type Step } from './process.ts'
import type { Rules } from './rules.ts'
import type { State } from './state.ts'
import { worldSteps } from './world.ts'

/** All that can happen in a state. A trace of real processes keeps the protocol when each of its steps is among these. */
export function next(state: State, rules: Rules, limits: Limits): Step[] {
  return [
    ...worldSteps(state, limits.leaseTicks),
    ...managerSteps(state, rules, limits.leaseTicks),
    ...state.processes.flatMap((_, index) => processSteps(state, index, rules, limits)),
  ]
}
