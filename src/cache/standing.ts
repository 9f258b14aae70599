import type { Clock } from '../runtime/clock.ts'
import type { PollAnswer, Position } from '../stores/key-store.ts'
import type { ChangeHistory } from './change-history.ts'
import { type Moment, readMoment } from './moment.ts'

/** A question to the store that is under way. */
export interface Question {
  /** Questions are numbered in the order in which they began. */
  readonly number: number
  /** Where the process stood when it asked; `null`: it knew nothing. */
  readonly since: Position | null
  readonly began: Moment
  /** What was known to have changed by then. */
  readonly generation: number
}

export interface StandingOptions {
  clock: Clock
  changes: ChangeHistory
  /** Everything found so far about these keys is void. Called before the process stands anywhere else. */
  onChanged: (keyIds: readonly string[] | 'all') => void
  /** The store shows another history than the one this process stood in. */
  onRevisionRegressed: () => void
}

/** Where this process stands in the history of the store. What is cached is what the store held there. */
export interface Standing {
  begin(): Question
  /**
   * Applies an answer, at once and as a whole.
   * @returns false when it is of another moment: nothing has happened, and the question has to be asked again.
   */
  apply(question: Question, answer: PollAnswer): boolean
}

export function createStanding(options: StandingOptions): Standing {
  const { clock, changes, onChanged, onRevisionRegressed } = options
  let here: Position | null = null
  let begun = 0
  /** The question that began last among those whose answers have been applied. */
  let newestApplied = 0

  /** An answer that is late, or that says what changed since somewhere else, may be of a history that has been lost since. */
  function isOfAnotherMoment(question: Question): boolean {
    return question.number < newestApplied || !isSame(question.since, here)
  }

  function moveTo({ position, history, changed }: PollAnswer): void {
    const isLost = here !== null && history === 'lost'
    onChanged(history === 'kept' ? changed : 'all')
    here = position
    if (isLost) onRevisionRegressed()
  }

  return {
    begin: () => ({
      number: ++begun,
      since: here,
      began: readMoment(clock),
      generation: changes.generation(),
    }),
    apply(question, answer) {
      if (!isSame(answer.position, here)) {
        if (isOfAnotherMoment(question)) return false
        moveTo(answer)
      }
      newestApplied = Math.max(newestApplied, question.number)
      return true
    },
  }
}

/** Marks are random: a revision of a lost history has the number of one of today's, but not its mark. */
function isSame(one: Position | null, other: Position | null): boolean {
  return one?.revision === other?.revision && one?.mark === other?.mark
}
