/**
 * Finds the segment of a path that holds the key, as it was sent. `undefined`: the path does not end like the
 * pattern.
 */
export type PathPattern = (path: string) => string | undefined

/** Literal segments, and exactly one `:key`. */
const pattern = /^(?:\/[\w.~-]+)*\/:key(?:\/[\w.~-]+)*$/

/** @returns undefined for a text that is not a pattern */
export function compilePathPattern(text: unknown): PathPattern | undefined {
  if (typeof text !== 'string' || !pattern.test(text)) return undefined
  const wanted = text.slice(1).toLowerCase().split('/')
  const place = wanted.indexOf(':key')

  return function segmentOf(path) {
    const segments = path.split('/')
    // As when the type is read from the path: a path with trailing slashes reaches the same route.
    while (segments.at(-1) === '') segments.pop()
    // The empty one before the first slash always remains.
    const start = segments.length - wanted.length
    if (start < 1) return undefined
    const isMatch = wanted.every(
      (segment, index) => index === place || segment === segments[start + index]?.toLowerCase(),
    )
    const segment = segments[start + place]
    return isMatch && segment !== '' ? segment : undefined
  }
}

/** A decoded segment; `null` when it is not UTF-8. */
export function decodeSegment(segment: string): string | null {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
