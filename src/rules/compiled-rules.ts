import type { KeyRules } from '../keys/fields.ts'
import { compileEventRule, type EventRule } from './event-rule.ts'
import { compileIpRule, type IpRule } from './ip-rule.ts'
import { compileOriginRule, type OriginRule } from './origin-rule.ts'

/** Everything a write key restricts, ready to be asked on the request path. `null` where it restricts nothing. */
export interface CompiledRules {
  readonly events: EventRule | null
  readonly origins: OriginRule | null
  readonly ips: IpRule | null
}

/** Compiles the rules of one write key, once per load. Never throws: an unreadable stored entry makes a rule stricter. */
export function compileRules(fields: KeyRules): CompiledRules {
  return {
    events: compileEventRule(fields),
    origins: compileOriginRule(fields.allowedOrigins),
    ips: compileIpRule(fields),
  }
}
