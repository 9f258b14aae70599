/** One part of what can fail. */
export interface Outage {
  began(error: unknown): void
  ended(): void
}

/** Gives each part its place, and knows which of them fail now. */
export interface Outages {
  (part: string): Outage
  /** Why the first of these parts fails, as it was told; undefined while all of them are well. */
  errorOf(...parts: string[]): Error | undefined
}

/** Tells an outage once, however often its questions fail, and its end once all parts are well again. */
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
