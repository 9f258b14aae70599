import { storeDeadlineMs, withDeadline } from '../runtime/deadline.ts'
import { closedError } from '../runtime/errors.ts'
import { inBackground } from '../runtime/timers.ts'
import type { ExistingSecrets } from '../stores/key-store.ts'
import { createDigestIndex, type DigestIndex } from './digest-index.ts'
import type { Outage } from './outages.ts'

/** Small enough that no page blocks the event loop. */
const pageSize = 2_000
/** Changed keys that are asked for at once. */
const mostKeys = 1_000
/** Pause after a question that failed, in milliseconds. */
const retryMs = 500
/** Among millions of secrets, finding those of changed keys takes time: a tenth of the process's at most. */
const pauseFactor = 9
const longestPauseMs = 250

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
  let index = createDigestIndex()
  /** The index being read. The previous one counts until it is complete. */
  let next: DigestIndex | undefined
  let isIncomplete = true
  const changed = new Set<string>()
  /** How long to wait before the index is updated again. */
  let restMs = 0
  let working: Promise<void> | undefined
  let retryAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function readAll(): Promise<void> {
    isIncomplete = false
    // Changes from now on are asked for after the last page: a page may have been read before.
    changed.clear()
    const reading = createDigestIndex()
    next = reading
    let after: string | null = null
    while (!closed && !isIncomplete) {
      const page: Awaited<ReturnType<ExistingSecrets['page']>> = await withDeadline(
        existing.page(after, pageSize),
      )
      const last = page.at(-1)
      if (last === undefined) {
        index = reading
        break
      }
      for (const { keyHash, keyId } of page) reading.add(keyHash, keyId)
      after = last.keyHash
      // A store that answers synchronously gives no other work a turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    next = undefined
  }

  async function readChanged(): Promise<void> {
    if (restMs >= 1) await new Promise((resolve) => setTimeout(resolve, restMs))
    restMs = 0
    const keyIds = [...changed].slice(0, mostKeys)
    for (const keyId of keyIds) changed.delete(keyId)
    try {
      const secrets = await withDeadline(existing.of(keyIds))
      if (isIncomplete) return
      const startedAt = performance.now()
      index.deleteOwners(keyIds)
      for (const { keyHash, keyId } of secrets) index.add(keyHash, keyId)
      restMs = Math.min(longestPauseMs, pauseFactor * (performance.now() - startedAt))
    } catch (error) {
      for (const keyId of keyIds) changed.add(keyId)
      throw error
    }
  }

  async function work(): Promise<void> {
    try {
      while (!closed && isBehind()) await (isIncomplete ? readAll() : readChanged())
      outage.ended()
    } catch (error) {
      if (next !== undefined) isIncomplete = true
      next = undefined
      retryAt = performance.now() + retryMs
      if (!closed) outage.began(error)
      throw error
    }
  }

  const isBehind = () => isIncomplete || changed.size > 0

  function start(): Promise<void> {
    working ??= work().finally(() => {
      working = undefined
      if (isBehind() && !closed) retryLater()
    })
    return working
  }

  function retryLater(): void {
    if (timer !== undefined) return
    timer = setTimeout(
      () => {
        timer = undefined
        if (!closed) start().catch(() => {})
      },
      Math.max(0, retryAt - performance.now()),
    )
    inBackground(timer)
  }

  return {
    has: (digest) => index.has(digest) || next?.has(digest) === true,
    delete(digest) {
      index.delete(digest)
      next?.delete(digest)
    },
    note(keyIds) {
      if (closed) return
      if (keyIds === 'all') isIncomplete = true
      else for (const keyId of keyIds) changed.add(keyId)
      if (performance.now() >= retryAt) start().catch(() => {})
    },
    async caughtUp(deadlineMs = storeDeadlineMs) {
      if (!isBehind() && working === undefined) return
      if (closed) throw closedError()
      await withDeadline(start(), deadlineMs)
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
