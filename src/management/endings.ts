import type { ChangeBarrier, Settling } from '../cache/change-barrier.ts'
import type { KeyRecord } from '../keys/key-record.ts'
import { KeyError } from '../runtime/errors.ts'
import type { CommittedChange, KeyStore } from '../stores/key-store.ts'

/** Changes after which a key, or one of its secrets, is not accepted any more by anybody. */
export interface Endings {
  /**
   * Ends something of a key and waits until that counts everywhere, or waits for what has ended already: so a
   * call that was left without an answer can be repeated.
   * @param end changes the key as it was just read, or sees that nothing is left to do. `undefined`: read it
   * again, it has changed meanwhile.
   * @throws KeyError `not_found`; for a key that was removed, when that counts everywhere.
   */
  end<T>(id: string, end: (before: KeyRecord) => Promise<Settling<T> | undefined>): Promise<T>
  /** The key with this record's newest secret, and its place in the history, in one look. */
  see(record: KeyRecord): Promise<{ record: KeyRecord | undefined; change: CommittedChange }>
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
    async end<T>(id: string, end: (before: KeyRecord) => Promise<Settling<T> | undefined>): Promise<T> {
      for (;;) {
        const outcome = await barrier.settle<T | typeof gone>(async (attempt) => {
          for (;;) {
            const before = await store.get(id)
            if (before === undefined) {
              // A key that was lost with the change of it may still be cached: what was told of it is waited
              // for.
              if (attempt === 0 && !(await wasRemoved(id))) throw keyNotFound()
              return { result: gone, change: (await lookUp()).change }
            }
            const settling = await end(before)
            if (settling !== undefined) return settling
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
