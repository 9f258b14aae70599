import type { Limits } from './limits.ts'
import type { Rules } from './rules.ts'
import {
  type Age,
  type History,
  isEnded,
  lastOf,
  newProcess,
  type Position,
  type Process,
  type Question,
  type State,
} from './state.ts'

/** What can happen next, in words, and the state it leads to. */
export type Step = readonly [action: string, state: State]

const noAge: Age = { monotonic: 0, wall: 0 }

/** Whatever one process can do: ask, take in answers, serve requests. */
export function processSteps(state: State, index: number, rules: Rules, limits: Limits): Step[] {
  const process = state.processes[index] as Process
  const name = state.processes.length > 1 ? `process ${index + 1}` : 'the process'
  const steps: Step[] = []
  const become = (action: string, changed: Process, more: Partial<State> = {}) =>
    steps.push([`${name} ${action}`, { ...state, ...more, processes: state.processes.with(index, changed) }])
  const holds = isTrusted(process, rules, limits.leaseTicks)

  if (process.questions.length < limits.questions) {
    const ask = (isLookup: boolean): Process => {
      const question: Question = {
        isLookup,
        age: noAge,
        from: process.at,
        answer: undefined,
        overtaken: false,
        touched: false,
      }
      return { ...process, questions: [...process.questions, question] }
    }
    if (!process.questions.some(({ isLookup }) => !isLookup)) become('begins a poll', ask(false))
    // Also of a key that is cached: two requests may have found nothing, or the answer that brought it was old.
    become('begins a look-up', ask(true))
  }
  for (const [at, question] of process.questions.entries()) {
    const kind = question.isLookup ? 'look-up' : 'poll'
    if (question.answer === undefined) {
      for (const [server, history] of serversFor(state, process, question, rules)) {
        const answered = { ...question, answer: history }
        become(`has its ${kind} run on ${server}`, {
          ...process,
          questions: process.questions.with(at, answered),
        })
      }
    } else become(`applies its ${kind}`, applyAnswer(process, at, question.answer, rules))
    become(`gives up its ${kind}`, { ...process, questions: process.questions.toSpliced(at, 1) })
  }

  if (process.request === 'none' && process.cached && holds)
    become('finds the key good for a request, which waits', { ...process, request: 'found' })
  const served: Process = { ...process, request: 'none' }
  const passes = process.request === 'found' && holds
  if (process.request === 'judged' || (rules.gate && passes))
    become('starts the handler', served, { violated: state.returned !== undefined })
  if (!rules.gate && passes)
    become('accepts the request, which waits for its charge', { ...process, request: 'judged' })
  // It may always do so: what it has found may have been dropped with others.
  if (process.request === 'found') become('judges the request anew', served)

  if (state.left.crashes > 0) {
    become('crashes and starts again', newProcess, {
      left: { ...state.left, crashes: state.left.crashes - 1 },
    })
  }
  return steps
}

export function isTrusted({ trust }: Process, rules: Rules, leaseTicks: number): boolean {
  if (trust === undefined) return false
  const monotonic = rules.monotonicClock ? trust.monotonic : 0
  const wall = rules.wallClock ? trust.wall : 0
  return !rules.lease || Math.max(monotonic, wall) < leaseTicks
}

/** Where a question can end up: its driver, a proxy or a name may lead it to any server. */
function serversFor(
  state: State,
  process: Process,
  { isLookup }: Question,
  rules: Rules,
): [string, History][] {
  if (process.orphan !== undefined && !rules.sameFile) return [['the file put aside', process.orphan]]
  const servers: [string, History][] = [['the primary', state.primary]]
  const asksPrimary = isLookup ? rules.lookupsAskPrimary : rules.pollsAskPrimary
  if (!asksPrimary && state.replica !== undefined) servers.push(['the replica', state.replica])
  return servers
}

function applyAnswer(process: Process, index: number, answer: History, rules: Rules): Process {
  const question = process.questions[index] as Question
  const questions = process.questions.toSpliced(index, 1)
  const shown = lastOf(answer)
  const standsThere = isSame(process.at, shown, rules.marks && rules.exactMoment)
  const isLate = question.overtaken || !isSame(process.at, question.from, rules.marks)
  if (rules.order && isLate && !standsThere) {
    const isGood = question.isLookup && !isEnded(answer) && isUntouched(question, answer, rules)
    return { ...process, questions, cached: process.cached || isGood }
  }

  const dropped = !standsThere && concernsKey(question.from, answer, rules)
  const age = rules.ageFromBeginning ? question.age : noAge
  return {
    ...process,
    // Whoever polls a path that has another file opens that one.
    orphan: rules.sameFile ? undefined : process.orphan,
    at: shown,
    trust: standsThere && process.trust !== undefined ? younger(process.trust, age) : age,
    cached: question.isLookup ? !isEnded(answer) : process.cached && !dropped,
    questions: questions.map((other, at) => ({
      ...other,
      overtaken: other.overtaken || at < index,
      touched: other.touched || dropped,
    })),
    // To be judged anew.
    request: dropped && rules.voiding && process.request === 'found' ? 'none' : process.request,
  }
}

/**
 * Whether the key is as it was where the process stood when it asked: neither on the way to where it stands now, nor on the
 * way to what the answer shows, has it changed. Then the record is right, of whichever moment the answer is.
 */
function isUntouched({ from, touched }: Question, answer: History, rules: Rules): boolean {
  return !rules.untouched || (!touched && !concernsKey(from, answer, rules))
}

/** Whether the key has changed since a process stood there, or the history is another one. */
function concernsKey(from: Position | undefined, answer: History, rules: Rules): boolean {
  if (from === undefined) return true
  const isThere = answer.length >= from.number && (!rules.marks || answer[from.number - 1] === from.mark)
  return !isThere || isEnded(answer.slice(from.number))
}

function isSame(one: Position | undefined, other: Position | undefined, byMark: boolean): boolean {
  return one?.number === other?.number && (!byMark || one?.mark === other?.mark)
}

function younger(one: Age, other: Age): Age {
  return {
    monotonic: Math.min(one.monotonic, other.monotonic),
    wall: Math.min(one.wall, other.wall),
  }
}
