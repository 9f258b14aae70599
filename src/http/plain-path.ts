const segment = /^[A-Za-z0-9._~-]+$/

/**
 * Whether all readers of this path agree on it, whether they decode or fold it or not: segments of unreserved
 * characters (RFC 3986, 2.3), none `.` or `..`, none empty but the last. A guard that compares text and a
 * router behind it cannot disagree about such a path.
 */
export function isPlainPath(path: string): boolean {
  if (!path.startsWith('/')) return false
  const segments = path.slice(1).split('/')
  return segments.every((text, index) => {
    if (text === '') return index === segments.length - 1
    return segment.test(text) && text !== '.' && text !== '..'
  })
}
