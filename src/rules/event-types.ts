import { pathStart } from '../http/request-target.ts'
import { badOption, ConfigError } from '../runtime/config-error.ts'
import { sharedByCopies } from '../runtime/shared-by-copies.ts'

/** The event types every installation knows. */
export const standardEventTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const

const knownTypes = /* @__PURE__ */ sharedByCopies(
  'knownTypes',
  () => new WeakMap<object, ReadonlySet<string>>(),
)

/** Remembers the event types of some write keys, for the options of their guards. */
export function noteEventTypes(keys: object, { known }: EventTypeResolver): void {
  knownTypes.set(keys, known)
}

/** The event types of these write keys. */
export function eventTypesOf(keys: object): readonly string[] {
  return [...(knownTypes.get(keys) ?? standardEventTypes)]
}

/** A path that could mean more than one event type. */
export class AmbiguousType {
  /** The two types that the path spells out; `undefined` when a character beyond ASCII makes it ambiguous. */
  readonly types: readonly [string, string] | undefined

  constructor(types?: readonly [string, string]) {
    this.types = types
  }
}

/** The event types of one installation. */
export interface EventTypeResolver {
  /** Every event type, in its one spelling. */
  readonly known: ReadonlySet<string>
  /**
   * The type in a request path: its last non-empty segment, percent-decoded once, in any ASCII case, long
   * (`track`) or short (`t`). `null` when it names none, as `batch` does. Ambiguous: a segment that names a
   * type only when letters beyond ASCII are folded, and one that names a type directly after a segment that
   * spells out another one.
   *
   * @param path as sent, without the query
   */
  fromPath(path: string): string | null | AmbiguousType
}

const maxTypeLength = 64
/** Four bytes a character, each encoded. */
const maxSegmentLength = 12 * maxTypeLength

/** Paths that carry many events, each with its own type. */
const batchSegments = ['batch', 'b']

/**
 * Creates the resolver for the standard types and `extraTypes`: names of 1 to 64 ASCII letters, digits, `.`,
 * `_`, `:` and `-`.
 *
 * @throws ConfigError for another shape, and for a name that a path already uses for something else (`t`,
 * `batch`, `Track`).
 */
export function createEventTypeResolver(extraTypes: readonly string[]): EventTypeResolver {
  const known = new Set<string>(standardEventTypes)
  const ofStandardTypes = new Map<string, string>()
  for (const type of standardEventTypes) ofStandardTypes.set(type, type).set(type.charAt(0), type)
  const bySegment = new Map<string, string | null>(ofStandardTypes)

  for (const type of extraTypes) {
    if (typeof type !== 'string' || type.length > maxTypeLength || !/^[A-Za-z0-9._:-]+$/.test(type)) {
      throw badOption('eventTypes', type, 'names of 1 to 64 ASCII letters, digits, ".", "_", ":" and "-"')
    }
    const segment = type.toLowerCase()
    const taken = batchSegments.includes(segment) ? '' : bySegment.get(segment)
    if (taken !== undefined && taken !== type) {
      const isOurs = batchSegments.includes(segment) || ofStandardTypes.has(segment)
      const received = isOurs ? `"${segment}"` : 'a name twice'
      throw new ConfigError(
        'eventTypes',
        `eventTypes must be names that differ, in any case, from each other, from "batch", "b", the standard types and their first letters; received ${received}.`,
      )
    }
    known.add(type)
    bySegment.set(segment, type)
  }

  for (const segment of batchSegments) bySegment.set(segment, null)
  let shortestType = maxTypeLength
  for (const type of known) shortestType = Math.min(shortestType, type.length)

  function typeOf(segment: string): string | null | AmbiguousType {
    const plain = bySegment.get(segment)
    if (plain !== undefined) return plain
    const decoded = decodeSegment(segment)
    if (isAscii.test(decoded)) return bySegment.get(decoded.toLowerCase()) ?? null
    return foldings(decoded).some((folded) => bySegment.has(folded)) ? new AmbiguousType() : null
  }

  /** The type that a segment spells out in full. Short forms are too common as names of other things. */
  function spelledOut(segment: string): string | undefined {
    const type = typeOf(segment)
    return typeof type === 'string' && decodeSegment(segment).length === type.length ? type : undefined
  }

  return {
    known,
    fromPath(path) {
      const start = pathStart(path)
      const end = endBeforeSlashes(path, path.length, start)
      const begin = segmentStart(path, end, start)
      const type = typeOf(path.slice(begin, end))
      if (typeof type !== 'string') return type
      const before = endBeforeSlashes(path, begin, start)
      const beginBefore = segmentStart(path, before, start)
      if (before - beginBefore < shortestType) return type
      const other = spelledOut(path.slice(beginBefore, before))
      return other === undefined || other === type ? type : new AmbiguousType([other, type])
    },
  }
}

function endBeforeSlashes(path: string, from: number, start: number): number {
  let end = from
  while (end > start && path.charCodeAt(end - 1) === 0x2f) end--
  return end
}

function segmentStart(path: string, end: number, start: number): number {
  let begin = end
  while (begin > start && path.charCodeAt(begin - 1) !== 0x2f) begin--
  return begin
}

const isAscii = /^[!-~]*$/

/** Empty for what cannot name a type: too long, or not decodable. */
function decodeSegment(segment: string): string {
  if (segment.length > maxSegmentLength) return ''
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return ''
  }
}

/** What nobody sees, and `trim()`, databases and people leave out: blanks, marks of order and of direction, soft hyphens. */
const invisible = /(?![\0-\x7f])[\u0307\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{Z}]/gu

/**
 * How routers, file systems and databases may fold letters beyond ASCII: the Kelvin sign becomes a k, a long
 * s an s.
 */
function foldings(text: string): string[] {
  // A Turkish İ becomes an i with a dot above.
  return [text, text.normalize('NFKC')].map((form) => form.toUpperCase().toLowerCase().replace(invisible, ''))
}
