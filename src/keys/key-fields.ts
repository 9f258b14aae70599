import { invalidField } from '../runtime/errors.ts'
import { environmentCharacters, environmentPattern } from './ids.ts'
import { type KeyRules, type SourceType, sourceTypes } from './key-record.ts'

/** What can be set on a key when it is created. */
export interface CreateKeyInput extends Partial<KeyRules> {
  /** 1 to 100 characters, no control characters. Need not be unique. */
  name: string
  sourceType: SourceType
  /** Default: the `environment` of these write keys. 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  environment?: string
  /** Events per second, 0.001 to 1 000 000. `null` or absent: the application's default. */
  rateLimitEps?: number | null
  /** The key is accepted strictly before this moment, which must lie in the future. A `Date`, milliseconds, or an ISO 8601 text with a zone. */
  expiresAt?: Date | number | string | null
  /** Anything that survives JSON, at most 4 096 bytes of it. Handed to handlers, never interpreted. */
  metadata?: Readonly<Record<string, unknown>> | null
}

/** What can be changed later: everything but the environment. Absent = unchanged, `null` = no rule. */
export type UpdateKeyInput = Partial<Omit<CreateKeyInput, 'environment'>>

/** The scalar fields of a key after validation; rule lists are parsed by `rules/rule-fields.ts`. */
export interface ScalarFields {
  name: string
  sourceType: SourceType
  environment: string
  rateLimitEps: number | null
  expiresAt: number | null
  metadata: Readonly<Record<string, unknown>> | null
}

const ruleNames = [
  'allowedEventTypes',
  'allowedEventNames',
  'deniedEventNames',
  'allowedOrigins',
  'allowedIps',
  'deniedIps',
] as const
const scalarParsers: { [Field in keyof ScalarFields]: (value: unknown, now: number) => ScalarFields[Field] } =
  {
    name: parseName,
    sourceType: parseSourceType,
    environment: parseEnvironment,
    rateLimitEps: (value) => parseEps(value),
    expiresAt: parseExpiresAt,
    metadata: parseMetadata,
  }
const createFields: readonly string[] = [...Object.keys(scalarParsers), ...ruleNames]
const updateFields = createFields.filter((field) => field !== 'environment')

/** Least rate, one event in 17 minutes. Below it the advertised window would be hours, and at the end of the numbers infinite. */
export const minRateLimitEps = 0.001
/** Greatest rate a key may have, events per second. */
export const maxRateLimitEps = 1_000_000

/**
 * Checks the scalar fields that are present (own and not `undefined`); rule lists are left to the rules.
 * @throws KeyError `invalid_field` naming the field, also for a field nobody knows.
 */
export function parseScalarFields(
  input: unknown,
  kind: 'create' | 'update',
  now: number,
): Partial<ScalarFields> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw invalidField('input', 'must be an object with the fields of a write key')
  }
  const known = kind === 'create' ? createFields : updateFields
  const parsed: Partial<ScalarFields> = {}
  for (const [field, value] of Object.entries(input)) {
    if (value === undefined) continue
    if (!known.includes(field)) {
      // A misplaced secret could stand here as the field's name: quote only what looks like a name.
      const shown = /^[A-Za-z_]{1,40}$/.test(field) ? field : 'a field'
      throw invalidField(
        shown,
        `is not a field that can be ${kind === 'create' ? 'set' : 'changed'}; use ${known.join(', ')}`,
      )
    }
    if (field in scalarParsers) {
      const name = field as keyof ScalarFields
      ;(parsed as Record<string, unknown>)[name] = scalarParsers[name](value, now)
    }
  }
  return parsed
}

/** Whether the value can be a rate: a number from 0.001 to 1 000 000. */
export function isEps(value: unknown): value is number {
  return typeof value === 'number' && value >= minRateLimitEps && value <= maxRateLimitEps
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

function parseName(value: unknown): string {
  if (typeof value !== 'string') throw invalidField('name', 'must be a string of 1 to 100 characters')
  const length = [...value].length
  if (value.trim() === '' || length > 100) throw invalidField('name', 'must have 1 to 100 characters')
  if (controlCharacters.test(value))
    throw invalidField('name', 'must not contain control characters or line breaks')
  if (!value.isWellFormed()) throw invalidField('name', 'must be well-formed Unicode')
  return value
}

function parseSourceType(value: unknown): SourceType {
  if (typeof value === 'string' && (sourceTypes as readonly string[]).includes(value))
    return value as SourceType
  throw invalidField('sourceType', `must be one of ${sourceTypes.join(', ')}`)
}

function parseEnvironment(value: unknown): string {
  if (typeof value === 'string' && environmentPattern.test(value)) return value
  throw invalidField('environment', `must be ${environmentCharacters}`)
}

function parseEps(value: unknown): number | null {
  if (value === null || isEps(value)) return value
  throw invalidField(
    'rateLimitEps',
    `must be a number of events per second from ${minRateLimitEps} to ${maxRateLimitEps}, or null for the default`,
  )
}

function parseExpiresAt(value: unknown, now: number): number | null {
  if (value === null) return null
  const at = toEpochMs(value)
  if (at === undefined) {
    throw invalidField(
      'expiresAt',
      'must be a Date, milliseconds since the epoch, an ISO 8601 text with a zone, or null',
    )
  }
  if (at <= now) throw invalidField('expiresAt', 'must lie in the future; revoke the key to end it now')
  return at
}

const isoPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/
/** The last moment a Date can hold. */
const maxEpochMs = 8_640_000_000_000_000

function toEpochMs(value: unknown): number | undefined {
  const ms =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'number'
        ? value
        : typeof value === 'string' && isoPattern.test(value)
          ? Date.parse(value)
          : Number.NaN
  return Number.isFinite(ms) && Math.abs(ms) <= maxEpochMs ? Math.trunc(ms) : undefined
}

function parseMetadata(value: unknown): Readonly<Record<string, unknown>> | null {
  if (value === null) return null
  const problem = 'must be an object that survives JSON, at most 4096 bytes of it, or null'
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidField('metadata', problem)
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    throw invalidField('metadata', problem)
  }
  if (text === undefined || Buffer.byteLength(text) > 4096 || text.includes('"__proto__"')) {
    throw invalidField('metadata', problem)
  }
  // PostgreSQL cannot hold NUL in a text, and a key must be storable in every store.
  if (text.includes('\\u0000')) throw invalidField('metadata', 'must not contain NUL characters')
  const copy: unknown = JSON.parse(text)
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy))
    throw invalidField('metadata', problem)
  return copy as Record<string, unknown>
}
