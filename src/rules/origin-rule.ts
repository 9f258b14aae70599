import { normalizeOriginRule } from './origin-spelling.ts'
import {
  anyLocalPort,
  isLikeHost,
  isLocalPage,
  maxHostLength,
  maxOriginLength,
  parseOrigin,
} from './web-origin.ts'

/**
 * The origin rules of one write key, for `allowsOrigin`: one rule as text, a short list, or an index for long
 * lists. Every cached key may hold one, so short lists have no object around them, and no sets.
 */
export type OriginRule = string | readonly string[] | OriginIndex

/**
 * Compiles the origin list of a key; `null` when it has no origin rule. `[]` allows no origin at all. An
 * entry that `normalizeOriginRule` refuses matches nothing. Only top-level domains count as public suffixes
 * here: the full list was checked when the rule was saved. The cost of a decision does not grow with the
 * number of rules.
 */
export function compileOriginRule({
  allowedOrigins,
}: {
  allowedOrigins: readonly string[] | null
}): OriginRule | null {
  if (allowedOrigins === null) return null
  const rules: string[] = []
  for (const text of allowedOrigins) {
    const result = normalizeOriginRule(text, isTopLevel)
    // Saved rules are canonical. Keep the text itself: the origin of a URL would keep the whole URL in
    // memory.
    if ('rule' in result) rules.push(result.rule === text ? text : result.rule)
  }
  if (rules.length > maxListed) return indexOrigins(rules)
  // A copy has the length it needs. An array that grew by pushing has room for 17.
  return rules.length === 1 ? (rules[0] as string) : rules.slice()
}

function isTopLevel(host: string): boolean {
  return !host.includes('.')
}

/** In a longer list, checking each rule takes longer than an index does. */
const maxListed = 16

/**
 * Whether a presented `Origin` may use the key. It counts only in the spelling a browser sends (RFC 6454
 * section 6.2): nothing is folded. `null` never matches.
 */
export function allowsOrigin(rule: OriginRule, origin: string): boolean {
  if (typeof rule === 'string') return matchesRule(rule, origin)
  if (!isList(rule)) return isIndexed(rule, origin)
  for (let index = 0; index < rule.length; index++) {
    if (matchesRule(rule[index] as string, origin)) return true
  }
  return false
}

function isList(rule: readonly string[] | OriginIndex): rule is readonly string[] {
  return Array.isArray(rule)
}

function matchesRule(rule: string, origin: string): boolean {
  if (rule === anyLocalPort) return isLocalPage(origin)
  // A rule is canonical, so whatever equals one is canonical too. A wildcard equals no canonical origin.
  if (rule === origin) return rule.charCodeAt(hostStartOf(rule)) !== asterisk
  return rule.charCodeAt(hostStartOf(rule)) === asterisk && isBelow(rule, origin)
}

/** For web origins. For an app's origin the result is some place in its name. */
function hostStartOf(rule: string): number {
  return rule.charCodeAt('http'.length) === colon ? 'http://'.length : 'https://'.length
}

/** @param rule a wildcard: its scheme, `*.`, and what an origin must end with */
function isBelow(rule: string, origin: string): boolean {
  const hostStart = hostStartOf(rule)
  const suffixStart = hostStart + 1
  const dot = origin.length - (rule.length - suffixStart)
  if (origin.length > maxOriginLength) return false
  for (let index = rule.length - 1, at = origin.length - 1; index >= suffixStart; index--, at--) {
    if (rule.charCodeAt(index) !== origin.charCodeAt(at)) return false
  }
  return origin.startsWith(rule.slice(0, hostStart)) && isCanonical(origin, hostStart, dot)
}

const asterisk = 42
const colon = 58

/** For long lists: the cost of a decision does not grow with their length. */
interface OriginIndex {
  readonly exact: ReadonlySet<string>
  /** Wildcards without their `*.`: what an origin must end with. */
  readonly parents: ReadonlySet<string>
  readonly longestParent: number
  readonly anyLocalPort: boolean
}

function indexOrigins(rules: readonly string[]): OriginIndex {
  const exact = new Set(rules.filter((rule) => !rule.includes('*')))
  const parents = new Set(rules.filter((rule) => rule.includes('*.')).map((rule) => rule.replace('*.', '')))
  let longestParent = 0
  for (const parent of parents) longestParent = Math.max(longestParent, parent.length)
  return { exact, parents, longestParent, anyLocalPort: rules.includes(anyLocalPort) }
}

function isIndexed(index: OriginIndex, origin: string): boolean {
  const { exact, parents, longestParent } = index
  if (exact.has(origin) || (index.anyLocalPort && isLocalPage(origin))) return true
  if (origin.length > maxOriginLength) return false
  const hostStart = origin.startsWith('https://') ? 8 : origin.startsWith('http://') ? 7 : -1
  if (hostStart === -1) return false
  const scheme = origin.slice(0, hostStart)
  // Text after an earlier dot is longer than any rule. A host of a hundred labels costs no more than one of
  // ten.
  const firstDot = Math.max(hostStart, hostStart + origin.length - 1 - longestParent)
  for (let dot = origin.indexOf('.', firstDot); dot !== -1; dot = origin.indexOf('.', dot + 1)) {
    if (parents.has(scheme + origin.slice(dot + 1))) return isCanonical(origin, hostStart, dot)
  }
  return false
}

/** For an origin that equals a rule after `dot`: only the text before it is in doubt. */
function isCanonical(origin: string, hostStart: number, dot: number): boolean {
  const port = origin.indexOf(':', dot)
  const hostLength = (port === -1 ? origin.length : port) - hostStart
  const labels = origin.slice(hostStart, dot)
  if (hostLength > maxHostLength || !isLikeHost(labels)) return false
  // Punycode may be invalid, or stand for something else than it says.
  return !labels.includes('xn--') || parseOrigin(origin)?.origin === origin
}
