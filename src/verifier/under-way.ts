import { withDeadline } from '../runtime/deadline.ts'
import type { Verdict } from './verdict.ts'

/** The verifications that have begun and not ended. */
export interface UnderWay {
  /** Notes a verification until it has its verdict, and returns it. */
  enter(verdict: Promise<Verdict>): Promise<Verdict>
  /** Resolves when none is under way any more, or after `deadlineMs`. */
  ended(deadlineMs: number): Promise<void>
}

export function createUnderWay(): UnderWay {
  let count = 0
  let tellEnded: (() => void) | undefined

  function leave(): void {
    count--
    if (count === 0) tellEnded?.()
  }

  return {
    enter(verdict) {
      count++
      verdict.then(leave, leave)
      return verdict
    },
    async ended(deadlineMs) {
      if (count === 0) return
      const ended = new Promise<void>((resolve) => {
        tellEnded = resolve
      })
      await withDeadline(ended, deadlineMs, () => undefined)
    },
  }
}
