import type { KeyRecord } from '../keys/key-record.ts'
import type { Clock } from '../runtime/clock.ts'
import { storeDeadlineMs, timeoutError, withDeadline } from '../runtime/deadline.ts'
import { closedError, toStoreError } from '../runtime/errors.ts'
import type { KeyStore, PollAnswer } from '../stores/key-store.ts'
import type { ChangeHistory } from './change-history.ts'
import type { Lease } from './lease.ts'
import type { Outcome, Question, Standing } from './standing.ts'

export interface StoreQuestionsOptions {
  store: Pick<KeyStore, 'poll'>
  clock: Clock
  standing: Standing
  lease: Lease
  changes: ChangeHistory
  /** Called before each question, the first included. */
  onAsk: () => void
  onStoreError: (error: unknown) => void
  onStoreAnswer: () => void
  /** Whether somebody looks at decisions, as each answer says. */
  onWatched?: ((isWatched: boolean) => void) | undefined
  /** Called with every answer, before it is applied. */
  onAnswer: (answer: PollAnswer) => void
}

/** What the store holds for a digest. */
export interface LookedUp {
  /** Undefined: no key has it. */
  readonly record: KeyRecord | undefined
  /** The generation of the known changes, including this answer: the record is from then. */
  readonly generation: number
  /** False when something changed while the store was asked: an unknown digest may belong to a key by now. */
  readonly isUndisturbed: boolean
}

/** Asks the store the one kind of question there is, and applies the answers. */
export interface StoreQuestions {
  /**
   * Asks what has changed, and about a digest if there is one, until an answer was applied that nothing has
   * overtaken, and the lease holds.
   * @throws StoreError when the store throws, hangs, or answers too late for too long.
   */
  ask(keyHash?: string, deadlineMs?: number): Promise<LookedUp>
  leaseHolds(): boolean
  /** How many of the last questions failed in a row. */
  failures(): number
  /** From now on nothing is asked, and no answer applied. */
  close(): void
}

export function createStoreQuestions(options: StoreQuestionsOptions): StoreQuestions {
  const { store, clock, standing, lease, changes } = options
  let failures = 0
  let closed = false

  const leaseHolds = () => lease.holds(clock.monotonic(), clock.now())

  /** Undefined: the answer is from another moment, was overtaken, or came too late. */
  async function askOnce(keyHash: string | undefined, deadlineMs: number): Promise<LookedUp | undefined> {
    if (closed) throw closedError()
    options.onAsk()
    const question = standing.begin()
    const { since, generation } = question
    const answer = await withDeadline(
      store.poll(keyHash === undefined ? { since } : { since, keyHash }),
      deadlineMs,
    )
    if (closed) throw closedError()
    if (answer.isWatched !== undefined) options.onWatched?.(answer.isWatched)
    const { record } = answer
    options.onAnswer(answer)
    const isUndisturbed = changes.none(generation, undefined)
    const isOvertaken = record !== undefined && !changes.none(generation, record.id)
    const outcome = standing.apply(question, answer)
    if (outcome === 'applied') lease.renew(question, answer.leaseMs)
    if (outcome === 'applied' ? isOvertaken : !isStillOfUse(standing, outcome, question, answer, keyHash))
      return undefined
    // "No key has this secret" needs no lease: the question began after the request came.
    const needsLease = keyHash === undefined || record !== undefined
    if (needsLease && !leaseHolds()) return undefined
    return {
      record,
      generation: changes.generation(),
      isUndisturbed: isUndisturbed && outcome === 'applied',
    }
  }

  async function ask(keyHash?: string, deadlineMs = storeDeadlineMs): Promise<LookedUp> {
    const endsAt = performance.now() + deadlineMs
    try {
      for (;;) {
        const leftMs = endsAt - performance.now()
        if (leftMs <= 0) throw timeoutError()
        const answer = await askOnce(keyHash, leftMs)
        if (answer === undefined) continue
        failures = 0
        options.onStoreAnswer()
        return answer
      }
    } catch (error) {
      failures++
      if (!closed) options.onStoreError(error)
      throw toStoreError(error)
    }
  }

  return {
    ask,
    leaseHolds,
    failures: () => failures,
    close() {
      closed = true
    },
  }
}

/** Whether an answer that was not applied still answers the question. */
function isStillOfUse(
  standing: Standing,
  outcome: Outcome,
  question: Question,
  answer: PollAnswer,
  keyHash: string | undefined,
): boolean {
  if (keyHash !== undefined) return standing.isStillRight(question, answer, answer.record?.id)
  // The caller wants to know what has changed by now: a later question has told.
  return outcome === 'superseded'
}
