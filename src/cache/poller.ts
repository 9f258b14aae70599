import { timeoutError } from '../runtime/deadline.ts'
import { StoreError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import type { Lease } from './lease.ts'
import type { LookedUp, StoreQuestions } from './store-questions.ts'

/** Decides when the store is asked: regularly, on hints, and for look-ups. */
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

export function createPoller(questions: StoreQuestions, lease: Pick<Lease, 'leaseMs'>): Poller {
  const polls = createSharedPolls(questions)
  let timer: NodeJS.Timeout | undefined
  let hintTimer: NodeJS.Timeout | undefined
  let closed = false

  function schedule(): void {
    if (timer !== undefined || closed) return
    const leaseMs = lease.leaseMs()
    timer = setTimeout(
      () => {
        timer = undefined
        if (polls.underWay() === undefined) polls.poll().catch(pauseSchedule)
        schedule()
      },
      leaseMs > 0 ? leaseMs / 4 : firstIntervalMs,
    )
    inBackground(timer)
  }

  /**
   * After a failure the next one begins a whole interval later. Otherwise one that hangs follows the other, and a process that
   * has nothing to do never ends.
   */
  function pauseSchedule(): void {
    clearTimeout(timer)
    timer = undefined
    schedule()
  }

  return {
    begin: schedule,
    lookUp(keyHash, deadlineMs) {
      schedule()
      return questions.ask(keyHash, deadlineMs)
    },
    poll() {
      schedule()
      return polls.poll()
    },
    async renew() {
      schedule()
      // A poll under way may have begun before this call, even before the process was frozen. When it fails
      // or leaves the lease expired, a poll that begins now decides. When it hung, there is no time left.
      const underWay = polls.underWay()
      if (underWay !== undefined) {
        await underWay.catch((error: unknown) => {
          if (isTimeout(error)) throw error
        })
        if (questions.leaseHolds()) return
      }
      await (polls.underWay() ?? polls.poll())
      if (!questions.leaseHolds()) throw timeoutError()
    },
    hint() {
      // Before the first question nothing is cached that could be stale: a process that only manages keys
      // never asks.
      if (closed || hintTimer !== undefined || timer === undefined) return
      const waitMs = Math.max(0, hintSpacingMs - (performance.now() - polls.beganAt()))
      if (waitMs === 0) {
        polls.poll().catch(() => {})
        return
      }
      hintTimer = setTimeout(() => {
        hintTimer = undefined
        polls.poll().catch(() => {})
      }, waitMs)
      inBackground(hintTimer)
    },
    isFailing: () => questions.failures() > 0,
    close() {
      closed = true
      questions.close()
      clearTimeout(timer)
      clearTimeout(hintTimer)
    },
  }
}

interface SharedPolls {
  /** Asks what changed. A call during a question is answered by the next one. */
  poll(): Promise<void>
  /** The poll that is not over yet. */
  underWay(): Promise<void> | undefined
  /** When the last question began, by `performance.now()`. */
  beganAt(): number
}

/** One question at a time, shared by all who wait. */
function createSharedPolls(questions: StoreQuestions): SharedPolls {
  let polling: Promise<void> | undefined
  let pollAgain = false
  let beganAt = Number.NEGATIVE_INFINITY

  async function ask(): Promise<void> {
    await pauseWhileFailing(questions.failures())
    do {
      pollAgain = false
      beganAt = performance.now()
      await questions.ask()
    } while (pollAgain)
  }

  return {
    poll() {
      // A poll under way may have read too early for this caller.
      if (polling !== undefined) pollAgain = true
      polling ??= ask().finally(() => {
        polling = undefined
      })
      return polling
    },
    underWay: () => polling,
    beganAt: () => beganAt,
  }
}

/** Without a pause, every single request would ask a store that refuses at once. */
async function pauseWhileFailing(failures: number): Promise<void> {
  if (failures < 2) return
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(10, failures - 2))
  await new Promise((resolve) => setTimeout(resolve, pauseMs))
}

function isTimeout(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'store_timeout'
}
