import type { Step } from './process.ts'
import type { Age, Budget, History, Process, State } from './state.ts'

/** Time and misfortune. */
export function worldSteps(state: State, leaseTicks: number): Step[] {
  const { primary, replica, left } = state
  const steps: Step[] = [['time passes', tick(state, leaseTicks, 1, 1)]]
  if (left.suspensions > 0) {
    steps.push([
      'time passes while the processes are suspended',
      tick(spend(state, 'suspensions'), leaseTicks, 0, 1),
    ])
  }
  if (left.setBacks > 0) {
    steps.push([
      'time passes while the wall clock is set back',
      tick(spend(state, 'setBacks'), leaseTicks, 1, 0),
    ])
  }
  if (replica === undefined) return steps
  if (replica !== primary)
    steps.push(['the replica catches up, or a dump is made', { ...state, replica: primary }])
  if (left.failovers > 0) {
    const promoted = { ...spend(state, 'failovers'), replica: undefined }
    steps.push(['the replica is promoted', withHistory(promoted, replica)])
  }
  if (left.restores > 0) steps.push(['the dump is restored', withHistory(spend(state, 'restores'), replica)])
  if (left.replacements > 0) {
    const processes = state.processes.map((process) => ({ ...process, orphan: process.orphan ?? primary }))
    const replaced = { ...spend(state, 'replacements'), processes }
    steps.push(["the dump's file is put in the place of the open one", withHistory(replaced, replica)])
  }
  return steps
}

function spend(state: State, fault: keyof Budget): State {
  return { ...state, left: { ...state.left, [fault]: state.left[fault] - 1 } }
}

/** What a history has lost, no call has to keep true any more. */
function withHistory(state: State, primary: History): State {
  const isHeld = state.returned !== undefined && primary.includes(state.returned)
  return { ...state, primary, returned: isHeld ? state.returned : undefined }
}

/** The manager waits by its monotonic clock, so one that is suspended only waits longer. */
function tick(state: State, leaseTicks: number, monotonic: 0 | 1, wall: 0 | 1): State {
  const older = (age: Age): Age => ({
    monotonic: Math.min(leaseTicks, age.monotonic + monotonic),
    wall: Math.min(leaseTicks, age.wall + wall),
  })
  const olderProcess = (process: Process): Process => ({
    ...process,
    trust: process.trust && older(process.trust),
    questions: process.questions.map((question) => ({ ...question, age: older(question.age) })),
  })
  const { manager } = state
  return {
    ...state,
    processes: state.processes.map(olderProcess),
    manager:
      manager.phase === 'idle' ? manager : { ...manager, waited: Math.min(leaseTicks, manager.waited + 1) },
  }
}
