import { settableFields } from '../keys/settable-fields.ts'
import { toCamelCase, toSnakeCase } from '../runtime/letter-case.ts'

/**
 * Names in messages whose spelling differs between the TypeScript and the JSON API, by their TypeScript name.
 */
const fieldNames = [
  ...settableFields('create'),
  'gracePeriodHours',
  'secretId',
  'keyHash',
  'writeKeys',
  'keyId',
  'nextCursor',
  'groupBy',
].filter((name) => toSnakeCase(name) !== name)

const anyFieldName = new RegExp(`\\b(${fieldNames.join('|')})\\b`, 'g')

/** One of our messages, with its field names in the spelling of the JSON API. */
export function withSnakeCaseFields(message: string): string {
  return message.replace(anyFieldName, (name) => toSnakeCase(name))
}

/** The object with its keys in the spelling of the JSON API; values unchanged. */
export function snakeCaseKeys(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [toSnakeCase(name), value]))
}

/** Own keys of a validated body in the spelling of the TypeScript API. */
export function camelCaseKeys(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [toCamelCase(name), value]))
}
