import { randomBase62 } from '../runtime/base62.ts'
import type { PollAnswer, Position } from './key-store.ts'

/** The changes of a memory store, so that a poll can ask what has changed since its position. */
export interface MemoryHistory {
  /** The position after the latest change. */
  here(): Position
  add(keyId: string): Position
  changedSince(since: Position | null): Pick<PollAnswer, 'history' | 'changed'>
}

/** Changes that are remembered one by one. */
const maxChanges = 1_000

interface Change {
  position: Position
  keyId: string
}

export function createMemoryHistory(): MemoryHistory {
  /** Oldest first. The first entry only says where the history begins. */
  let changes: Change[] = []

  /** Made by the first question: Workers make no random numbers while they load. */
  function kept(): Change[] {
    if (changes.length === 0) changes.push({ position: { revision: 0, mark: randomBase62(16) }, keyId: '' })
    return changes
  }
  const here = () => (kept().at(-1) as Change).position

  return {
    here,
    add(keyId) {
      const position = { revision: here().revision + 1, mark: randomBase62(16) }
      changes.push({ position, keyId })
      // Cut in blocks, because each cut moves everything that stays.
      if (changes.length > 2 * maxChanges) changes = changes.slice(-maxChanges)
      return position
    },
    changedSince(since) {
      if (since === null) return { history: 'kept', changed: 'all' }
      const oldest = (kept()[0] as Change).position.revision
      if (since.revision < oldest) return { history: 'pruned', changed: 'all' }
      if (changes[since.revision - oldest]?.position.mark !== since.mark)
        return { history: 'lost', changed: 'all' }
      const changed = changes.slice(since.revision - oldest + 1).map(({ keyId }) => keyId)
      return { history: 'kept', changed: [...new Set(changed)] }
    },
  }
}
