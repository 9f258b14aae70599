import type { ParseArgsConfig } from 'node:util'
import { camelCaseKeys } from '../admin/field-names.ts'
import { type FieldKind, type KeyField, keyFields, settableFields } from '../keys/fields.ts'
import { toKebabCase } from '../runtime/letter-case.ts'
import { usageError } from './cli-error.ts'
import { splitList } from './keys-options.ts'

type Flags = NonNullable<ParseArgsConfig['options']>

const settable = settableFields('create').map((name) => ({
  name,
  flag: toFlagName(name),
  field: keyFields[name] as KeyField,
}))

/** The fields that a command may set, as its options. */
export function keyFlags(command: 'create' | 'update'): Flags {
  return Object.fromEntries(settableFields(command).map((name) => [toFlagName(name), { type: 'string' }]))
}

/**
 * The fields that are given, for `keys.create` and `keys.update`, which check them. `null` takes a rule away;
 * an empty list is one: `--allowed-origins ''` admits no browser.
 */
export function toKeyFields(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const { name, flag, field } of settable) {
    const text = values[flag]
    if (typeof text === 'string') fields[name] = parseField(flag, field, text)
  }
  return fields
}

/** `allowedOrigins` → `allowed-origins`. */
export function toFlagName(field: string): string {
  return toKebabCase(field)
}

/** What the flags of the optional fields are followed by in the help, e.g. `--rate-limit-eps N`. */
export function ruleUsage(): string[] {
  return settable
    .filter(({ field }) => field.nullable)
    .map(({ flag, field: { kind } }) => `--${flag} ${placeholders[kind]}`)
}

const placeholders: Readonly<Record<FieldKind, string>> = {
  text: 'TEXT',
  word: 'WORD',
  number: 'N',
  moment: 'TIME',
  list: 'A,B',
  json: 'JSON',
  rules: 'JSON',
}

function parseField(flag: string, { kind, nullable }: KeyField, text: string): unknown {
  if (nullable && text === 'null') return null
  if (kind === 'list') return splitList(text)
  if (kind === 'number') return parseNumber(flag, text)
  if (kind === 'json') return parseJson(flag, text)
  if (kind === 'rules') return camelCaseKeys(parseJson(flag, text) as Record<string, unknown>)
  return text
}

/** @throws CliError naming the option. */
export function parseNumber(flag: string, text: string): number {
  if (/^\d{1,15}(\.\d{1,9})?$/.test(text)) return Number(text)
  throw usageError(`--${flag} must be a number.`)
}

function parseJson(flag: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw usageError(`--${flag} must be a JSON object or null.`)
  }
}
