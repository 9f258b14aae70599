import type { Clock } from '../runtime/clock.ts'

/** Limits work that takes much memory or time: few do it at once, the others wait. */
export interface Turns {
  /** Waits for a turn. False when none came in time: then there is no turn to end. */
  take(whose: TurnTaker): boolean | Promise<boolean>
  /** Ends a turn. */
  end(): void
}

/** Who waits for a turn: the keys take turns, and within a key its senders. Both are compared as keys of a map. */
export interface TurnTaker {
  readonly key: unknown
  readonly sender: unknown
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

/** The queues of a key's senders, in the order of their next turns. */
type Queues = Map<unknown, Waiter[]>

/**
 * Turns go round among the keys, and those of a key among its senders: a sender with a thousand bodies does not delay another with
 * one, of another key or of the same.
 *
 * Needs no timer: every turn ends, and the next turn that ends finds those who have waited too long.
 */
export function createTurns({ atOnce, patienceMs, clock }: TurnsOptions): Turns {
  let taken = 0
  /** In the order of their next turns. */
  const keys = new Map<unknown, Queues>()

  /** `later`: so many have waited too long that other work runs first. */
  function next(): Waiter | 'later' | undefined {
    let sentAway = 0
    for (const [key, queues] of keys) {
      if (sentAway === mostSentAway) return 'later'
      const waiter = nextOf(queues)
      // Goes behind all the others, or away.
      keys.delete(key)
      if (queues.size > 0) keys.set(key, queues)
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
    take({ key, sender }) {
      if (taken < atOnce) {
        taken++
        return true
      }
      return new Promise((resolve) => {
        const waiter = { since: clock.monotonic(), settle: resolve }
        const queues = keys.get(key) ?? new Map<unknown, Waiter[]>()
        keys.set(key, queues)
        const waiters = queues.get(sender)
        if (waiters === undefined) queues.set(sender, [waiter])
        else waiters.push(waiter)
      })
    },
    end,
  }
}

function nextOf(queues: Queues): Waiter {
  const [[sender, waiters]] = queues as unknown as [[unknown, Waiter[]]]
  queues.delete(sender)
  if (waiters.length > 1) queues.set(sender, waiters)
  return waiters.shift() as Waiter
}
