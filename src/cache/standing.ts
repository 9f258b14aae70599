import type { Clock } from '../runtime/clock.ts'
import type { PollAnswer, Position } from '../stores/key-store.ts'
import type { ChangeHistory } from './change-history.ts'
import { type Moment, readMoment } from './moment.ts'

/** A question to the store that is under way. */
export interface Question {
  /** Questions are numbered in the order in which they began. */
  readonly number: number
  /** The position of the process when it asked; `null`: it knew nothing. */
  readonly since: Position | null
  readonly began: Moment
  /** The generation of the changes known by then. */
  readonly generation: number
}

export interface StandingOptions {
  clock: Clock
  changes: ChangeHistory
  /** Drops everything found so far about these keys. Called before the position changes. */
  onChanged: (keyIds: readonly string[] | 'all') => void
  /** The store shows another history than the one this process knew. */
  onRevisionRegressed: () => void
}

/**
 * What became of an answer. `superseded`: a later question has been answered already. `of_another_moment`:
 * the process has moved since it asked. Either way nothing has happened.
 */
export type Outcome = 'applied' | 'superseded' | 'of_another_moment'

/** The position of this process in the history of the store. The cache holds what the store held there. */
export interface Standing {
  begin(): Question
  /** Applies an answer, at once and as a whole, or not at all. */
  apply(question: Question, answer: PollAnswer): Outcome
  /**
   * Whether an answer that was not applied is still right about a key: the key has not changed between the
   * position of the question and either the present position or the answer's.
   * @param keyId undefined: about a digest that no key has.
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
        // An answer that is late, or starts from another position, may belong to a history that has been lost
        // since.
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

/** Marks are random: a revision of a lost history has the number of a present one, but not its mark. */
function isSame(one: Position | null, other: Position | null): boolean {
  return one?.revision === other?.revision && one?.mark === other?.mark
}
