/** Pauses that somebody else may end. */
export interface Pauses {
  /** Waits. False, and at once, when they are ended: also before it begins. */
  pause(ms: number): Promise<boolean>
  /** Ends all, and those to come. */
  endAll(): void
}

/** @param onTimer may let the timers of pauses run in the background */
export function createPauses(onTimer: (timer: NodeJS.Timeout) => unknown = () => {}): Pauses {
  const ends = new Set<() => void>()
  let ended = false
  return {
    pause(ms) {
      if (ended) return Promise.resolve(false)
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer)
          ends.delete(end)
          resolve(!ended)
        }
        const timer = setTimeout(end, ms)
        onTimer(timer)
        ends.add(end)
      })
    },
    endAll() {
      ended = true
      for (const end of [...ends]) end()
    },
  }
}
