/**
 * The event rules of one write key, as two questions, because most events have the same type as the one
 * before.
 */
export interface EventRule {
  /**
   * Where events of a type have their name; `undefined` when the key may not send the type. `type` is derived
   * from the path and the event's own `type`; `null` = unknown.
   */
  namesOf(type: string | null): NamedBy | undefined
  /** Whether the key may send an event of that name. Only own properties of `event` are read. */
  allowsName(event: Record<string, unknown>, namedBy: NamedBy): boolean
}

/** The property that holds the name of an event. `either`: both count, and each must be allowed. */
export type NamedBy = 'event' | 'name' | 'either' | 'none'

const maxPatternLength = 200

/**
 * Checks an event name or pattern for saving: 1 to 200 characters, no control characters, `*` only as the
 * last one. Names are compared exactly, so nothing is trimmed or folded. `problem` completes
 * "allowedEventNames[2] …".
 */
export function normalizeEventNamePattern(text: string): { pattern: string } | { problem: string } {
  if (text === '') return { problem: 'must not be empty' }
  if (text.length > maxPatternLength) return { problem: `must have at most ${maxPatternLength} characters` }
  if (/\p{Cc}/u.test(text)) return { problem: 'must not contain control characters' }
  const star = text.indexOf('*')
  if (star !== -1 && star !== text.length - 1) {
    return { problem: 'must have * only as its last character, as in billing/*' }
  }
  return { pattern: text }
}

/**
 * Compiles the event lists of a key; `null` when it has no event rule.
 *
 * What a name is: `event` of a track call, `name` of a page or screen call; identify, group and alias have
 * none and pass every name rule. Of any other or unknown type, `event` and `name` both count and each must
 * pass. A name that is not a string is refused, as is a missing one under an allow list. Deny wins over
 * allow.
 */
export function compileEventRule(lists: {
  allowedEventTypes: readonly string[] | null
  allowedEventNames: readonly string[] | null
  deniedEventNames: readonly string[] | null
}): EventRule | null {
  const types = lists.allowedEventTypes && shareTypes(lists.allowedEventTypes)
  const allowed = lists.allowedEventNames && toNameMatcher(lists.allowedEventNames)
  const denied = lists.deniedEventNames?.length ? toNameMatcher(lists.deniedEventNames) : null
  if (types === null && allowed === null && denied === null) return null
  return new CompiledEventRule(types, allowed, denied)
}

const maxSharedTypes = 1_000
const sharedTypes = new Map<string, ReadonlySet<string>>()

/**
 * One set for all keys with the same types. There are few such lists. Should there be more, they are made
 * again.
 */
function shareTypes(types: readonly string[]): ReadonlySet<string> {
  const id = JSON.stringify(types)
  const shared = sharedTypes.get(id) ?? new Set(types)
  if (sharedTypes.size >= maxSharedTypes) sharedTypes.clear()
  sharedTypes.set(id, shared)
  return shared
}

/** A class, because every cached key has one: closures over its lists take 200 bytes more. */
class CompiledEventRule implements EventRule {
  readonly #types: ReadonlySet<string> | null
  readonly #allowed: NameMatcher | null
  readonly #denied: NameMatcher | null

  constructor(types: ReadonlySet<string> | null, allowed: NameMatcher | null, denied: NameMatcher | null) {
    this.#types = types
    this.#allowed = allowed
    this.#denied = denied
  }

  namesOf(type: string | null): NamedBy | undefined {
    if (this.#types !== null && (type === null || !this.#types.has(type))) return undefined
    return this.#allowed === null && this.#denied === null ? 'none' : namedBy(type)
  }

  allowsName(event: Record<string, unknown>, namedBy: NamedBy): boolean {
    if (namedBy === 'none') return true
    let names = 0
    if (namedBy !== 'name' && Object.hasOwn(event, 'event')) {
      if (!isNameAllowed(this.#allowed, this.#denied, event.event)) return false
      names++
    }
    if (namedBy !== 'event' && Object.hasOwn(event, 'name')) {
      if (!isNameAllowed(this.#allowed, this.#denied, event.name)) return false
      names++
    }
    return names > 0 || this.#allowed === null
  }
}

/** Not a private method: those add a marker to each object. */
function isNameAllowed(allowed: NameMatcher | null, denied: NameMatcher | null, name: unknown): boolean {
  return (
    typeof name === 'string' &&
    (denied === null || !matchesName(denied, name)) &&
    (allowed === null || matchesName(allowed, name))
  )
}

/** Where events of a type have their name. */
export function namedBy(type: string | null): NamedBy {
  switch (type) {
    case 'track':
      return 'event'
    case 'page':
    case 'screen':
      return 'name'
    case 'identify':
    case 'group':
    case 'alias':
      return 'none'
    default:
      return 'either'
  }
}

/** One pattern as text, or a few. For long lists a function that does not check each. */
type NameMatcher = string | readonly string[] | ((name: string) => boolean)

const maxListed = 16

function toNameMatcher(patterns: readonly string[]): NameMatcher {
  if (patterns.length > maxListed) return indexNames(patterns)
  // A copy has the length it needs. An array that grew by pushing has room for 17.
  return patterns.length === 1 ? (patterns[0] as string) : patterns.slice()
}

function matchesName(matcher: NameMatcher, name: string): boolean {
  if (typeof matcher === 'string') return matchesPattern(matcher, name)
  if (typeof matcher === 'function') return matcher(name)
  for (let index = 0; index < matcher.length; index++) {
    if (matchesPattern(matcher[index] as string, name)) return true
  }
  return false
}

function matchesPattern(pattern: string, name: string): boolean {
  if (pattern === name) return true
  const length = pattern.length - 1
  if (pattern.charCodeAt(length) !== asterisk || name.length < length) return false
  for (let index = 0; index < length; index++) {
    if (pattern.charCodeAt(index) !== name.charCodeAt(index)) return false
  }
  return true
}

const asterisk = 42

function indexNames(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')))
  const prefixes = toPrefixFree(
    patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1)),
  )
  return (name) => exact.has(name) || hasPrefixOf(prefixes, name)
}

/** Sorted, without those that begin with another one: the shorter one matches everything that they match. */
function toPrefixFree(prefixes: readonly string[]): readonly string[] {
  const kept: string[] = []
  for (const prefix of [...prefixes].sort()) {
    const previous = kept.at(-1)
    if (previous === undefined || !prefix.startsWith(previous)) kept.push(prefix)
  }
  // A copy has the length it needs. An array that grew by pushing has room for 17.
  return kept.slice()
}

/**
 * One binary search is enough: everything that sorts between a prefix of `name` and `name` begins with that
 * prefix, so it is not in a prefix-free list. The greatest entry not above `name` is the only candidate.
 */
function hasPrefixOf(prefixes: readonly string[], name: string): boolean {
  let low = 0
  let high = prefixes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((prefixes[middle] as string) <= name) low = middle + 1
    else high = middle
  }
  return low > 0 && name.startsWith(prefixes[low - 1] as string)
}
