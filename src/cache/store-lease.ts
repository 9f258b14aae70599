import type { Awaitable } from '../runtime/awaitable.ts'
import type { Outage } from './outages.ts'

/**
 * A refused attempt is repeated after this time, in milliseconds: a server that takes no writes must not stop
 * verification.
 */
const retryMs = 60_000

/**
 * Gives the store the application's lease, once in the life of a process: two processes with different ones
 * would otherwise change it back and forth. Nobody waits for it, because a process never trusts its cache for
 * longer than the store says.
 */
export function createStoreLease(
  setLease: (() => Awaitable<void>) | undefined,
  outage: Outage,
): { see(): void } {
  let askedAt: number | undefined

  async function ask(): Promise<void> {
    try {
      await setLease?.()
      askedAt = Number.POSITIVE_INFINITY
      outage.ended()
    } catch (error) {
      outage.began(error)
    }
  }

  return {
    see() {
      const now = performance.now()
      if (askedAt !== undefined && now - askedAt < retryMs) return
      askedAt = now
      void ask()
    },
  }
}
