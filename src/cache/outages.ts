import { toError } from '../runtime/thrown.ts'

/** One part that can fail. */
export interface Outage {
  began(error: unknown): void
  ended(): void
}

/** Creates a tracker for each part, and knows which parts fail now. */
export interface Outages<Part extends string = string> {
  (part: Part): Outage
  /** Why the first failing part fails, as it was reported; undefined while all parts work. */
  errorOf(...parts: Part[]): Error | undefined
}

/**
 * Reports the outage of each part once, however often its questions fail, and the end once all parts work
 * again.
 */
export function createOutages<Part extends string>(
  onBegan: (error: Error, part: Part) => void,
  onEnded: () => void,
): Outages<Part> {
  const failing = new Map<Part, Error>()
  const place = (part: Part): Outage => ({
    began(reason) {
      if (failing.has(part)) return
      const error = toError(reason)
      failing.set(part, error)
      onBegan(error, part)
    },
    ended() {
      if (failing.delete(part) && failing.size === 0) onEnded()
    },
  })
  const errorOf = (...parts: Part[]) =>
    parts.map((part) => failing.get(part)).find((error) => error !== undefined)
  return Object.assign(place, { errorOf })
}
