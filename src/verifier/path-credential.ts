/**
 * Finds the segment of a path that holds the key, as it was sent. `undefined`: the path does not end as the
 * pattern does.
 */
export type PathPattern = (path: string) => string | undefined

/** Literal segments, and exactly one `:key`. */
const pattern = /^(?:\/[\w.~-]+)*\/:key(?:\/[\w.~-]+)*$/

/** @returns undefined for a text that is no pattern */
export function compilePathPattern(text: unknown): PathPattern | undefined {
  if (typeof text !== 'string' || !pattern.test(text)) return undefined
  const wanted = text.slice(1).toLowerCase().split('/')
  const place = wanted.indexOf(':key')

  return function segmentOf(path) {
    const segments = path.split('/')
    // As where the type is told: what ends with slashes reaches the same route.
    while (segments.length > 0 && segments.at(-1) === '') segments.pop()
    // The empty one in front of the first slash is left over in any case.
    const start = segments.length - wanted.length
    if (start < 1) return undefined
    const isMatch = wanted.every(
      (segment, index) => index === place || segment === segments[start + index]?.toLowerCase(),
    )
    const segment = segments[start + place]
    return isMatch && segment !== '' ? segment : undefined
  }
}

/** A segment as it was meant; `null` when it says nothing in UTF-8. */
export function decodeSegment(segment: string): string | null {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
