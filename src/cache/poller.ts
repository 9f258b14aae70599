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
export interface Poller {
  /** From now on the store is polled regularly. Asks nothing at once. */
  begin(): void
  /**
   * Looks a digest up, until an answer was applied that nothing has overtaken, and the lease holds.
   * @throws StoreError when the store throws, hangs, or answers too late for too long.
   */
  lookUp(keyHash: string, deadlineMs: number): Promise<LookedUp>
  /** Asks what changed. A call during a question is answered by the next one, shared by all who wait. */
  poll(): Promise<void>
  /** Asks until the lease holds. @throws StoreError when the store cannot be reached. */
  renew(): Promise<void>
  /** Asks soon: a burst of hints shares one question. */
  hint(): void
  /** Whether the last question failed. */
  isFailing(): boolean
  close(): void
}

/** Polls caused by hints begin at least this far apart, in milliseconds, however many hints arrive. */
const hintSpacingMs = 5
/** Pause before the poll after two failures in a row, in milliseconds; it grows with each failure. */
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
    if (outcome === 'applied' ? isOvertaken : !isStillOfUse(outcome, question, answer, keyHash))
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

  /** Whether an answer that was not applied still answers the question. */
  function isStillOfUse(
    outcome: Outcome,
    question: Question,
    answer: PollAnswer,
    keyHash: string | undefined,
  ): boolean {
    if (keyHash !== undefined) return standing.isStillRight(question, answer, answer.record?.id)
    // The caller wants to know what has changed by now: a later question has told.
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
      // The poll under way may have read too early for this caller.
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

  /** Without a pause, every single request would ask a store that refuses at once. */
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
      // A poll under way may have begun before this call, even before the process was frozen. When it fails
      // or leaves the lease expired, a poll that begins now decides. When it hung, there is no time left.
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
      // Before the first question nothing is cached that could be stale: a process that only manages keys
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
