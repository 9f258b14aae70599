/** Decides which decisions are described one by one, and counts the others. */
export interface Sampling {
  /** @param owner whose share it counts against. */
  admits(owner: string | null): boolean
  /** How many were not admitted since the last call. */
  takeSkipped(): number
  /** Begins a new turn. Called by a timer, so that a decision reads no clock. */
  turn(): void
}

/** Length of a turn, in milliseconds. */
export const turnMs = 250
/** Decisions of one owner, and of all, that a turn has room for: 80 and 2 000 a second. */
const ofOwner = 20
const ofAll = 500

/**
 * Describing a decision takes about as long as judging it did. Nobody reads each of thousands a second, so
 * the first ones of every turn are kept, of a loud key no more than of a quiet one.
 */
export function createSampling(): Sampling {
  let counts = new Map<string | null, number>()
  let admitted = 0
  let skipped = 0

  return {
    admits(owner) {
      if (admitted < ofAll) {
        const count = counts.get(owner) ?? 0
        if (count < ofOwner) {
          counts.set(owner, count + 1)
          admitted++
          return true
        }
      }
      skipped++
      return false
    },
    takeSkipped() {
      const taken = skipped
      skipped = 0
      return taken
    },
    turn() {
      if (admitted === 0) return
      admitted = 0
      counts = new Map()
    },
  }
}
