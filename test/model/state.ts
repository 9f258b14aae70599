/**
 * A history of one store: one character per revision, which is its mark. A capital ends the key that is watched, a small
 * letter changes another one, `!` is the first revision.
 */
export type History = string

/** Where a process stands: a revision and its mark; undefined before its first answer. */
export interface Position {
  readonly number: number
  readonly mark: string
}

/** Ticks, by both clocks of a process; no more than the lease is ever counted. */
export interface Age {
  readonly monotonic: number
  readonly wall: number
}

/** A poll, or a look-up: a poll that brings the record of the key as well. */
export interface Question {
  readonly isLookup: boolean
  readonly age: Age
  /** Where the process stood when it asked. */
  readonly from: Position | undefined
  /** What the server had when it ran the question; undefined until then. */
  readonly answer: History | undefined
  /** A question that began later has been applied. */
  readonly overtaken: boolean
  /** The key has been dropped since it began. */
  readonly touched: boolean
}

export interface Process {
  readonly at: Position | undefined
  /** Since the beginning of the last applied question; undefined when nothing counts. */
  readonly trust: Age | undefined
  /** Whether the key is cached, as good. */
  readonly cached: boolean
  /** Under way, in the order of their beginnings. */
  readonly questions: readonly Question[]
  /** `found`: the key is good, and the request waits for its body or the limiter. `judged`: it has been accepted. */
  readonly request: 'none' | 'found' | 'judged'
  /** The file that was put aside while this process had it open; undefined unless that happened. */
  readonly orphan: History | undefined
}

type Manager =
  | { readonly phase: 'idle' }
  | { readonly phase: 'waiting'; readonly mark: string; readonly waited: number }

/** How often each fault may still happen. */
export interface Budget {
  readonly changes: number
  readonly failovers: number
  readonly restores: number
  readonly replacements: number
  readonly suspensions: number
  readonly setBacks: number
  readonly crashes: number
}

export interface State {
  readonly primary: History
  /** A replica that lags, which is also the old dump; undefined once it has been promoted. */
  readonly replica: History | undefined
  readonly commits: number
  readonly processes: readonly Process[]
  readonly manager: Manager
  /** The mark of the end that a call has returned for, as long as the store holds it. */
  readonly returned: string | undefined
  readonly violated: boolean
  readonly left: Budget
}

export const newProcess: Process = {
  at: undefined,
  trust: undefined,
  cached: false,
  questions: [],
  request: 'none',
  orphan: undefined,
}

export function startOf(processes: number, left: Budget): State {
  return {
    primary: '!',
    replica: '!',
    commits: 0,
    processes: Array.from({ length: processes }, () => newProcess),
    manager: { phase: 'idle' },
    returned: undefined,
    violated: false,
    left,
  }
}

export function lastOf(history: History): Position {
  return { number: history.length, mark: history.at(-1) as string }
}

export function isEnded(history: History): boolean {
  return /[A-Z]/.test(history)
}

/** The same for states from which the same can happen. */
export function keyOf(state: State): string {
  const { primary, replica, commits, manager, returned, left } = state
  const managed = manager.phase === 'idle' ? '' : manager.mark + manager.waited
  // Processes are alike: it does not matter which of them is which.
  const processes = state.processes.map(processKey).sort().join('/')
  const spent = `${left.changes}${left.failovers}${left.restores}${left.replacements}${left.suspensions}${left.setBacks}${left.crashes}`
  return `${primary} ${replica} ${commits} ${managed} ${returned ?? ''} ${spent} ${processes}`
}

function processKey({ at, trust, cached, questions, request, orphan }: Process): string {
  const asked = questions.map(
    (question) =>
      `${question.isLookup ? 'l' : 'p'}${ageKey(question.age)}${positionKey(question.from)}${question.answer ?? '-'}${question.overtaken ? 'o' : ''}${question.touched ? 't' : ''}`,
  )
  return `${positionKey(at)} ${ageKey(trust)} ${cached ? 'c' : ''}${request[0]} ${orphan ?? ''} ${asked.join(';')}`
}

const positionKey = (position: Position | undefined) =>
  position === undefined ? '-' : `${position.number}${position.mark}`
const ageKey = (age: Age | undefined) => (age === undefined ? '-' : `${age.monotonic}${age.wall}`)
