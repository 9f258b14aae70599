import { StoreError, toStoreError } from '../keys/errors.ts'
import { maxLeaseMs } from './lease.ts'

/** Waits until no other process can still trust what it had cached before a change. */
export interface ChangeBarrier {
  /**
   * To be called as soon as a change has committed: what has to pass is counted from then.
   * @param harmlessForMs how long what others have cached stays right, such as what is left of a grace. Nobody waits when that
   * outlasts every lease; when it does not, a lease may outlast it, and so the whole lease has to pass. Default 0.
   * @throws StoreError when the store does not say for ten seconds how long others may trust their caches.
   */
  pass(harmlessForMs?: number): Promise<void>
}

export interface ChangeBarrierOptions {
  /** The longest lease of any other cache, see `KeyCache.longestLeaseElsewhereMs`. */
  longestLeaseElsewhereMs: () => Promise<number>
  onStoreError: (error: unknown) => void
}

/** Clocks of two processes may run at slightly different speeds. */
const speedMargin = 1.01
const marginMs = 5
/** The change is committed: a short disturbance must not leave the caller without an answer. */
const patienceMs = 10_000
const pauseMs = 250

export function createChangeBarrier({
  longestLeaseElsewhereMs,
  onStoreError,
}: ChangeBarrierOptions): ChangeBarrier {
  let asking: Promise<number> | undefined
  let askingNext: Promise<number> | undefined

  /** One question at a time. One that is under way may have missed a cache that has read what was there before the change. */
  function longestElsewhere(): Promise<number> {
    if (asking === undefined) return begin()
    askingNext ??= asking.then(begin, begin)
    return askingNext
  }

  function begin(): Promise<number> {
    askingNext = undefined
    const question = longestLeaseElsewhereMs().finally(() => {
      if (asking === question) asking = undefined
    })
    asking = question
    return question
  }

  async function askUntilAnswered(committedAt: number): Promise<number> {
    for (;;) {
      try {
        return await longestElsewhere()
      } catch (error) {
        onStoreError(error)
        if (performance.now() - committedAt > patienceMs) throw stored(error)
        await pause(pauseMs)
      }
    }
  }

  return {
    async pass(harmlessForMs = 0) {
      const committedAt = performance.now()
      if (harmlessForMs >= withMargin(maxLeaseMs)) return
      const longestMs = await askUntilAnswered(committedAt)
      if (longestMs === 0) return
      const neededMs = withMargin(longestMs)
      if (harmlessForMs >= neededMs) return
      await pause(neededMs - (performance.now() - committedAt))
    },
  }
}

function withMargin(leaseMs: number): number {
  return leaseMs * speedMargin + marginMs
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function stored(error: unknown): StoreError {
  return new StoreError(
    toStoreError(error).code,
    'The change is stored, but the store went away before it was known how long other processes may go on without it. Ask for it again.',
    { cause: error },
  )
}
