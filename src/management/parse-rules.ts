import { loadPublicSuffixes } from '../rules/public-suffix.ts'
import { parseRuleFields } from '../rules/rule-fields.ts'

/** Reads the rules among the fields of a key. @throws KeyError `invalid_field` */
export type ParseRules = (
  input: Readonly<Record<string, unknown>>,
) => Promise<ReturnType<typeof parseRuleFields>>

export function createRuleParser(eventTypes: ReadonlySet<string>): ParseRules {
  return async (input) => parseRuleFields(input, eventTypes, await loadPublicSuffixes())
}
