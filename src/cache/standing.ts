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

/**
 * What became of an answer. `superseded`: a question that began later has been answered already.
 * `of_another_moment`: the process has moved since it asked. Either way nothing has happened.
 */
export type Outcome = 'applied' | 'superseded' | 'of_another_moment'

/** Where this process stands in the history of the store. What is cached is what the store held there. */
export interface Standing {
  begin(): Question
  /** Applies an answer, at once and as a whole, or not at all. */
  apply(question: Question, answer: PollAnswer): Outcome
  /**
   * Whether what an answer that was not applied says of a key is right all the same: it is as it was where
   * the process stood when it asked, as it has changed neither on the way to where the process stands now nor
   * on the way to what the answer shows.
   * @param keyId undefined: of a digest that nobody has.
   */
  isStillRight(question: Question, answer: PollAnswer, keyId: string | undefined): boolean
}

export function createStanding(options: StandingOptions): Standing {
  const { clock, changes, onChanged, onRevisionRegressed } = options
  let here: Position | null = null
  let begun = 0
  /** The question that began last among those whose answers have been applied. */
  let newestApplied = 0

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
        // A late answer, or one that says what changed since somewhere else, may be of a history that has
        // been lost since.
        if (question.number < newestApplied) return 'superseded'
        if (!isSame(question.since, here)) return 'of_another_moment'
        moveTo(answer)
      }
      newestApplied = Math.max(newestApplied, question.number)
      return 'applied'
    },
    isStillRight({ since, generation }, { history, changed }, keyId) {
      if (since === null || history !== 'kept' || changed === 'all') return false
      return keyId === undefined || (changes.none(generation, keyId) && !changed.includes(keyId))
    },
  }
}

/** Marks are random: a revision of a lost history has the number of one of today's, but not its mark. */
function isSame(one: Position | null, other: Position | null): boolean {
  return one?.revision === other?.revision && one?.mark === other?.mark
}
