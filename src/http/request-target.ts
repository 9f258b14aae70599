/** 1 for each ASCII character that every router takes literally, wherever it stands in a path. */
const isPlain = new Uint8Array(128)
for (let code = 0x21; code < 0x7f; code++)
  isPlain[code] = '#%.;\\'.includes(String.fromCharCode(code)) ? 0 : 1

const slash = 0x2f

/**
 * Characters at which some router ends the path, or which it folds or strips. None but `;` is valid in a path
 * (RFC 3986 section 3.3).
 */
const neverInPath = /[#;\\\x7f]|[\0-\x20]/
/** A segment `.` or `..`, each dot written out or encoded: some routers resolve it and some do not. */
const dotSegment = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i
/** An encoded slash, backslash, semicolon or NUL: decoded before routing by some, after it by others. */
const encodedDelimiter = /%(?:2f|5c|3b|00)/i
/**
 * A target in absolute form (RFC 9112 section 3.2.2) up to its path. When the path is missing, routers take
 * the query for it.
 */
const authority = /^https?:\/\/[\w.:[\]-]+(?=\/)/i

/**
 * Whether routers read this path in different ways, so that no type can be told from it. Includes percent
 * signs that begin no UTF-8, and raw bytes that are not UTF-8.
 *
 * @param path as sent, without the query, in origin or absolute form
 */
export function isAmbiguousPath(path: string): boolean {
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index)
    if (code > 127 || isPlain[code] === 0) return isAmbiguousAtSecondLook(path)
  }
  return path.charCodeAt(0) !== slash && isAmbiguousForm(path)
}

/** Where the path begins: after scheme and authority when the target is in absolute form. */
export function pathStart(path: string): number {
  if (path.charCodeAt(0) === slash) return 0
  return authority.exec(path)?.[0].length ?? 0
}

/**
 * The target that a router uses: as requested, unless somebody has rewritten what the mount points left of
 * it.
 *
 * @param left what is left of it
 * @param mountPath what mount points took off, where the framework tells
 */
export function routedTarget(requested: string, left: string, mountPath = ''): string {
  if (left === requested) return requested
  const at = requested.length - left.length
  const queryStart = requested.indexOf('?')
  const isRest = requested.endsWith(left) && (queryStart === -1 || queryStart >= at)
  return isRest ? requested : left.charCodeAt(0) === slash ? mountPath + left : left
}

function isAmbiguousAtSecondLook(path: string): boolean {
  return (
    neverInPath.test(path) ||
    dotSegment.test(path) ||
    encodedDelimiter.test(path) ||
    isAmbiguousForm(path) ||
    !isUtf8(path)
  )
}

function isAmbiguousForm(path: string): boolean {
  return path.includes('://') && path.charCodeAt(0) !== slash && !authority.test(path)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function isUtf8(path: string): boolean {
  if (!/[%\x80-\uffff]/.test(path)) return true
  try {
    const text = decodeURIComponent(path)
    // Node passes raw bytes on as one character each.
    if (/[\x80-\xff]/.test(path) && !/[\u0100-\uffff]/.test(path)) utf8.decode(Buffer.from(path, 'latin1'))
    return text.isWellFormed()
  } catch {
    return false
  }
}
