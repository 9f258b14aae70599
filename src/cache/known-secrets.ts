import { storeDeadlineMs, withDeadline } from '../runtime/deadline.ts'
import { closedError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import type { ExistingSecrets } from '../stores/key-store.ts'
import type { Outage } from './outages.ts'
import { createSecretIndex } from './secret-index.ts'

/** Pause after a question that failed, in milliseconds. */
const retryMs = 500

/**
 * Which secrets exist, as far as this process knows. Presenting one of them costs nothing of the lookup
 * budget.
 */
export interface KnownSecrets {
  has(digest: string): boolean
  /** The store has said that no key has this one. */
  delete(digest: string): void
  /** The store says that these keys have changed; `'all'`: everything must be read again. */
  note(keyIds: readonly string[] | 'all'): void
  /**
   * Resolves when everything noted is in.
   * @param deadlineMs default: that of one question.
   * @throws StoreError when the store does not tell in time.
   */
  caughtUp(deadlineMs?: number): Promise<void>
  close(): void
}

/** Read from the store in pages, and then key by key, as they change. */
export function createKnownSecrets(existing: ExistingSecrets, outage: Outage): KnownSecrets {
  let working: Promise<void> | undefined
  let retryAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const index = createSecretIndex(existing, () => closed)

  async function work(): Promise<void> {
    try {
      while (!closed && index.isBehind()) await index.readOn()
      outage.ended()
    } catch (error) {
      retryAt = performance.now() + retryMs
      if (!closed) outage.began(error)
      throw error
    }
  }

  function start(): Promise<void> {
    working ??= work().finally(() => {
      working = undefined
      if (index.isBehind() && !closed) retryLater()
    })
    return working
  }

  function retryLater(): void {
    if (timer !== undefined) return
    timer = setTimeout(
      () => {
        timer = undefined
        start().catch(() => {})
      },
      Math.max(0, retryAt - performance.now()),
    )
    inBackground(timer)
  }

  return {
    has: index.has,
    delete: index.delete,
    note(keyIds) {
      if (closed) return
      index.note(keyIds)
      if (performance.now() >= retryAt) start().catch(() => {})
    },
    async caughtUp(deadlineMs = storeDeadlineMs) {
      if (!index.isBehind() && working === undefined) return
      if (closed) throw closedError()
      await withDeadline(start(), deadlineMs)
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
