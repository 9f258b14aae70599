import type { ChangeBarrier, Settling } from '../cache/change-barrier.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { KeyError, StoreError } from '../runtime/errors.ts'
import type { CommittedChange, KeyStore } from '../stores/key-store.ts'
import { assertVersion } from './expected-version.ts'

/** Changes after which nobody accepts a key, or one of its secrets, any more. */
export interface Endings {
  /**
   * Ends something of a key and waits until that counts everywhere. When it has ended already, it only waits,
   * so that a call without an answer can be repeated.
   * @param version the one that the caller has seen; undefined: any.
   * @param end changes the key as it was just read, or finds that nothing is left to do. `undefined`: read it
   * again, it has changed meanwhile.
   * @throws KeyError `not_found`; for a key that was removed, once that counts everywhere. `conflict` when the
   * key has another version.
   */
  end<T>(
    id: string,
    version: number | undefined,
    end: (before: KeyRecord) => Promise<Settling<T> | undefined>,
  ): Promise<T>
  /** The key with this record's newest secret, and the position in the history, in one read. */
  see(record: KeyRecord): Promise<{ record: KeyRecord | undefined; change: CommittedChange }>
}

/** How often a key may turn out to have changed since it was read before there are pauses; somebody else changes it too. */
const freeReads = 3
const firstPauseMs = 10
const longestPauseMs = 500
const patienceMs = 10_000

/** Pauses between reads of a key that never is as it was read, as from a server that lags behind the primary. */
function createPauses() {
  const startedAt = performance.now()
  let reads = 0
  return {
    /** @throws StoreError when that goes on. */
    async next(): Promise<void> {
      if (performance.now() - startedAt > patienceMs) {
        throw new StoreError(
          'store_unavailable',
          'The key is not as the store shows it, again and again: reads have to reach the primary, as changes do.',
        )
      }
      const pausesBefore = reads++ - freeReads
      if (pausesBefore < 0) return
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** pausesBefore)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    },
  }
}

const gone: unique symbol = Symbol('gone')

export function createEndings(store: KeyStore, barrier: ChangeBarrier): Endings {
  async function lookUp(keyHash?: string) {
    const question = keyHash === undefined ? { since: null } : { since: null, keyHash }
    const { record, position, leaseMs } = await store.poll(question)
    return { record, change: { position, leaseMs } }
  }

  /** True as well when the store keeps no audit log. */
  async function wasRemoved(keyId: string): Promise<boolean> {
    const page = await store.audit?.list({ keyId, limit: 100 })
    return page === undefined || page.data.some(({ action }) => action === 'remove')
  }

  return {
    see: (record) => lookUp(record.secrets.at(-1)?.keyHash),
    async end<T>(
      id: string,
      version: number | undefined,
      end: (before: KeyRecord) => Promise<Settling<T> | undefined>,
    ): Promise<T> {
      let hasEnded = false
      for (;;) {
        const outcome = await barrier.settle<T | typeof gone>(async (attempt) => {
          const pauses = createPauses()
          for (;;) {
            const before = await store.get(id)
            if (before === undefined) {
              // A key that was lost together with its change may still be cached: wait for that as well.
              if (attempt === 0 && !(await wasRemoved(id))) throw keyNotFound()
              return { result: gone, change: (await lookUp()).change }
            }
            // A change that the store has lost is made again, whatever the key is like now.
            if (!hasEnded) assertVersion(before, version)
            const settling = await end(before)
            hasEnded ||= settling !== undefined
            if (settling !== undefined) return settling
            await pauses.next()
          }
        })
        if (outcome !== gone) return outcome
        if ((await store.get(id)) === undefined) throw keyNotFound()
      }
    },
  }
}

export function keyNotFound(): KeyError {
  return new KeyError('not_found', 'There is no write key with this id.')
}
