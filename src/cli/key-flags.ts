import { type FieldKind, type KeyField, keyFields, settableFields } from '../keys/fields.ts'
import { toKebabCase, toSnakeCase } from '../runtime/letter-case.ts'
import { usageError } from './cli-error.ts'
import type { Flags } from './flags.ts'
import { splitList } from './keys-options.ts'

const settable = settableFields('create').map((name) => ({
  name,
  flag: toKebabCase(name),
  field: keyFields[name] as KeyField,
}))

const placeholders: Readonly<Record<FieldKind, string>> = {
  text: 'TEXT',
  word: 'WORD',
  number: 'N',
  moment: 'TIME',
  list: 'A,B',
  json: 'JSON',
  rules: 'JSON',
}

/** What the table of fields leaves to their names. */
const otherHelp: Readonly<Record<string, string>> = {
  sourceType: 'What sends with it.',
  environment: "Default: WRITEKEY_ENVIRONMENT or production; with --api the server's own. Never changed.",
}

/** The fields that a command may set, as its options. */
export function fieldFlags(command: 'create' | 'update'): Flags {
  const names = settableFields(command) as readonly string[]
  return Object.fromEntries(
    settable
      .filter(({ name }) => names.includes(name))
      .map(({ name, flag, field: { kind, words, description } }) => [
        flag,
        { value: words?.join('|') ?? placeholders[kind], help: description ?? otherHelp[name] ?? '' },
      ]),
  )
}

/**
 * The fields that are given, in the spelling of the management API, which checks them. `null` takes a rule
 * away; an empty list is one: `--allowed-origins ''` admits no browser.
 */
export function toKeyFields(values: Readonly<Record<string, unknown>>, now: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const { name, flag, field } of settable) {
    const text = values[flag]
    if (typeof text !== 'string') continue
    const value = parseField(flag, field, text)
    // Says more than the schema of the API does.
    if (value !== null) field.parse?.(value, now)
    fields[toSnakeCase(name)] = value
  }
  return fields
}

function parseField(flag: string, { kind, nullable }: KeyField, text: string): unknown {
  if (nullable && text === 'null') return null
  if (kind === 'list') return splitList(text)
  if (kind === 'number') return parseNumber(flag, text)
  if (kind === 'json' || kind === 'rules') return parseJson(flag, text)
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
