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

/** Why a text is not a pattern. */
export function problemOfPath(text: string): string {
  if (!text.startsWith('/')) return 'The path must begin with "/".'
  const keys = text.split('/').filter((segment) => segment === ':key').length
  if (keys === 0) return 'The path has no segment ":key".'
  if (keys > 1) return `The path has the segment ":key" ${keys} times, and must have it once.`
  return 'The other segments of the path must be fixed: letters, digits and . _ ~ - only, without a slash at the end.'
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
