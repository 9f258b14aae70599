/** The usual volume of one key: an average over windows in which later ones weigh more. */
export interface VolumeBaseline {
  /** Events in the window that is still open. */
  readonly current: number
  /** Windows closed so far, silent ones included. */
  readonly windows: number
  /** Average of the closed windows, without those of a present silence. */
  readonly usual: number
  /** How many of the latest closed windows were empty. */
  readonly silentWindows: number
  add(events: number): void
  /** Closes the open window and begins the next. */
  close(): void
}

/**
 * Weight of the newest window: with windows of five minutes, the last two hours make up most of the average.
 */
const weight = 0.08

export function createVolumeBaseline(): VolumeBaseline {
  let current = 0
  let windows = 0
  let usual = 0
  let silentWindows = 0
  return {
    get current() {
      return current
    },
    get windows() {
      return windows
    },
    get usual() {
      return usual
    },
    get silentWindows() {
      return silentWindows
    },
    add(events) {
      current += events
    },
    close() {
      windows++
      if (current === 0) {
        silentWindows++
      } else {
        // Empty windows lower the average only here, not as they come, so that a silence is measured against
        // the volume before it.
        const decay = (1 - weight) ** silentWindows
        const before = usual * decay
        // The first windows count alike; later ones never for less than `weight`.
        const share = Math.max(weight, 1 / windows)
        usual = before + (current - before) * share
        silentWindows = 0
      }
      current = 0
    },
  }
}
