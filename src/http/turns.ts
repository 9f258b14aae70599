import type { Clock } from '../runtime/clock.ts'

/** Work that costs much memory or time, done by few at once while the others wait. */
export interface Turns {
  /**
   * Waits for a turn. False when none came in time: then there is nothing to hand on.
   * @param whose those who share a name wait behind each other, and each name gets one turn after the other's
   */
  take(whose: string): boolean | Promise<boolean>
  /** Ends a turn that was taken. */
  end(): void
}

export interface TurnsOptions {
  /** Turns at the same time. */
  atOnce: number
  /** How long somebody waits before being sent away. */
  patienceMs: number
  clock: Pick<Clock, 'monotonic'>
}

/** Answers that are written in one go. */
const mostSentAway = 32

interface Waiter {
  readonly since: number
  settle(mayGo: boolean): void
}

/**
 * Turns go round among those who wait: a sender with a thousand bodies does not keep another with one
 * waiting.
 *
 * Takes no timer: every turn ends, and whoever has waited too long is found by the turn that ends next.
 */
export function createTurns({ atOnce, patienceMs, clock }: TurnsOptions): Turns {
  let taken = 0
  /** In the order of their next turns. */
  const queues = new Map<string, Waiter[]>()

  /** `later`: so many have waited too long that others get a word in first. */
  function next(): Waiter | 'later' | undefined {
    let sentAway = 0
    for (const [whose, waiters] of queues) {
      if (sentAway === mostSentAway) return 'later'
      const waiter = waiters.shift() as Waiter
      // Behind all the others, or gone.
      queues.delete(whose)
      if (waiters.length > 0) queues.set(whose, waiters)
      if (clock.monotonic() - waiter.since <= patienceMs) return waiter
      waiter.settle(false)
      sentAway++
    }
    return undefined
  }

  function end(): void {
    // The turn is handed over as it is, so that nobody can slip in between.
    const waiter = next()
    if (waiter === 'later') setImmediate(end)
    else if (waiter === undefined) taken--
    else waiter.settle(true)
  }

  return {
    take(whose) {
      if (taken < atOnce) {
        taken++
        return true
      }
      return new Promise((resolve) => {
        const waiter = { since: clock.monotonic(), settle: resolve }
        const waiters = queues.get(whose)
        if (waiters === undefined) queues.set(whose, [waiter])
        else waiters.push(waiter)
      })
    },
    end,
  }
}
