import { timeoutError, withDeadline } from '../runtime/deadline.ts'
import { toStoreError } from '../runtime/errors.ts'
import type { KeyStore, PollAnswer } from '../stores/key-store.ts'
import type { ChangeHistory } from './change-history.ts'
import type { Lease } from './lease.ts'
import type { Poller } from './poller.ts'

export interface OwnStoreOptions {
  store: Pick<KeyStore, 'poll'>
  changes: ChangeHistory
  onStoreError: (error: unknown) => void
  onStoreAnswer: () => void
  onAnswer: (answer: PollAnswer) => void
}

/**
 * Asks a store that nobody outside this process can change: it announces each change before the change
 * returns, so polling is not needed.
 */
export function createOwnStorePoller(options: OwnStoreOptions): Poller & { answersAtOnce(): boolean } {
  const { store, changes } = options
  let answersAtOnce = false

  async function lookUp(keyHash: string, deadlineMs: number): ReturnType<Poller['lookUp']> {
    const endsAt = performance.now() + deadlineMs
    for (;;) {
      const before = changes.generation()
      const asked = store.poll({ since: null, keyHash })
      answersAtOnce = !(asked instanceof Promise)
      const answer = await withDeadline(asked, endsAt - performance.now())
      const { record } = answer
      options.onAnswer(answer)
      const isUndisturbed = changes.none(before, undefined)
      if (record === undefined || changes.none(before, record.id))
        return { record, generation: changes.generation(), isUndisturbed }
      if (performance.now() >= endsAt) throw timeoutError()
    }
  }

  return {
    answersAtOnce: () => answersAtOnce,
    async lookUp(keyHash, deadlineMs) {
      try {
        const found = await lookUp(keyHash, deadlineMs)
        options.onStoreAnswer()
        return found
      } catch (error) {
        options.onStoreError(error)
        throw toStoreError(error)
      }
    },
    begin() {},
    poll: async () => {},
    renew: async () => {},
    hint() {},
    isFailing: () => false,
    close() {},
  }
}

/** The cache of a store of this process never goes stale. */
export const endlessLease: Lease = {
  leaseMs: () => Number.POSITIVE_INFINITY,
  renew() {},
  holds: () => true,
  ageMs: () => 0,
}
