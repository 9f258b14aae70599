import type { KeyRecord } from '../keys/key-record.ts'
import type { Clock } from '../runtime/clock.ts'
import { storeDeadlineMs, timeoutError, withDeadline } from '../runtime/deadline.ts'
import { StoreError, toStoreError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import type { KeyStore, PollAnswer } from '../stores/key-store.ts'
import type { ChangeHistory } from './change-history.ts'
import type { Lease } from './lease.ts'
import type { Outcome, Question, Standing } from './standing.ts'

export interface PollerOptions {
  store: Pick<KeyStore, 'poll'>
  clock: Clock
  standing: Standing
  lease: Lease
  changes: ChangeHistory
  /** Called before the first question, and from then on before each. */
  onAsk: () => void
  onStoreError: (error: unknown) => void
  onStoreAnswer: () => void
  /** Whether somebody looks at decisions, as each answer says. */
  onWatched?: ((isWatched: boolean) => void) | undefined
  /** Sees every answer, before it counts. */
  onAnswer: (answer: PollAnswer) => void
}

/** What the store holds of a digest. */
export interface LookedUp {
  /** Undefined: nobody has it. */
  readonly record: KeyRecord | undefined
  /** What is known to have changed, the answer included: the record is of that time. */
  readonly generation: number
  /** False when something changed while the store was asked: what nobody had may be somebody's by now. */
  readonly isUndisturbed: boolean
}

/** Asks the store the one kind of question there is, and applies what it answers. */
export interface Poller {
  /** From now on the store is asked regularly. Asks nothing at once. */
  begin(): void
  /**
   * Asks whose a digest is, until an answer has been applied that nothing has overtaken, and the lease holds.
   * @throws StoreError when the store throws, hangs, or answers too late for too long.
   */
  lookUp(keyHash: string, deadlineMs: number): Promise<LookedUp>
  /** Asks what changed. A call during a question is answered by a further one; all who wait share it. */
  poll(): Promise<void>
  /** Asks until the lease holds. @throws StoreError when the store cannot be reached. */
  renew(): Promise<void>
  /** Asks soon: hints that come in a burst share one question. */
  hint(): void
  /** Whether the last question failed. */
  isFailing(): boolean
  close(): void
}

/**
 * Polls that hints cause begin at least this far apart, in milliseconds, however many hints somebody sends.
 */
const hintSpacingMs = 5
/**
 * Pause before the third failed poll in a row is followed by another, in milliseconds; it grows with each.
 */
const firstPauseMs = 25
const longestPauseMs = 100
/** How often the store is asked while no lease is known, in milliseconds. */
const firstIntervalMs = 500

export function createPoller(options: PollerOptions): Poller {
  const { store, clock, standing, lease, changes } = options
  let polling: Promise<void> | undefined
  let pollAgain = false
  let pollBegan = Number.NEGATIVE_INFINITY
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let hintTimer: NodeJS.Timeout | undefined
  let closed = false

  const leaseHolds = () => lease.holds(clock.monotonic(), clock.now())

  /** Undefined: the answer is of another moment, was overtaken, or came too late. */
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
    if (outcome === 'applied' ? isOvertaken : !isStillOfUse(outcome, question, answer, keyHash))
      return undefined
    // That nobody has a secret needs no lease: it was asked after the request had come.
    const needsLease = keyHash === undefined || record !== undefined
    if (needsLease && !leaseHolds()) return undefined
    return {
      record,
      generation: changes.generation(),
      isUndisturbed: isUndisturbed && outcome === 'applied',
    }
  }

  /** Whether an answer that was not applied says what was asked for all the same. */
  function isStillOfUse(
    outcome: Outcome,
    question: Question,
    answer: PollAnswer,
    keyHash: string | undefined,
  ): boolean {
    if (keyHash !== undefined) return standing.isStillRight(question, answer, answer.record?.id)
    // Whoever polls wants to know what has changed by now: a question that began later has told.
    return outcome === 'superseded'
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

  function poll(): Promise<void> {
    if (polling !== undefined) {
      // It may have read too early for whoever asks now.
      pollAgain = true
      return polling
    }
    polling = (async () => {
      await pauseWhileFailing()
      do {
        pollAgain = false
        pollBegan = performance.now()
        await ask()
      } while (pollAgain && !closed)
    })().finally(() => {
      polling = undefined
    })
    return polling
  }

  /** A store that refuses at once would otherwise be asked again by every single request. */
  async function pauseWhileFailing(): Promise<void> {
    if (failures < 2) return
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(10, failures - 2))
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }

  function schedule(): void {
    if (timer !== undefined || closed) return
    const leaseMs = lease.leaseMs()
    timer = setTimeout(
      () => {
        timer = undefined
        if (polling === undefined) poll().catch(() => {})
        schedule()
      },
      leaseMs > 0 ? leaseMs / 4 : firstIntervalMs,
    )
    inBackground(timer)
  }

  return {
    begin: schedule,
    lookUp(keyHash, deadlineMs) {
      schedule()
      return ask(keyHash, deadlineMs)
    },
    poll() {
      schedule()
      return poll()
    },
    async renew() {
      schedule()
      // A poll that is under way may have begun before whoever asks, even before the process was frozen: when
      // it leaves the lease lapsed or fails, one that begins now has the last word. One that hung has used up
      // the time there is.
      if (polling !== undefined) {
        await polling.catch((error: unknown) => {
          if (isTimeout(error)) throw error
        })
        if (leaseHolds()) return
      }
      await (polling ?? poll())
      if (!leaseHolds()) throw timeoutError()
    },
    hint() {
      // Without a question before it nothing is cached that could be stale: a process that only manages keys
      // never asks.
      if (closed || hintTimer !== undefined || timer === undefined) return
      const waitMs = Math.max(0, hintSpacingMs - (performance.now() - pollBegan))
      if (waitMs === 0) {
        poll().catch(() => {})
        return
      }
      hintTimer = setTimeout(() => {
        hintTimer = undefined
        if (!closed) poll().catch(() => {})
      }, waitMs)
      inBackground(hintTimer)
    },
    isFailing: () => failures > 0,
    close() {
      closed = true
      clearTimeout(timer)
      clearTimeout(hintTimer)
    },
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'store_timeout'
}

function closedError(): StoreError {
  return new StoreError('store_unavailable', 'These write keys have been closed.')
}
