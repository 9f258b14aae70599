import type { ParseArgsConfig } from 'node:util'
import { usageError } from './cli-error.ts'
import { splitList } from './keys-options.ts'

type Flags = NonNullable<ParseArgsConfig['options']>

/** The fields of a key as options of `create` and `update`. */
export const keyFlags = {
  name: { type: 'string' },
  'source-type': { type: 'string' },
  'rate-limit-eps': { type: 'string' },
  'allowed-event-types': { type: 'string' },
  'allowed-event-names': { type: 'string' },
  'denied-event-names': { type: 'string' },
  'allowed-origins': { type: 'string' },
  'allowed-ips': { type: 'string' },
  'denied-ips': { type: 'string' },
  'expires-at': { type: 'string' },
  metadata: { type: 'string' },
} as const satisfies Flags

const lists = [
  'allowed-event-types',
  'allowed-event-names',
  'denied-event-names',
  'allowed-origins',
  'allowed-ips',
  'denied-ips',
]

/**
 * The fields that are given, for `keys.create` and `keys.update`, which check them. `null` takes a rule away; an empty
 * list is one: `--allowed-origins ''` admits no browser.
 */
export function toKeyFields(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const flag of Object.keys(keyFlags)) {
    const text = values[flag]
    if (typeof text === 'string') fields[toFieldName(flag)] = parseField(flag, text)
  }
  return fields
}

/** `allowed-origins` → `allowedOrigins`. */
export function toFieldName(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** `allowedOrigins` → `allowed-origins`. */
export function toFlagName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function parseField(flag: string, text: string): unknown {
  if (flag === 'name' || flag === 'source-type') return text
  if (text === 'null') return null
  if (lists.includes(flag)) return splitList(text)
  if (flag === 'rate-limit-eps') return parseNumber(flag, text)
  if (flag === 'metadata') return parseMetadata(text)
  return text
}

/** @throws CliError naming the option. */
export function parseNumber(flag: string, text: string): number {
  if (/^\d{1,15}(\.\d{1,9})?$/.test(text)) return Number(text)
  throw usageError(`--${flag} must be a number.`)
}

function parseMetadata(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw usageError('--metadata must be a JSON object or null.')
  }
}
