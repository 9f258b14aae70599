import { withDeadline } from '../runtime/deadline.ts'
import { closedError, StoreError, toStoreError } from '../runtime/errors.ts'
import { createPauses, type Pauses } from '../runtime/pauses.ts'
import type { CommittedChange, KeyStore } from '../stores/key-store.ts'

/** A committed change, and the result for its caller. */
export interface Settling<T> {
  readonly result: T
  readonly change: CommittedChange
  /**
   * For how long old caches stay right anyway, such as the rest of a grace: nobody waits when that is longer
   * than every lease. Default 0.
   */
  readonly harmlessForMs?: number
}

/** Delays the answer to a change until no process can still trust what it had cached before. */
export interface ChangeBarrier {
  /**
   * Makes a change and waits for it. A change that the store has lost meanwhile, by a failover or a restore,
   * is made again.
   * @param make reads the key and changes it, or finds it changed already; called again after a loss.
   * @throws StoreError when the store does not say for ten seconds whether it still holds the change, and at once when
   * the pauses are ended.
   */
  settle<T>(make: (attempt: number) => Promise<Settling<T>>): Promise<T>
}

export interface ChangeBarrierOptions {
  store: Pick<KeyStore, 'scope' | 'poll'>
  /** The lease of this process, which may have been longer than the store's is now. */
  ownLeaseMs: () => number
  onStoreError: (error: unknown) => void
  onStoreAnswer: () => void
  /** Ended when the store is about to be closed. Default: its own. */
  pauses?: Pick<Pauses, 'pause'>
}

/** Clocks of two processes may run at slightly different speeds. */
const speedMargin = 1.01
const marginMs = 5
/** The change is committed: a short disturbance must not leave the caller without an answer. */
const patienceMs = 10_000
const pauseMs = 250
/** A store that loses every change is at fault; each attempt takes a lease. */
const mostAttempts = 5

export function createChangeBarrier(options: ChangeBarrierOptions): ChangeBarrier {
  const { store, pauses = createPauses() } = options

  /** By the monotonic clock alone, which nobody can set. A timer may fire early. */
  async function waitUntil(at: number): Promise<void> {
    for (let leftMs = at - performance.now(); leftMs > 0; leftMs = at - performance.now())
      if (!(await pauses.pause(leftMs))) throw uncertain(closedError())
  }

  /** The second check: whether the store still holds a change after every process's lease. */
  async function isKept({ position }: CommittedChange): Promise<boolean> {
    const startedAt = performance.now()
    for (;;) {
      try {
        const { history } = await withDeadline(store.poll({ since: position }))
        options.onStoreAnswer()
        return history === 'kept'
      } catch (error) {
        options.onStoreError(error)
        if (performance.now() - startedAt > patienceMs || !(await pauses.pause(pauseMs)))
          throw uncertain(error)
      }
    }
  }

  return {
    async settle(make) {
      for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const { result, change, harmlessForMs = 0 } = await make(attempt)
        if (store.scope === 'process') return result
        const committedAt = performance.now()
        const neededMs = Math.max(change.leaseMs, options.ownLeaseMs()) * speedMargin + marginMs
        if (harmlessForMs >= neededMs) return result
        await waitUntil(committedAt + neededMs)
        if (await isKept(change)) return result
      }
      throw new StoreError('store_unavailable', 'The store has lost this change again and again.')
    },
  }
}

function uncertain(error: unknown): StoreError {
  return new StoreError(
    toStoreError(error).code,
    'The change is stored, but the store went away before it was known whether it lasts. Ask for it again.',
    { cause: error },
  )
}
