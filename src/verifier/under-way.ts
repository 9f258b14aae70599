import { withDeadline } from '../runtime/deadline.ts'
import type { UndecidedCount } from './undecided-count.ts'

/** The verifications and calls of management that have begun and not ended, and the requests that nobody has counted yet. */
export interface UnderWay {
  /** One has begun that waits for something. */
  enter(): void
  /** It has its verdict, or its result. */
  leave(): void
  /** Notes a request until {@link UnderWay.decide}. Those that are old by now count as accepted. */
  leaveOpen(count: UndecidedCount): void
  /** Whether the request was undecided until now: the first who decides about it counts it. */
  decide(count: UndecidedCount): boolean
  /** Counts what guards have let through and no endpoint has. */
  countPassed(): void
  /** Gives up what endpoints still have, and returns how many events that is. */
  giveUp(): number
  /** Resolves when none is under way any more, or after `deadlineMs`. */
  ended(deadlineMs: number): Promise<void>
}

/** Longest that a request stays undecided, so that handlers which hang do not fill the memory. */
const maxOpenMs = 600_000

/** @param now milliseconds since any moment */
export function createUnderWay(now = () => performance.now()): UnderWay {
  /** When each was left open, oldest first. */
  const undecided = new Map<UndecidedCount, number>()
  let waiting = 0
  let tellEnded: (() => void) | undefined

  function tellIfEnded(): void {
    if (waiting === 0 && undecided.size === 0) tellEnded?.()
  }

  return {
    enter: () => void waiting++,
    leave() {
      waiting--
      tellIfEnded()
    },
    leaveOpen(count) {
      const at = now()
      for (const [oldest, since] of undecided) {
        if (at - since < maxOpenMs) break
        oldest.accept()
      }
      undecided.set(count, at)
    },
    decide(count) {
      const isOpen = undecided.delete(count)
      tellIfEnded()
      return isOpen
    },
    countPassed() {
      for (const count of [...undecided.keys()]) if (!count.isAtEndpoint) count.accept()
    },
    giveUp() {
      let events = 0
      for (const count of undecided.keys()) events += count.events
      undecided.clear()
      return events
    },
    async ended(deadlineMs) {
      if (waiting === 0 && undecided.size === 0) return
      const ended = new Promise<void>((resolve) => {
        tellEnded = resolve
      })
      await withDeadline(ended, deadlineMs, () => undefined)
    },
  }
}
