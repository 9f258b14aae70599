import type { Clock } from '../runtime/clock.ts'

/** Limits work that takes much memory or time: few do it at once, the others wait. */
export interface Turns {
  /**
   * Waits for a turn. False when none came in time: then there is no turn to end.
   * @param whose the name of a queue; the queues take turns
   */
  take(whose: string): boolean | Promise<boolean>
  /** Ends a turn. */
  end(): void
}

export interface TurnsOptions {
  /** How many turns run at the same time. */
  atOnce: number
  /** How long a caller waits before it is sent away. */
  patienceMs: number
  clock: Pick<Clock, 'monotonic'>
}

/** How many expired waits are answered in one go. */
const mostSentAway = 32

interface Waiter {
  readonly since: number
  settle(mayGo: boolean): void
}

/**
 * Turns go round among the queues: a sender with a thousand bodies does not delay another with one.
 *
 * Needs no timer: every turn ends, and the next turn that ends finds those who have waited too long.
 */
export function createTurns({ atOnce, patienceMs, clock }: TurnsOptions): Turns {
  let taken = 0
  /** In the order of their next turns. */
  const queues = new Map<string, Waiter[]>()

  /** `later`: so many have waited too long that other work runs first. */
  function next(): Waiter | 'later' | undefined {
    let sentAway = 0
    for (const [whose, waiters] of queues) {
      if (sentAway === mostSentAway) return 'later'
      const waiter = waiters.shift() as Waiter
      // Goes behind all the others, or away.
      queues.delete(whose)
      if (waiters.length > 0) queues.set(whose, waiters)
      if (clock.monotonic() - waiter.since <= patienceMs) return waiter
      waiter.settle(false)
      sentAway++
    }
    return undefined
  }

  function end(): void {
    // The turn is handed over directly, so that nobody can take it in between.
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
