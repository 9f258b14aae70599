import { describeValue } from '../runtime/config-error.ts'
import { invalidField } from '../runtime/errors.ts'
import { givenFields } from '../runtime/given-fields.ts'
import type { Optional } from '../runtime/optional.ts'
import type { KeyRules, TrialRules } from './fields.ts'
import { type FieldName, type FieldValues, type KeyField, keyFields } from './fields.ts'
import { type SettableField, settableFields } from './settable-fields.ts'
import type { SourceType } from './source-type.ts'

/** What can be set on a key when it is created. */
export interface CreateKeyInput extends Optional<KeyRules> {
  /** 1 to 100 characters, no control characters. Need not be unique. */
  name: string
  sourceType: SourceType
  /** Default: the `environment` of these write keys. 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  environment?: string | undefined
  /**
   * The customer, team or project that the key belongs to, for good: 1 to 100 of `A-Z a-z 0-9 . _ : @ -`.
   * Default `null`: none. `undefined` as a value is refused.
   */
  workspace?: string | null
  /**
   * A name in the option `plans`, which says the rates that the key leaves unset. `null` or absent: the
   * default plan.
   */
  plan?: string | null | undefined
  /** Events per second, 0.001 to 1 000 000. `null` or absent: the plan's, else the application's default. */
  rateLimitEps?: number | null | undefined
  /**
   * Events per second of one sender with this key, 0.001 to 1 000 000: an IPv4 address, or the /64 of an IPv6
   * one. `null` or absent: the plan's, else one sender may use the whole rate.
   */
  senderRateLimitEps?: number | null | undefined
  /**
   * Rules on trial, with the names and values of the enforced ones. They refuse nothing: what they would
   * refuse is counted (`usage`), reported (`would_refuse`) and shown. `null`, `{}` or absent: none.
   */
  trial?: TrialRules | null | undefined
  /**
   * The key is accepted strictly before this moment, which must lie in the future. A `Date`, milliseconds, or
   * an ISO 8601 text with a zone.
   */
  expiresAt?: Date | number | string | null | undefined
  /** Anything that survives JSON, at most 4 096 bytes of it. Passed to handlers, never interpreted. */
  metadata?: Readonly<Record<string, unknown>> | null | undefined
}

/**
 * What can be changed later: everything but the environment and the workspace. Absent = unchanged, `null` =
 * no rule.
 */
export type UpdateKeyInput = Optional<Omit<CreateKeyInput, 'environment' | 'workspace'>>

/**
 * What a caller may set, after validation. Does not compile when `CreateKeyInput` has a field that the table
 * lacks.
 */
export type GivenFields = Pick<FieldValues, keyof CreateKeyInput>
/** The scalar fields of a key after validation; rule lists are parsed by `rules/rule-fields.ts`. */
export type ScalarFields = Omit<GivenFields, keyof KeyRules | 'trial'>

/** Typed in both directions: this is the other half of the check that `GivenFields` makes. */
const fieldsOf: Readonly<Record<'create' | 'update', readonly (keyof CreateKeyInput & SettableField)[]>> = {
  create: scalarsFirst(settableFields('create')),
  update: scalarsFirst(settableFields('update')),
}

/**
 * The fields that were given, as a plain object. They are not checked yet.
 * @param more fields beside those of a key, such as an imported secret
 * @throws KeyError `invalid_field` for what is no object of fields, such as a promise of one.
 */
export function readKeyFields(
  input: unknown,
  kind: 'create' | 'update',
  more: readonly string[] = [],
): Record<string, unknown> {
  const fields = givenFields(input, [...fieldsOf[kind], ...more])
  if (fields !== undefined) return fields
  const expected = `must be an object with the fields of a write key${more.length > 0 ? `, and its ${more.join(' or ')}` : ''}`
  throw invalidField('input', `${expected}; received ${describeValue(input)}`)
}

/**
 * Checks the scalar fields that are present (not `undefined`, but for the workspace of a new key). Rule lists are checked by the rules.
 * @param input as `readKeyFields` gives it
 * @throws KeyError `invalid_field` naming the field, also for an unknown field.
 */
export function parseScalarFields(
  input: Readonly<Record<string, unknown>>,
  kind: 'create' | 'update',
  now: number,
): Partial<ScalarFields> {
  const known: readonly string[] = fieldsOf[kind]
  const parsed: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(input)) {
    // The workspace of a customer that was not found: the key would be nobody's.
    if (value === undefined && !(kind === 'create' && field === 'workspace')) continue
    if (!known.includes(field)) {
      // A misplaced secret could stand here as the field's name: quote only what looks like a name.
      const shown = /^[A-Za-z_]{1,40}$/.test(field) ? field : 'a field'
      throw invalidField(
        shown,
        `is not a field that can be ${kind === 'create' ? 'set' : 'changed'}; use ${known.join(', ')}`,
      )
    }
    const { parse }: KeyField = keyFields[field as FieldName]
    if (parse !== undefined) parsed[field] = parse(value, now)
  }
  return parsed
}

/** In the order in which messages list them. */
function scalarsFirst(names: readonly SettableField[]): readonly SettableField[] {
  const isList = (name: FieldName) => keyFields[name].kind === 'list'
  return [...names.filter((name) => !isList(name)), ...names.filter(isList)]
}
