import { ConfigError } from '../keys/errors.ts'

/** The event types every installation knows. */
export const standardEventTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const

/** Knows the event types of one installation. */
export interface EventTypeResolver {
  /** Every event type, in its one spelling. */
  readonly known: ReadonlySet<string>
  /**
   * The type that a request path says by its last non-empty segment, percent-decoded once, in any case, long (`track`) or
   * short (`t`); `null` when it says none, as `batch` does. The path is taken as sent, without the query.
   */
  fromPath(path: string): string | null
}

const maxTypeLength = 64

/** Paths that carry many events, each with its own type. */
const batchSegments = ['batch', 'b']

/**
 * Creates the resolver for the standard types and `extraTypes`: names of 1 to 64 ASCII letters, digits, `.`, `_`, `:` and `-`.
 *
 * @throws ConfigError for another shape, and for a name that a path already uses for something else (`t`, `batch`, `Track`).
 */
export function createEventTypeResolver(extraTypes: readonly string[]): EventTypeResolver {
  const known = new Set<string>(standardEventTypes)
  const bySegment = new Map<string, string | null>()
  for (const type of standardEventTypes) bySegment.set(type, type).set(type.charAt(0), type)

  for (const type of extraTypes) {
    if (typeof type !== 'string' || type.length > maxTypeLength || !/^[A-Za-z0-9._:-]+$/.test(type)) {
      throw new ConfigError(
        'eventTypes',
        type,
        'names of 1 to 64 ASCII letters, digits, ".", "_", ":" and "-"',
      )
    }
    const segment = type.toLowerCase()
    const taken = batchSegments.includes(segment) ? '' : bySegment.get(segment)
    if (taken !== undefined && taken !== type) {
      throw new ConfigError(
        'eventTypes',
        type,
        'names that differ, in any case, from each other, from "batch", "b" and the standard types',
      )
    }
    known.add(type)
    bySegment.set(segment, type)
  }

  for (const segment of batchSegments) bySegment.set(segment, null)

  function readPath(path: string): string | null {
    const written = lastSegment(path)
    const plain = bySegment.get(written)
    if (plain !== undefined) return plain
    const segment = decodeSegment(written)
    return segment === null ? null : (bySegment.get(segment.toLowerCase()) ?? null)
  }

  /** Most requests ask for the path of the one before. Saves 65 ns of those, of 1 000. */
  let lastPath = ''
  let lastType: string | null = null
  return {
    known,
    fromPath(path) {
      if (path !== lastPath) {
        lastType = readPath(path)
        lastPath = path
      }
      return lastType
    },
  }
}

function lastSegment(path: string): string {
  let end = path.length
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--
  return path.slice(end === 0 ? 0 : path.lastIndexOf('/', end - 1) + 1, end)
}

/** `null` for what cannot name a type: every type is short and ASCII, and three characters at most spell one of its letters. */
function decodeSegment(segment: string): string | null {
  if (segment.length > 3 * maxTypeLength) return null
  let decoded = segment
  if (segment.includes('%')) {
    try {
      decoded = decodeURIComponent(segment)
    } catch {
      return null
    }
  }
  // Lower-casing folds some other letters into ASCII: the Kelvin sign would become a k.
  return /^[!-~]+$/.test(decoded) ? decoded : null
}
