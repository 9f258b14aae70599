import { pathStart } from '../http/request-target.ts'
import { badOption } from '../runtime/config-error.ts'

/** Whether some router could take a request target, as sent, for one below a guarded path. */
export type PathTest = (target: string) => boolean

const expected =
  "a path such as '/v1', or a list of them: everything below is guarded, without wildcards and parameters"

/**
 * Compares targets with paths as the most lenient router would: decoded, in one case, with runs of slashes
 * and dots resolved, with and without an authority in front. A target that readers take for different paths
 * counts as below when one of them does.
 *
 * @param given the option `path`: one or several
 * @throws ConfigError for a path that would guard nothing, or something else than it says.
 */
export function createPathTest(given: unknown): PathTest {
  const paths = Array.isArray(given) ? given : [given]
  if (paths.length === 0 || !paths.every(isPath)) throw badOption('path', given, expected)
  const guarded = paths.map(foldSegments)
  const prefixes = guarded.map((segments) => segments.map((text) => `/${escapeRegExp(text)}`).join(''))
  const isBelowPlainly = new RegExp(`^(?:${prefixes.join('|')})(?:[/?]|$)`, 'i')

  return function couldBeBelow(target) {
    if (plain.test(target)) return isBelowPlainly.test(target)
    return readings(target).some((reading) => guarded.some((path) => isBelow(reading, path)))
  }
}

function isPath(path: unknown): path is string {
  return (
    typeof path === 'string' && path.startsWith('/') && !/[*?#\\;()[\]{}]|\/:|\/\.{1,2}(?:\/|$)/.test(path)
  )
}

/** Segments that every router reads literally, or all in lower case, each of them present. */
const plain = /^(?:\/[\w~!$&'()*+,=:@-][\w~!$&'()*+,=:@.-]*)*\/?(?:\?|$)/

interface Reading {
  readonly segments: readonly string[]
  /** Whether some segments may be gone by the time the path is compared. */
  readonly isLoose: boolean
}

/** The possible readings of a target that is not plain. */
function readings(target: string): Reading[] {
  const text = target.replace(/[\t\n\r]/g, '').slice(pathStart(target))
  if (!/^[/\\]/.test(text)) return [{ segments: foldSegments(text.replace(/[?#:]/g, '/')), isLoose: true }]
  const segments = foldSegments(text.replace(/\?.*$/s, ''))
  const isLoose = segments.some(isDots)
  // In `//host/path` a URL parser finds a host.
  const isNetworkPath = /^[/\\]{2}/.test(decodeLeniently(text))
  return isNetworkPath
    ? [segments, segments.slice(1)].map((read) => ({ segments: read, isLoose }))
    : [{ segments, isLoose }]
}

function isBelow({ segments, isLoose }: Reading, path: readonly string[]): boolean {
  if (!isLoose) return path.every((segment, index) => segments[index] === segment)
  let found = 0
  for (const segment of segments) if (segment === path[found]) found++
  return found === path.length
}

function isDots(segment: string): boolean {
  return segment === '.' || segment === '..'
}

/** One reading drops empty segments, and what follows `;`, `?`, `#` or NUL. */
function foldSegments(path: string): string[] {
  return fold(path)
    .split(/[/\\]/)
    .map((segment) => segment.replace(/[;?#\0].*$/s, ''))
    .filter((segment) => segment !== '')
}

/** Some servers decode a path before a router decodes it again. */
const mostDecodings = 3

function fold(path: string): string {
  let text = fromLatin1(path)
  for (let count = 0; count < mostDecodings && text.includes('%'); count++) text = decodeLeniently(text)
  // A Turkish İ becomes an i with a dot above.
  return text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('\u0307', '')
}

const utf8 = new TextDecoder()

/** Node passes raw bytes on as one character each. */
function fromLatin1(text: string): string {
  if (!/[\x80-\xff]/.test(text) || /[\u0100-\uffff]/.test(text)) return text
  const decoded = utf8.decode(Uint8Array.from(text, (char) => char.charCodeAt(0)))
  return decoded.includes('\ufffd') ? text : decoded
}

/** Decodes what can be decoded. What cannot is reported, and the rest stays. */
function decodeLeniently(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (run) =>
    utf8.decode(Uint8Array.from(run.slice(1).split('%'), (hex) => Number.parseInt(hex, 16))),
  )
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
