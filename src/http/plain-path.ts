const segment = /^[A-Za-z0-9._~-]+$/

/**
 * Whether everybody who reads this path, decoded or not, folded or not, reads the same: segments of
 * unreserved characters (RFC 3986, 2.3), none of them `.` or `..`, none empty but the last. A guard that
 * compares text and a router behind it cannot disagree about such a path.
 */
export function isPlainPath(path: string): boolean {
  if (!path.startsWith('/')) return false
  const segments = path.slice(1).split('/')
  return segments.every((text, index) => {
    if (text === '') return index === segments.length - 1
    return segment.test(text) && text !== '.' && text !== '..'
  })
}
