import { withDeadline } from '../runtime/deadline.ts'
import type { ExistingSecrets } from '../stores/key-store.ts'
import { createDigestIndex, type DigestIndex } from './digest-index.ts'

/** Small enough that no page blocks the event loop. */
const pageSize = 2_000
/** Changed keys that are asked for at once. */
const mostKeys = 1_000
/** Among millions of secrets, finding those of changed keys takes time: a tenth of the process's at most. */
const pauseFactor = 9
const longestPauseMs = 250

/** The index of existing secrets, and what of it must be read from the store. */
export interface SecretIndex {
  has(digest: string): boolean
  /** The store has said that no key has this one. */
  delete(digest: string): void
  /** The store says that these keys have changed; `'all'`: everything must be read again. */
  note(keyIds: readonly string[] | 'all'): void
  /** Whether something noted is not in. */
  isBehind(): boolean
  /** Reads everything, or the next keys that have changed. What fails must be read again. */
  readOn(): Promise<void>
}

/** Everything must be read at first. */
export function createSecretIndex(existing: ExistingSecrets, isClosed: () => boolean): SecretIndex {
  let index = createDigestIndex()
  /** The index being read. The previous one counts until it is complete. */
  let next: DigestIndex | undefined
  let isIncomplete = true
  const changed = new Set<string>()
  /** How long to wait before the index is updated again. */
  let restMs = 0

  async function readAll(): Promise<void> {
    isIncomplete = false
    // Changes from now on are asked for after the last page: a page may have been read before.
    changed.clear()
    const reading = createDigestIndex()
    next = reading
    let after: string | null = null
    while (!isClosed() && !isIncomplete) {
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
      const startedAt = performance.now()
      index.deleteOwners(keyIds)
      for (const { keyHash, keyId } of secrets) index.add(keyHash, keyId)
      restMs = Math.min(longestPauseMs, pauseFactor * (performance.now() - startedAt))
    } catch (error) {
      for (const keyId of keyIds) changed.add(keyId)
      throw error
    }
  }

  return {
    has: (digest) => index.has(digest) || next?.has(digest) === true,
    delete(digest) {
      index.delete(digest)
      next?.delete(digest)
    },
    note(keyIds) {
      if (keyIds === 'all') isIncomplete = true
      else for (const keyId of keyIds) changed.add(keyId)
    },
    isBehind: () => isIncomplete || changed.size > 0,
    async readOn() {
      try {
        await (isIncomplete ? readAll() : readChanged())
      } catch (error) {
        if (next !== undefined) isIncomplete = true
        next = undefined
        throw error
      }
    },
  }
}
