import type { Limits } from './limits.ts'
import { next } from './next.ts'
import type { Rules } from './rules.ts'
import { simplify } from './simplify.ts'
import { keyOf, type State } from './state.ts'

export interface Found {
  /** The shortest way to a handler that starts after the call has returned; undefined when there is none. */
  readonly violation: readonly string[] | undefined
  readonly states: number
  /** Whether every state has been seen. */
  readonly isComplete: boolean
}

/** Breadth first, so that what is found is as short as can be. */
export function search(start: State, rules: Rules, limits: Limits): Found {
  const seen = new Set([keyOf(start)])
  const actions: string[] = ['']
  const parents: number[] = [-1]
  let states: State[] = [start]
  let first = 0
  while (states.length > 0) {
    const following: State[] = []
    for (const [offset, state] of states.entries()) {
      for (const [action, raw] of next(state, rules, limits)) {
        if (raw.violated) {
          const violation = [...traceTo(first + offset, actions, parents), action]
          return { violation, states: seen.size, isComplete: false }
        }
        const reached = simplify(raw, rules, limits.leaseTicks)
        const key = keyOf(reached)
        if (seen.has(key)) continue
        seen.add(key)
        actions.push(action)
        parents.push(first + offset)
        following.push(reached)
      }
      if (seen.size > limits.states) return { violation: undefined, states: seen.size, isComplete: false }
    }
    first += states.length
    states = following
  }
  return { violation: undefined, states: seen.size, isComplete: true }
}

function traceTo(index: number, actions: readonly string[], parents: readonly number[]): string[] {
  const trace: string[] = []
  for (let at = index; at > 0; at = parents[at] as number) trace.unshift(actions[at] as string)
  return trace
}
