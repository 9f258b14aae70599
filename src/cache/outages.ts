/** One part that can fail. */
export interface Outage {
  began(error: unknown): void
  ended(): void
}

/** Creates a tracker for each part, and knows which parts fail now. */
export interface Outages {
  (part: string): Outage
  /** Why the first failing part fails, as it was reported; undefined while all parts work. */
  errorOf(...parts: string[]): Error | undefined
}

/** Reports an outage once, however often its questions fail, and its end once all parts work again. */
export function createOutages(onBegan: (error: Error) => void, onEnded: () => void): Outages {
  const failing = new Map<string, Error>()
  const place = (part: string): Outage => ({
    began(reason) {
      if (failing.has(part)) return
      const error = reason instanceof Error ? reason : new Error(String(reason))
      failing.set(part, error)
      onBegan(error)
    },
    ended() {
      if (failing.delete(part) && failing.size === 0) onEnded()
    },
  })
  const errorOf = (...parts: string[]) =>
    parts.map((part) => failing.get(part)).find((error) => error !== undefined)
  return Object.assign(place, { errorOf })
}
