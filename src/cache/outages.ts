/** One part of what can fail. */
export interface Outage {
  began(error: unknown): void
  ended(): void
}

/**
 * Tells an outage once, however often its questions fail, and its end once all parts are well again.
 * @returns a function that gives each part its place.
 */
export function createOutages(
  onBegan: (error: Error) => void,
  onEnded: () => void,
): (part: string) => Outage {
  const failing = new Set<string>()
  return (part) => ({
    began(error) {
      if (failing.has(part)) return
      failing.add(part)
      onBegan(error instanceof Error ? error : new Error(String(error)))
    },
    ended() {
      if (failing.delete(part) && failing.size === 0) onEnded()
    },
  })
}
