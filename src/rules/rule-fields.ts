import { type EntryKind, fieldEntries, type KeyField, type KeyRules, maxListEntries } from '../keys/fields.ts'
import { invalidField, KeyError } from '../runtime/errors.ts'
import { normalizeEventNamePattern } from './event-rule.ts'
import { parseCidr } from './ip-rule.ts'
import { normalizeOriginRule } from './origin-spelling.ts'
import type { IsPublicSuffix } from './public-suffix.ts'

type NormalizeEntry = (text: string) => { value: string } | { problem: string }

/**
 * Checks and normalises the rule fields of a create or update call. Fields that are absent or `undefined`
 * stay absent; others must be `null` or a list of at most 1 000 well-formed strings. Repeated entries are
 * stored once, origins and ranges in their canonical spelling, an empty deny list as `null`.
 *
 * @throws KeyError `invalid_field`, naming the list, the entry and what to write instead.
 */
export function parseRuleFields(
  input: Readonly<Record<string, unknown>>,
  knownEventTypes: ReadonlySet<string>,
  isPublicSuffix: IsPublicSuffix,
): Partial<KeyRules> {
  const normalizers: Readonly<Record<EntryKind, NormalizeEntry>> = {
    eventType: eventTypeNormalizer(knownEventTypes),
    eventName: normalizeEventName,
    origin: originNormalizer(isPublicSuffix),
    ip: normalizeIp,
  }
  const parsed: Record<string, string[] | null> = {}
  for (const [name, { entries, whenEmpty }] of fieldEntries) {
    if (entries !== undefined && Object.hasOwn(input, name) && input[name] !== undefined)
      parsed[name] = parseList(name, input[name], normalizers[entries], whenEmpty)
  }
  return parsed
}

function parseList(
  name: string,
  list: unknown,
  normalize: NormalizeEntry,
  whenEmpty: KeyField['whenEmpty'],
): string[] | null {
  if (list === null) return null
  if (!Array.isArray(list)) throw invalidField(name, 'must be a list of strings, or null for no rule')
  if (list.length > maxListEntries) throw invalidField(name, `must have at most ${maxListEntries} entries`)
  if (list.length === 0 && whenEmpty === 'null') return null
  if (list.length === 0 && whenEmpty === 'refuse') {
    throw invalidField(name, 'must not be empty: an empty list refuses everything; use null for no rule')
  }
  const values = new Set<string>()
  for (let index = 0; index < list.length; index++) {
    const entry: unknown = list[index]
    const result = typeof entry === 'string' ? normalize(entry) : { problem: 'must be a string' }
    if ('problem' in result) {
      // `field` stays the bare name, for callers that look up the input it belongs to.
      throw new KeyError('invalid_field', `${name}[${index}] ${result.problem}`, { field: name })
    }
    values.add(result.value)
  }
  return [...values]
}

function eventTypeNormalizer(knownEventTypes: ReadonlySet<string>): NormalizeEntry {
  return (text) =>
    knownEventTypes.has(text)
      ? { value: text }
      : { problem: `must be one of ${[...knownEventTypes].join(', ')}` }
}

const normalizeEventName: NormalizeEntry = (text) => {
  const result = normalizeEventNamePattern(text)
  return 'problem' in result ? result : { value: result.pattern }
}

function originNormalizer(isPublicSuffix: IsPublicSuffix): NormalizeEntry {
  return (text) => {
    const result = normalizeOriginRule(text, isPublicSuffix)
    return 'problem' in result ? result : { value: result.rule }
  }
}

const normalizeIp: NormalizeEntry = (text) => {
  if (text.includes('%'))
    return { problem: 'must not have a zone such as %eth0: write fe80::1, or fe80::/10' }
  const cidr = parseCidr(text)
  return cidr === undefined
    ? { problem: 'must be an IP address or a CIDR range, such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32' }
    : { value: cidr.text }
}
