import { readList } from '../keys/csv-list.ts'
import { type FieldKind, type KeyField, keyFields, trialFields } from '../keys/fields.ts'
import { settableFields } from '../keys/settable-fields.ts'
import { toKebabCase, toSnakeCase } from '../runtime/letter-case.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import { usageError } from './cli-error.ts'
import type { Flags } from './command-spec.ts'

const settable = settableFields('create').map((name) => ({
  name,
  flag: toKebabCase(name),
  field: keyFields[name] as KeyField,
}))

const placeholders: Readonly<Record<FieldKind, string>> = {
  text: 'TEXT',
  word: 'WORD',
  number: 'N',
  whole: 'N',
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
        {
          value: words?.join('|') ?? placeholders[kind],
          ...(words !== undefined && { words }),
          help: description ?? otherHelp[name] ?? '',
        },
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
  if (kind === 'list') return readList(text)
  if (kind === 'number') return parseNumber(flag, text)
  if (kind === 'json') return parseJson(flag, text)
  if (kind === 'rules') return parseTrial(flag, text)
  if (kind === 'moment') return parseMoment(flag, text)
  return text
}

/** @throws CliError naming the option. */
export function parseNumber(flag: string, text: string): number {
  if (/^-?\d{1,15}(\.\d{1,9})?$/.test(text)) return Number(text)
  throw usageError(`--${flag} must be a number.`)
}

/** @throws CliError for what is no object of JSON. */
function parseJson(flag: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {}
  throw usageError(`--${flag} must be a JSON object or null.`)
}

const trialNames = trialFields.map((name) => toSnakeCase(name))

/** Rules on trial, by the names that they have in the management API. */
function parseTrial(flag: string, text: string): object {
  const rules = parseJson(flag, text)
  const unknown = Object.keys(rules).find((name) => !(trialNames as readonly string[]).includes(name))
  if (unknown === undefined) return rules
  const near = nearestName(unknown, trialNames)
  throw usageError(
    near === undefined
      ? `--${flag} takes ${trialNames.join(', ')}, and nothing else.`
      : `--${flag} has an unknown field; did you mean ${near}?`,
  )
}

function parseMoment(flag: string, text: string): string {
  const hasZone = /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)$/i.test(text)
  const at = hasZone ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw usageError(`--${flag} must be a moment with its zone, such as 2030-01-31T12:00:00Z, or null.`)
  return new Date(at).toISOString()
}
