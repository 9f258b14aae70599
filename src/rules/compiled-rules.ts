import { type EntryKind, type KeyRules, keyFields, listFields } from '../keys/fields.ts'
import { compileEventRule, type EventRule } from './event-rule.ts'
import { compileIpRule, type IpRule } from './ip-rule.ts'
import { compileOriginRule, type OriginRule } from './origin-rule.ts'

/**
 * Everything that a write key restricts, compiled for the request path. `null` where it restricts nothing.
 */
export interface CompiledRules {
  readonly events: EventRule | null
  readonly origins: OriginRule | null
  readonly ips: IpRule | null
}

/**
 * Compiles the rules of one write key, once per load. Never throws: an unreadable stored entry makes a rule
 * stricter.
 */
export type CompileRules = (fields: KeyRules) => CompiledRules

/**
 * Creates the compiler for the keys of one cache. Keys with the same lists share one compiled rule: many keys
 * of an application have the same lists, and what many requests ask stays in the processor's cache.
 */
export function createRuleCompiler(): CompileRules {
  const eventsOf = sharing(compileEventRule, ['eventType', 'eventName'])
  const originsOf = sharing(compileOriginRule, ['origin'])
  const ipsOf = sharing(compileIpRule, ['ip'])
  return (fields) => ({ events: eventsOf(fields), origins: originsOf(fields), ips: ipsOf(fields) })
}

/** Few lists are shared by many keys. Should there be more, they are compiled again. */
const maxShared = 200
/** Longer lists are rarely shared. In characters of JSON. */
const maxSharedLength = 500

/** @param entries what the lists hold that the rule is compiled from */
function sharing<Rule>(
  compile: (fields: KeyRules) => Rule,
  entries: readonly EntryKind[],
): (fields: KeyRules) => Rule {
  const lists = listFields.filter((name) => entries.includes(keyFields[name].entries))
  const shared = new Map<string, Rule>()
  return (fields) => {
    const id = JSON.stringify(lists.map((name) => fields[name]))
    if (id.length > maxSharedLength) return compile(fields)
    const known = shared.get(id)
    if (known !== undefined) return known
    const rule = compile(fields)
    if (shared.size >= maxShared) shared.clear()
    shared.set(id, rule)
    return rule
  }
}
