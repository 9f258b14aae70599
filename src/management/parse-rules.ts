import type { Plans } from '../keys/plans.ts'
import { loadPublicSuffixes } from '../rules/public-suffix.ts'
import { parseRuleFields } from '../rules/rule-fields.ts'
import { invalidField } from '../runtime/errors.ts'

/** Reads the rules among the fields of a key, and looks whether its plan is one of the application's. @throws KeyError `invalid_field` */
export type ParseRules = (
  input: Readonly<Record<string, unknown>>,
) => Promise<ReturnType<typeof parseRuleFields>>

export function createRuleParser(eventTypes: ReadonlySet<string>, plans: Plans): ParseRules {
  return async (input) => {
    if (typeof input.plan === 'string' && !plans.knows(input.plan))
      throw invalidField('plan', `must be one of ${plans.names?.join(', ')}, or null for the default`)
    return parseRuleFields(input, eventTypes, await loadPublicSuffixes())
  }
}
