import type { KeyRules } from '../keys/fields.ts'
import { compileEventRule, type EventRule } from './event-rule.ts'
import { compileIpRule, type IpRule } from './ip-rule.ts'
import { compileOriginRule, type OriginRule } from './origin-rule.ts'

/**
 * Everything a write key restricts, ready to be asked on the request path. `null` where it restricts nothing.
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
 * Creates the compiler for the keys of one cache. Keys with the same lists share what is made of them: an
 * application's keys often have them alike, and what many requests ask stays in the processor's cache.
 */
export function createRuleCompiler(): CompileRules {
  const eventsOf = sharing(compileEventRule, (fields) => [
    fields.allowedEventTypes,
    fields.allowedEventNames,
    fields.deniedEventNames,
  ])
  const originsOf = sharing(
    ({ allowedOrigins }) => compileOriginRule(allowedOrigins),
    (fields) => [fields.allowedOrigins],
  )
  const ipsOf = sharing(compileIpRule, (fields) => [fields.allowedIps, fields.deniedIps])
  return (fields) => ({ events: eventsOf(fields), origins: originsOf(fields), ips: ipsOf(fields) })
}

/** There are few lists that many keys have; should there be more, they are made again. */
const maxShared = 200
/** Longer lists are hardly anybody else's. In characters of JSON. */
const maxSharedLength = 500

function sharing<Rule>(
  compile: (fields: KeyRules) => Rule,
  listsOf: (fields: KeyRules) => unknown,
): (fields: KeyRules) => Rule {
  const shared = new Map<string, Rule>()
  return (fields) => {
    const id = JSON.stringify(listsOf(fields))
    if (id.length > maxSharedLength) return compile(fields)
    const known = shared.get(id)
    if (known !== undefined) return known
    const rule = compile(fields)
    if (shared.size >= maxShared) shared.clear()
    shared.set(id, rule)
    return rule
  }
}
