import type { ChangeListener } from '../key-store.ts'
import type { ListenerEvents, Listening } from './postgres-listener.ts'

/** Who watches, and what they are told. */
interface Watcher {
  listener: ChangeListener
  onLost: ((error: unknown) => void) | undefined
  onRestored: (() => void) | undefined
}

export interface Watchers {
  /** Adds a watcher. Returns what removes it. */
  add(listener: ChangeListener, onLost: Watcher['onLost'], onRestored: Watcher['onRestored']): () => void
  /** Tells all of a change. */
  tell: ChangeListener
  clear(): void
  /** Listens to the database no longer for a while. Resolves once that connection is gone: to false when there was none. */
  makeRoom(reason: unknown): Promise<boolean>
  /** Ends listening to the database, if it has begun. */
  readonly stopListening: (() => Promise<void>) | undefined
}

/** @param listen hears of changes by others, while anybody watches. Undefined: this database cannot tell. */
export function createWatchers(listen: ((events: ListenerEvents) => Listening) | undefined): Watchers {
  const watchers = new Set<Watcher>()
  let listening: Listening | undefined

  const tell: ChangeListener = (keyIds) => {
    for (const { listener } of watchers) listener(keyIds)
  }

  return {
    add(listener, onLost, onRestored) {
      // Two caches may hand in the same function: each gets its own place.
      const watcher = { listener, onLost, onRestored }
      watchers.add(watcher)
      listening ??= listen?.({
        onChange: tell,
        onLost: (error) => {
          for (const { onLost } of watchers) onLost?.(error)
        },
        onRestored: () => {
          for (const { onRestored } of watchers) onRestored?.()
        },
      })
      return () => {
        watchers.delete(watcher)
        if (watchers.size > 0) return
        listening?.stop()
        listening = undefined
      }
    },
    tell,
    clear: () => watchers.clear(),
    makeRoom: async (reason) => listening?.makeRoom(reason) ?? false,
    get stopListening() {
      return listening?.stop
    },
  }
}
