import { isTrusted } from './process.ts'
import type { Rules } from './rules.ts'
import type { State } from './state.ts'

/** The same state without what can make no difference any more, so that fewer have to be looked at. */
export function simplify(state: State, rules: Rules, leaseTicks: number): State {
  const { failovers, restores, replacements } = state.left
  const isReplicaIdle =
    failovers + restores + replacements === 0 && rules.pollsAskPrimary && rules.lookupsAskPrimary
  const hasLapsed = state.processes.some((process) => process.trust && !isTrusted(process, rules, leaseTicks))
  if (!hasLapsed && (!isReplicaIdle || state.replica === undefined)) return state
  const processes = state.processes.map((process) =>
    isTrusted(process, rules, leaseTicks) ? process : { ...process, trust: undefined },
  )
  return { ...state, processes, replica: isReplicaIdle ? undefined : state.replica }
}
