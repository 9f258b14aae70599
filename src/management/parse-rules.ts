import { parseEps } from '../keys/field-parsers.ts'
import { type TrialRules, trialFields } from '../keys/fields.ts'
import type { Plans } from '../keys/plans.ts'
import { loadPublicSuffixes } from '../rules/public-suffix.ts'
import { parseRuleFields } from '../rules/rule-fields.ts'
import { describeValue } from '../runtime/config-error.ts'
import { invalidField, KeyError } from '../runtime/errors.ts'
import { givenFields } from '../runtime/given-fields.ts'

/** The rules of a key, and those on trial. */
type ParsedRules = ReturnType<typeof parseRuleFields> & { trial?: TrialRules | null }

/**
 * Parses the rules among the fields of a key, and checks that its plan is one of the application's. @throws
 * KeyError `invalid_field`
 */
export type ParseRules = (input: Readonly<Record<string, unknown>>) => Promise<ParsedRules>

export function createRuleParser(eventTypes: ReadonlySet<string>, plans: Plans): ParseRules {
  return async (input) => {
    if (typeof input.plan === 'string' && !plans.knows(input.plan))
      throw invalidField('plan', `must be one of ${plans.names?.join(', ')}, or null for the default`)
    const isPublicSuffix = await loadPublicSuffixes()
    const parseLists = (rules: Readonly<Record<string, unknown>>) =>
      parseRuleFields(rules, eventTypes, isPublicSuffix)
    const lists = parseLists(input)
    return input.trial === undefined ? lists : { ...lists, trial: parseTrial(input.trial, parseLists) }
  }
}

/**
 * `null` and no rule at all mean the same. A single rule of `null` is refused: to try a key without a rule,
 * nothing could be counted.
 */
function parseTrial(
  trial: unknown,
  parseLists: (rules: Readonly<Record<string, unknown>>) => ReturnType<typeof parseRuleFields>,
): TrialRules | null {
  if (trial === null) return null
  const fields = givenFields(trial, trialFields)
  if (fields === undefined)
    throw invalidField(
      'trial',
      `must be an object of rules, or null for none; received ${describeValue(trial)}`,
    )
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    const shown = /^[A-Za-z_]{1,40}$/.test(name) ? name : 'a field'
    if (!(trialFields as readonly string[]).includes(name))
      throw invalidField(
        'trial',
        `has ${shown}, which cannot be tried; it may have ${trialFields.join(', ')}`,
      )
    if (value === null)
      throw invalidField('trial', `has ${shown}: null; leave a rule out that is not to be tried`)
  }
  try {
    const rules = Object.fromEntries(given)
    const rates = given
      .filter(([name]) => name.endsWith('Eps'))
      .map(([name, value]) => [name, parseEps(value, undefined, name)])
    const parsed = { ...parseLists(rules), ...Object.fromEntries(rates) }
    // An empty deny list is no rule.
    const kept = Object.entries(parsed).filter(([, value]) => value !== null)
    return kept.length === 0 ? null : Object.fromEntries(kept)
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    throw new KeyError('invalid_field', `trial.${error.message}`, { field: `trial.${error.field}` })
  }
}
