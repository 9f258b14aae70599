import type { Step } from './process.ts'
import type { Rules } from './rules.ts'
import { isEnded, lastOf, type State } from './state.ts'

/** Whatever a process that changes keys can do; it talks to the primary. */
export function managerSteps(state: State, rules: Rules, leaseTicks: number): Step[] {
  const { manager, primary, left } = state
  const steps: Step[] = []
  const canChange = left.changes > 0
  if (canChange) steps.push(['another key is changed', commit(state, false)])
  if (manager.phase === 'idle') {
    if (!isEnded(primary) && canChange) {
      const changed = commit(state, true)
      steps.push(['the key is ended, by a commit', begin(changed, rules.wait)])
    }
    if (isEnded(primary) && state.returned === undefined) {
      steps.push([
        'the key is ended once more, as it is already',
        begin(state, rules.wait && rules.repeatedWait),
      ])
    }
    return steps
  }
  if (manager.waited >= leaseTicks) {
    const isThere = primary.includes(manager.mark)
    if (isThere || !rules.secondLook) {
      steps.push(['the call returns', { ...state, manager: { phase: 'idle' }, returned: manager.mark }])
    } else
      steps.push([
        'the call finds its change lost, and starts again',
        { ...state, manager: { phase: 'idle' } },
      ])
  }
  if (left.crashes > 0) {
    const crashes = left.crashes - 1
    steps.push(['the manager crashes', { ...state, manager: { phase: 'idle' }, left: { ...left, crashes } }])
  }
  return steps
}

function commit(state: State, ends: boolean): State {
  const letter = String.fromCharCode('a'.charCodeAt(0) + state.commits)
  return {
    ...state,
    primary: state.primary + (ends ? letter.toUpperCase() : letter),
    commits: state.commits + 1,
    left: { ...state.left, changes: state.left.changes - 1 },
  }
}

function begin(state: State, waits: boolean): State {
  const { mark } = lastOf(state.primary)
  return waits ? { ...state, manager: { phase: 'waiting', mark, waited: 0 } } : { ...state, returned: mark }
}
